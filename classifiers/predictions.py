"""What a classifier says of texts: in columns for millions of them, or one `Prediction` a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNDEFINED = "undefined"
"""The primary label, in words, of a text that belongs to no category."""


@dataclass(frozen=True, slots=True)
class Label:
    """A category as the classifier knows it.

    Attributes:
        id, name, description: the category's.
        parent: name of the category that it is part of; None at the top.
    """

    id: str
    name: str
    description: str
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one text is.

    Attributes:
        primary_id: category id, None for undefined.
        primary: its name, or "undefined".
        all: names of all categories that apply, the primary first; empty for undefined.
        confidence: 0..1. Probability of the primary label; for a text unlike all known ones, how sure we are.
        all_ids: ids of `all`, in the same order.
        parent: name of the category that the primary one is part of; None where it is part of none.
        abstained: undefined because the confidence is below what was asked for.
    """

    primary_id: str | None
    primary: str
    all: tuple[str, ...]
    confidence: float
    all_ids: tuple[str, ...] = ()
    parent: str | None = None
    abstained: bool = False


@dataclass(frozen=True, slots=True)
class Predictions:
    """What n texts are, in columns.

    Attributes:
        primary: int64 [n], row of the label; -1 is undefined.
        confidence: float64 [n], 0..1.
        also: int64, labels beside the primary ones, the likeliest of each text first.
        offsets: int64 [n + 1]; those of text i are ``also[offsets[i]:offsets[i + 1]]``.
        abstained: bool [n].
        asked: bool [n], labels that an LLM gave instead; None where none was asked.
    """

    primary: NDArray[np.int64]
    confidence: NDArray[np.float64]
    also: NDArray[np.int64]
    offsets: NDArray[np.int64]
    abstained: NDArray[np.bool_]
    asked: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        """Texts."""
        return len(self.primary)

    def take(self, rows: NDArray[np.int64]) -> "Predictions":
        """Those of these rows, in this order; a row may be taken more than once."""
        counts = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        within = np.arange(offsets[-1]) - np.repeat(offsets[:-1], counts)
        also = self.also[np.repeat(self.offsets[:-1][rows], counts) + within]
        asked = None if self.asked is None else self.asked[rows]
        return Predictions(
            self.primary[rows], self.confidence[rows], also, offsets, self.abstained[rows], asked
        )

    def with_labels(self, given: Mapping[int, tuple[Sequence[int], float]]) -> "Predictions":
        """The same with other labels for some rows, which an LLM gave.

        Args:
            given: by row, the columns of all labels, the primary first (none: undefined), and the confidence.
        """
        primary, confidence = self.primary.copy(), self.confidence.copy()
        abstained, asked = self.abstained.copy(), np.zeros(len(self), dtype=bool)
        also = [self.also[start:end] for start, end in zip(self.offsets[:-1], self.offsets[1:], strict=True)]
        for row, (columns, sure) in given.items():
            primary[row], confidence[row] = columns[0] if columns else -1, sure
            also[row] = np.array(columns[1:], dtype=np.int64)
            abstained[row], asked[row] = False, True
        offsets = np.concatenate([[0], np.cumsum([len(each) for each in also])]).astype(np.int64)
        flat = np.concatenate(also) if also else np.zeros(0, dtype=np.int64)
        return Predictions(primary, confidence, flat, offsets, abstained, asked)

    def one_by_one(self, labels: Sequence[Label]) -> list[Prediction]:
        """A `Prediction` for each text."""
        found = []
        for row, (top, confidence, abstained) in enumerate(
            zip(self.primary.tolist(), self.confidence.tolist(), self.abstained.tolist(), strict=True)
        ):
            if top < 0:
                found.append(Prediction(None, UNDEFINED, (), confidence, abstained=abstained))
                continue
            also = self.also[self.offsets[row] : self.offsets[row + 1]].tolist()
            applicable = [labels[column] for column in (top, *also)]
            found.append(
                Prediction(
                    primary_id=applicable[0].id,
                    primary=applicable[0].name,
                    all=tuple(label.name for label in applicable),
                    confidence=confidence,
                    all_ids=tuple(label.id for label in applicable),
                    parent=applicable[0].parent,
                )
            )
        return found
