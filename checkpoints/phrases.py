"""What each text is about for a purpose, in a few words, and a summary of the long ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .database import Database, number_list, storable


@dataclass(frozen=True, slots=True)
class Phrase:
    """The use-case phrase of one document.

    Attributes:
        phrase: 2 to 4 words.
        summary: stands for the text where that is long; None where the text speaks for itself.
    """

    phrase: str
    summary: str | None = None


class Phrases:
    """Phrases by purpose and document number.

    A purpose is whatever they depend on: use case, prompt version, model.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_many(self, purpose: str, phrases: Mapping[int, Phrase]) -> None:
        """Store phrases by document number, all or none; one that is there is replaced.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._database.execute_many(
            "INSERT OR REPLACE INTO phrases VALUES (?, ?, ?, ?)",
            (
                (purpose, int(number), storable(p.phrase), None if p.summary is None else storable(p.summary))
                for number, p in phrases.items()
            ),
        )

    def get(self, purpose: str, numbers: Sequence[int]) -> dict[int, Phrase]:
        """The phrases there are of these documents, in the order asked."""
        rows = self._database.execute(
            "SELECT number, phrase, summary FROM phrases "
            "WHERE purpose = ? AND number IN (SELECT value FROM json_each(?))",
            (purpose, number_list(numbers)),
        )
        found = {number: Phrase(phrase, summary) for number, phrase, summary in rows}
        return {number: found[number] for number in numbers if number in found}

    def borrow(self, purpose: str, numbers: Sequence[int]) -> None:
        """Where documents have no phrase for a purpose, take that of the purpose for which most of them have one.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        missing = number_list(self.missing(purpose, numbers))
        best = self._database.execute(
            "SELECT purpose FROM phrases WHERE number IN (SELECT value FROM json_each(?)) "
            "GROUP BY purpose ORDER BY count(*) DESC, purpose LIMIT 1",
            (missing,),
        )
        if best:
            self._database.execute(
                "INSERT OR IGNORE INTO phrases SELECT ?, number, phrase, summary FROM phrases "
                "WHERE purpose = ? AND number IN (SELECT value FROM json_each(?))",
                (purpose, best[0][0], missing),
            )

    def missing(self, purpose: str, numbers: Sequence[int]) -> list[int]:
        """Those of the numbers that have no phrase yet, in the order asked."""
        rows = self._database.execute(
            "SELECT number FROM phrases WHERE purpose = ? AND number IN (SELECT value FROM json_each(?))",
            (purpose, number_list(numbers)),
        )
        there = {row[0] for row in rows}
        return [number for number in numbers if number not in there]
