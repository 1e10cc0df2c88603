"""Which documents the LLM labels: the sample that a run begins with, and what rounds of active learning add to it.

Both are chosen once and kept. Vectors differ in their last digits from machine to machine, and a choice made anew could
differ with them: labels would be lost, and others asked for.
"""

from collections.abc import Sequence

from .database import Database, number_list


class LabelSamples:
    """Numbers of documents by recipe: whatever the choice depends on. Runs of one recipe share it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, recipe: str) -> list[int]:
        """The numbers, ascending; none where nothing was chosen yet."""
        rows = self._database.execute(
            "SELECT number FROM label_samples WHERE recipe = ? ORDER BY number", (recipe,)
        )
        return [row[0] for row in rows]

    def keep(self, recipe: str, numbers: Sequence[int]) -> list[int]:
        """Store a choice, all or none, unless there is one; returns the one that is there then.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        with self._database.transaction():
            known = self.get(recipe)
            if not known:
                self._database.execute_many(
                    "INSERT INTO label_samples VALUES (?, ?)", ((recipe, int(number)) for number in numbers)
                )
        return known or sorted(numbers)


class Rounds:
    """What each round of active learning added to a run's label sample."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, run: str, round_: int, numbers: Sequence[int]) -> None:
        """Store the choice of a round (from 1), all or none; a document that is in some round already stays there.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._database.execute_many(
            "INSERT OR IGNORE INTO rounds VALUES (?, ?, ?)",
            ((run, int(number), round_) for number in numbers),
        )

    def get(self, run: str, round_: int | None = None) -> list[int]:
        """Numbers of the documents that a round added, or all rounds did, ascending."""
        rows = self._database.execute(
            "SELECT number FROM rounds WHERE run = ? AND round = ifnull(?, round) ORDER BY number",
            (run, round_),
        )
        return [row[0] for row in rows]

    def among(self, run: str, numbers: Sequence[int]) -> dict[int, int]:
        """The round of each of these documents that some round added."""
        rows = self._database.execute(
            "SELECT number, round FROM rounds WHERE run = ? AND number IN (SELECT value FROM json_each(?)) "
            "ORDER BY number",
            (run, number_list(numbers)),
        )
        return dict(rows)
