"""What the labeler answered, raw (`Votes`), and what was settled from it (`Labels`)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from .database import Database, Row, number_list, storable

_PAGE = 5_000


class Source(StrEnum):
    """Where a label comes from."""

    LLM = "llm"
    STUDENT = "student"
    LINEAGE = "lineage"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class LabelRow:
    """The settled label of one document.

    Attributes:
        number: the document.
        primary: category id; None means undefined.
        all: ids of all categories that apply, the primary first.
        confidence: 0..1.
        source: where it comes from.
        reason: one sentence, or "".
    """

    number: int
    primary: str | None
    all: tuple[str, ...]
    confidence: float
    source: Source
    reason: str = ""


class Votes:
    """The labeler's raw answers (JSON text) by taxonomy version and way of asking.

    A way of asking is whatever else the answer depends on: style, prompt version, order of letters, model.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_many(self, version: str, ask: str, answers: Mapping[int, str]) -> None:
        """Store answers by document number, all or none; one that is there is replaced.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._database.execute_many(
            "INSERT OR REPLACE INTO votes VALUES (?, ?, ?, ?)",
            ((version, ask, int(number), storable(answer)) for number, answer in answers.items()),
        )

    def get(self, version: str, ask: str) -> dict[int, str]:
        """All answers to one way of asking, in order of documents."""
        rows = self._database.execute(
            "SELECT number, answer FROM votes WHERE version = ? AND ask = ? ORDER BY number", (version, ask)
        )
        return dict(rows)

    def missing(self, version: str, ask: str, numbers: Sequence[int]) -> list[int]:
        """Those of the numbers that were not asked yet, in the order given."""
        rows = self._database.execute(
            "SELECT number FROM votes "
            "WHERE version = ? AND ask = ? AND number IN (SELECT value FROM json_each(?))",
            (version, ask, number_list(numbers)),
        )
        there = {row[0] for row in rows}
        return [number for number in numbers if number not in there]


class Labels:
    """Settled labels by run and taxonomy version."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_many(self, run: str, version: str, rows: Iterable[LabelRow]) -> None:
        """Store labels, all or none; a document that has one gets the new one.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._database.execute_many(
            "INSERT OR REPLACE INTO labels VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    run,
                    version,
                    int(row.number),
                    row.primary,
                    json.dumps(list(row.all)),
                    float(row.confidence),
                    Source(row.source).value,
                    storable(row.reason),
                )
                for row in rows
            ),
        )

    def remove(self, run: str, version: str, numbers: Sequence[int]) -> None:
        """Forget the labels of these documents, as if they had none.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._database.execute(
            "DELETE FROM labels WHERE run = ? AND version = ? AND number IN (SELECT value FROM json_each(?))",
            (run, version, number_list(numbers)),
        )

    def get(self, run: str, version: str) -> Iterator[LabelRow]:
        """All labels in order of documents; memory stays flat."""
        after = -1
        while rows := self._database.execute(
            "SELECT number, primary_id, all_ids, confidence, source, reason FROM labels "
            "WHERE run = ? AND version = ? AND number > ? ORDER BY number LIMIT ?",
            (run, version, after, _PAGE),
        ):
            yield from map(_label, rows)
            after = rows[-1][0]

    def of(self, run: str, version: str, numbers: Sequence[int]) -> dict[int, LabelRow]:
        """Labels of these documents, by number, ascending; those that have none are left out."""
        rows = self._database.execute(
            "SELECT number, primary_id, all_ids, confidence, source, reason FROM labels "
            "WHERE run = ? AND version = ? AND number IN (SELECT value FROM json_each(?)) ORDER BY number",
            (run, version, number_list(numbers)),
        )
        return {row[0]: _label(row) for row in rows}

    def taught(self, run: str, version: str) -> Iterator[LabelRow]:
        """The labels that no classifier gave, in order of documents: what one is trained on; memory stays flat."""
        after = -1
        while rows := self._database.execute(
            "SELECT number, primary_id, all_ids, confidence, source, reason FROM labels "
            "WHERE run = ? AND version = ? AND number > ? AND source <> ? ORDER BY number LIMIT ?",
            (run, version, after, Source.STUDENT.value, _PAGE),
        ):
            yield from map(_label, rows)
            after = rows[-1][0]

    def newest(self, run: str, versions: Iterable[str]) -> str | None:
        """The first of these versions that the run has labels of, those of a classifier alone not counting."""
        for version in versions:
            if self._database.execute(
                "SELECT 1 FROM labels WHERE run = ? AND version = ? AND source <> ? LIMIT 1",
                (run, version, Source.STUDENT.value),
            ):
                return version
        return None

    def counts(self, run: str, version: str) -> dict[str | None, int]:
        """Documents by primary category id, the most frequent first; None counts the undefined."""
        rows = self._database.execute(
            "SELECT primary_id, count(*) FROM labels WHERE run = ? AND version = ? "
            "GROUP BY primary_id ORDER BY count(*) DESC, primary_id",
            (run, version),
        )
        return dict(rows)


def _label(row: Row) -> LabelRow:
    number, primary, all_ids, confidence, source, reason = row
    return LabelRow(number, primary, tuple(json.loads(all_ids)), confidence, Source(source), reason)
