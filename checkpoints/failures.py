"""Per-document trouble: it is kept with the raw answer and shown in the report, and never ends a run."""

from dataclasses import dataclass

from .database import Database, now, storable


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One thing that went wrong.

    Attributes:
        stage: where.
        number: the document, or None for a step that concerns many.
        error: what happened, in words.
        raw: the model's text as it came, or "".
        created: when, ISO 8601, UTC.
    """

    stage: str
    number: int | None
    error: str
    raw: str
    created: str


class Failures:
    """Failures by run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, run: str, stage: str, number: int | None, error: str, raw: str = "") -> None:
        """Keep a failure; a resumed run that meets the same one again does not add to the list.

        A document has one per stage, the newest. One without a document is kept once per error text.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._database.execute(
            "INSERT OR REPLACE INTO failures (run, stage, number, error, raw, created) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (run, stage, number, storable(error), storable(raw), now()),
        )

    def list(self, run: str) -> list[FailureRow]:
        """All failures of a run, by stage and document."""
        rows = self._database.execute(
            "SELECT stage, number, error, raw, created FROM failures "
            "WHERE run = ? ORDER BY stage, number, id",
            (run,),
        )
        return [FailureRow(*row) for row in rows]

    def count(self, run: str) -> int:
        """How many failures a run has."""
        return int(self._database.execute("SELECT count(*) FROM failures WHERE run = ?", (run,))[0][0])
