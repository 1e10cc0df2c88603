"""What a run that goes on from another reads instead of a drawn sample."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from .database import Database


class Part(StrEnum):
    """What a document is for.

    - sample, held_out, labelled, at_random: the sample of the run that it goes on from; what of it no minibatch
      contained; what the LLM labelled there; and what of that was drawn at random.
    - candidate: a new text that is unlike the known ones, with its novelty.
    - novel: one that the run reads.
    """

    SAMPLE = "sample"
    HELD_OUT = "held_out"
    LABELLED = "labelled"
    AT_RANDOM = "at_random"
    CANDIDATE = "candidate"
    NOVEL = "novel"


class RunDocuments:
    """Numbers of documents by run and by what they are for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, run: str, part: Part, numbers: Mapping[int, float] | Sequence[int]) -> None:
        """Add documents, all or none, with a value each where there is one; one that is there gets the new value.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        valued = numbers if isinstance(numbers, Mapping) else dict.fromkeys(numbers, 0.0)
        self._database.execute_many(
            "INSERT OR REPLACE INTO run_documents VALUES (?, ?, ?, ?)",
            ((run, part.value, int(number), float(value)) for number, value in valued.items()),
        )

    def get(self, run: str, part: Part) -> dict[int, float]:
        """The documents with their values, by number, ascending."""
        rows = self._database.execute(
            "SELECT number, value FROM run_documents WHERE run = ? AND part = ? ORDER BY number",
            (run, part.value),
        )
        return dict(rows)

    def share(self, source: str, target: str) -> None:
        """Let a run have all that another has.

        Raises:
            StorageError: the disk is full, or the database cannot be written.
        """
        self._database.execute(
            "INSERT OR REPLACE INTO run_documents (run, part, number, value) "
            "SELECT ?, part, number, value FROM run_documents WHERE run = ?",
            (target, source),
        )
