"""Every version a taxonomy went through, with its parent, author and edits. Nothing here is ever changed."""

from ..taxonomy.errors import WorkspaceError
from ..taxonomy.version import Version
from .database import Database, now


class Versions:
    """Taxonomy versions of a workspace.

    Their ids are hashes of content and ancestry, so runs that share a past share rows.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, run: str, version: Version) -> None:
        """Keep a version for a run; one that is there already is left as it is.

        Raises:
            WorkspaceError: its parent was never put.
            StorageError: the disk is full, or the database cannot be written.
        """
        with self._database.transaction():
            if version.parent is not None and not self._has(version.parent):
                raise self._unknown(version.parent)
            self._database.execute(
                "INSERT OR IGNORE INTO versions VALUES (?, ?, ?, ?)",
                (version.id, version.parent, version.model_dump_json(), now()),
            )
            self._database.execute(
                "INSERT OR IGNORE INTO run_versions (run, version) VALUES (?, ?)", (run, version.id)
            )

    def get(self, version_id: str) -> Version:
        """The version of this id.

        Raises:
            WorkspaceError: there is none.
        """
        return self.path(version_id)[-1]

    def path(self, version_id: str) -> list[Version]:
        """The version and all its ancestors, the root first.

        Raises:
            WorkspaceError: there is no such version.
        """
        rows = self._database.execute(
            "WITH RECURSIVE line (id, parent, body, depth) AS ("
            "SELECT id, parent, body, 0 FROM versions WHERE id = ? UNION ALL "
            "SELECT v.id, v.parent, v.body, line.depth + 1 FROM versions v JOIN line ON v.id = line.parent) "
            "SELECT body FROM line ORDER BY depth DESC",
            (version_id,),
        )
        if not rows:
            raise self._unknown(version_id)
        return [Version.model_validate_json(row[0]) for row in rows]

    def list(self, run: str) -> list[Version]:
        """Every version that a run put, in that order: all trials, finalists and steps, not one ancestry."""
        rows = self._database.execute(
            "SELECT v.body FROM run_versions r JOIN versions v ON v.id = r.version "
            "WHERE r.run = ? ORDER BY r.id",
            (run,),
        )
        return [Version.model_validate_json(row[0]) for row in rows]

    def find(self, beginning: str) -> tuple[str, ...]:
        """Ids of the versions of the workspace that begin so, the oldest first."""
        rows = self._database.execute(
            "SELECT id FROM versions WHERE substr(id, 1, length(?)) = ? ORDER BY rowid",
            (beginning, beginning),
        )
        return tuple(row[0] for row in rows)

    def _has(self, version_id: str) -> bool:
        return bool(self._database.execute("SELECT 1 FROM versions WHERE id = ?", (version_id,)))

    def _unknown(self, version_id: str) -> WorkspaceError:
        return WorkspaceError(f"{self._database.path} has no taxonomy version {version_id!r}.")
