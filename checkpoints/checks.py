"""Labels that looked wrong, and what became of them."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .database import Database, Row, number_list, storable
from .labels import LabelRow, Source


class Verdict(StrEnum):
    """Where the examination of a label stands."""

    OPEN = "open"
    """Settled, and not looked at yet."""
    SUSPECT = "suspect"
    """It looks wrong, and is to be asked about."""
    KEPT = "kept"
    CHANGED = "changed"
    DROPPED = "dropped"
    """Nothing is learnt from it; the classifier labels the document."""


@dataclass(frozen=True, slots=True)
class Check:
    """The examination of one document's label.

    Attributes:
        label: as it was settled.
        verdict: what became of it.
        neighbours: category id that most of its nearest neighbours bear; None for undefined.
        student: category id that a student gives which never saw it; None for undefined.
        doubt: how suspect it is, 0..1.
        answer: category id that the LLM gave when it was asked again; None for undefined.
        reason: one sentence of the LLM's, or what else decided.
        was_answered: whether it was asked again and answered.
    """

    label: LabelRow
    verdict: Verdict
    neighbours: str | None = None
    student: str | None = None
    doubt: float = 0.0
    answer: str | None = None
    reason: str = ""
    was_answered: bool = False


class Checks:
    """Examinations by run, taxonomy version and document."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, run: str, version: str, checks: Iterable[Check]) -> None:
        """Store those of documents that have none yet, all or nothing.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._store("INSERT OR IGNORE", run, version, checks)

    def put_many(self, run: str, version: str, checks: Iterable[Check]) -> None:
        """Store them, all or none; a document that has one gets the new one.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._store("INSERT OR REPLACE", run, version, checks)

    def remove(self, run: str, version: str, verdict: Verdict) -> None:
        """Forget those of one verdict.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._database.execute(
            "DELETE FROM checks WHERE run = ? AND version = ? AND verdict = ?", (run, version, verdict.value)
        )

    def get(self, run: str, version: str, *verdicts: Verdict) -> dict[int, Check]:
        """Those of these verdicts, or all, by document, ascending."""
        rows = self._database.execute(
            "SELECT number, verdict, label, evidence FROM checks WHERE run = ? AND version = ? "
            "AND verdict IN (SELECT value FROM json_each(?)) ORDER BY number",
            (run, version, json.dumps([verdict.value for verdict in verdicts or Verdict])),
        )
        return {row[0]: _check(row) for row in rows}

    def copy(self, run: str, source: str, target: str, numbers: Sequence[int]) -> None:
        """Let a version have another's closed examinations of these documents, unless it has its own.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._database.execute(
            "INSERT OR IGNORE INTO checks (run, version, number, verdict, label, evidence) "
            "SELECT run, ?, number, verdict, label, evidence FROM checks WHERE run = ? AND version = ? "
            "AND verdict NOT IN ('open', 'suspect') AND number IN (SELECT value FROM json_each(?))",
            (target, run, source, number_list(numbers)),
        )

    def _store(self, way: str, run: str, version: str, checks: Iterable[Check]) -> None:
        self._database.execute_many(
            f"{way} INTO checks (run, version, number, verdict, label, evidence) VALUES (?, ?, ?, ?, ?, ?)",
            (
                (
                    run,
                    version,
                    int(check.label.number),
                    Verdict(check.verdict).value,
                    storable(_label(check.label)),
                    storable(_evidence(check)),
                )
                for check in checks
            ),
        )


def _label(row: LabelRow) -> str:
    return json.dumps(
        {
            "primary": row.primary,
            "all": list(row.all),
            "confidence": float(row.confidence),
            "source": Source(row.source).value,
            "reason": row.reason,
        },
        ensure_ascii=False,
    )


def _evidence(check: Check) -> str:
    return json.dumps(
        {
            "neighbours": check.neighbours,
            "student": check.student,
            "doubt": float(check.doubt),
            "answer": check.answer,
            "reason": check.reason,
            "was_answered": check.was_answered,
        },
        ensure_ascii=False,
    )


def _check(row: Row) -> Check:
    number, verdict, label, evidence = row
    told = json.loads(label)
    return Check(
        label=LabelRow(
            number,
            told["primary"],
            tuple(told["all"]),
            told["confidence"],
            Source(told["source"]),
            told["reason"],
        ),
        verdict=Verdict(verdict),
        **json.loads(evidence),
    )
