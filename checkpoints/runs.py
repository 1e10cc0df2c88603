"""The runs of a workspace: names, settings, where they stand."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ..taxonomy.errors import RunExistsError, RunNotFoundError, SettingsError
from .database import Database, Row, now, storable

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
# A run's outputs go into a folder of its name, beside these files.
_TAKEN = ("workspace.sqlite", "checkpoints.sqlite")
_COLUMNS = "name, thread_id, settings, graph_version, status, parent, created, note"


def check_run_name(name: str) -> str:
    """Return the name where it can name a run, which is also a folder.

    Raises:
        SettingsError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{name!r} cannot name a run: use up to 64 small letters, digits, dots, dashes and underscores, "
            f"beginning with a letter or digit."
        )
    if name.startswith(_TAKEN):
        raise SettingsError(
            f"{name!r} cannot name a run: a file of the workspace is called so. Choose another."
        )
    return name


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run.

    Attributes:
        name: unique in its workspace; also its folder's name.
        thread_id: its thread in ``checkpoints.sqlite``.
        settings: all of them, as JSON types.
        graph_version: of the graph that began it.
        status: where it stands; the words are the graph's.
        parent: name of the run it was forked from, or None.
        created: when, ISO 8601, UTC.
        note: more about the status, or "".
    """

    name: str
    thread_id: str
    settings: dict[str, Any]
    graph_version: int
    status: str
    parent: str | None
    created: str
    note: str


class Runs:
    """The table of runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        *,
        settings: Mapping[str, Any],
        graph_version: int,
        status: str,
        thread_id: str | None = None,
        parent: str | None = None,
        note: str = "",
    ) -> RunRow:
        """Enter a new run and return its row. Without a thread id it gets one that was never used.

        Raises:
            SettingsError: the name cannot be used.
            RunExistsError: there is a run of that name.
            StorageError: the disk is full, or the database cannot be written.
        """
        check_run_name(name)
        thread_id = thread_id or uuid4().hex
        with self._database.transaction():
            found = self._database.execute("SELECT status FROM runs WHERE name = ?", (name,))
            if found:
                workspace = self._database.path.parent
                raise RunExistsError(
                    f"{workspace} already has a run {name!r} ({found[0][0]}). Go on with it: "
                    f"`tnt resume -w {workspace} {name}`; or start another beside it: `--name OTHER`."
                )
            self._database.execute(
                f"INSERT INTO runs ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (name, thread_id, _dump(settings), graph_version, status, parent, now(), storable(note)),
            )
        return self.get(name)

    def get(self, name: str) -> RunRow:
        """The run of this name.

        Raises:
            RunNotFoundError: there is none; the message lists the ones there are.
        """
        rows = self._database.execute(f"SELECT {_COLUMNS} FROM runs WHERE name = ?", (name,))
        if not rows:
            names = ", ".join(row.name for row in self.list()) or "none yet"
            raise RunNotFoundError(f"{self._database.path.parent} has no run {name!r}. Runs there: {names}.")
        return _run(rows[0])

    def list(self) -> list[RunRow]:
        """All runs, the oldest first."""
        return [_run(row) for row in self._database.execute(f"SELECT {_COLUMNS} FROM runs ORDER BY rowid")]

    def set_status(self, name: str, status: str, note: str = "") -> None:
        """Record where a run stands; the note replaces the old one.

        Raises:
            RunNotFoundError: there is no such run.
            StorageError: the disk is full, or the database cannot be written.
        """
        self.get(name)
        self._database.execute(
            "UPDATE runs SET status = ?, note = ? WHERE name = ?", (status, storable(note), name)
        )

    def update_settings(self, name: str, settings: Mapping[str, Any]) -> None:
        """Replace a run's settings, all of them.

        Raises:
            RunNotFoundError: there is no such run.
            StorageError: the disk is full, or the database cannot be written.
        """
        self.get(name)
        self._database.execute("UPDATE runs SET settings = ? WHERE name = ?", (_dump(settings), name))


def _dump(settings: Mapping[str, Any]) -> str:
    # ASCII escapes: half surrogate pairs in a use case given on the command line stay storable.
    return json.dumps(dict(settings), sort_keys=True)


def _run(row: Row) -> RunRow:
    name, thread_id, settings, graph_version, status, parent, created, note = row
    return RunRow(name, thread_id, json.loads(settings), graph_version, status, parent, created, note)
