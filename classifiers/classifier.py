"""The classifier: vectors from an encoder, classes from a head, and two ways to say `undefined`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .encoders import Encoder, Vectors
from .heads.head import Head
from .index import EmbeddingIndex

UNDEFINED = "undefined"
"""The primary label, in words, of a text that belongs to no category."""

# Beside the primary label, a category applies that is this probable: with the primary, three at most.
_ALSO = 0.3


@dataclass(frozen=True, slots=True)
class Label:
    """A category as the classifier knows it."""

    id: str
    name: str
    description: str


@dataclass(frozen=True, slots=True)
class Prediction:
    """What one text is.

    Attributes:
        primary_id: category id, None for undefined.
        primary: its name, or "undefined".
        all: names of all categories that apply, the primary first; empty for undefined.
        confidence: 0..1. Probability of the primary label; for a text unlike all known ones, how sure we are.
        all_ids: ids of `all`, in the same order.
    """

    primary_id: str | None
    primary: str
    all: tuple[str, ...]
    confidence: float
    all_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """When a text is too far from everything known to be given a category.

    Attributes:
        threshold: least cosine with the nearest training text.
        rate: share of the training texts with a category that would fall below it, each against the others.
    """

    threshold: float = -1.0
    rate: float = 0.0

    @classmethod
    def fit(cls, index: EmbeddingIndex, rate: float = 0.03) -> "Gate":
        """Fix the threshold by leave-one-out, so that `rate` of the indexed texts would be called undefined.

        With fewer than two texts nothing can be said, and the gate stays open.
        """
        if len(index) < 2:
            return cls()
        similarities, _ = index.search(index.vectors, 2)
        # A text is its own nearest neighbour, so the second one is the nearest other (or the text itself,
        # after a duplicate as similar). The margin is for rounding: where all are alike, none must fall
        # below.
        return cls(float(np.quantile(similarities[:, 1], rate)) - 1e-4, rate)


@dataclass(frozen=True)
class Classifier:
    """Labels texts.

    A text is undefined when it is blank, when the head says so (it learned such a class where the training
    texts held enough of them), or when no training text with a category is near (`Gate`).

    Attributes:
        labels: the categories that can be predicted, in order.
        encoder: what made the training texts' vectors.
        head: over ``len(labels)`` classes, and one more for undefined when `learned_undefined`.
        index: vectors of the training texts that have a category.
        gate: the novelty threshold.
        learned_undefined: whether the head's last class means undefined.
        metrics: what is known of its quality, JSON types; kept with the bundle.
    """

    labels: tuple[Label, ...]
    encoder: Encoder
    head: Head
    index: EmbeddingIndex
    gate: Gate = Gate()
    learned_undefined: bool = False
    metrics: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction per text, in order. Equal texts are encoded once."""
        distinct = {
            text: row for row, text in enumerate(dict.fromkeys(text for text in texts if text.strip()))
        }
        found = self.predict_vectors(self.encoder.encode(list(distinct)))
        blank = Prediction(None, UNDEFINED, (), 1.0)
        return [found[distinct[text]] if text in distinct else blank for text in texts]

    def predict_vectors(self, vectors: Vectors) -> list[Prediction]:
        """One prediction per row of float32 [n, d], vectors of texts that are not blank."""
        if not len(vectors):
            return []
        chances = self.head.predict_proba(vectors)
        far = self._far(vectors)
        best = chances.argmax(axis=1)
        return [
            self._outside(distance) if distance is not None else self._read(row, int(top))
            for row, top, distance in zip(chances, best, far, strict=True)
        ]

    def _far(self, vectors: Vectors) -> list[float | None]:
        """The similarity to the nearest training text where it is below the threshold, else None."""
        if not len(self.index):
            return [-1.0] * len(vectors)
        nearest = self.index.search(vectors, 1)[0][:, 0]
        return [float(value) if value < self.gate.threshold else None for value in nearest]

    def _outside(self, similarity: float) -> Prediction:
        # At the threshold a share `rate` of texts with a category lies as far out, at similarity 0 none.
        odds = self.gate.rate * min(1.0, max(0.0, similarity) / max(self.gate.threshold, 1e-6))
        return Prediction(None, UNDEFINED, (), 1.0 - odds)

    def _read(self, chances: NDArray[np.float64], best: int) -> Prediction:
        confidence = float(chances[best])
        if best == len(self.labels):
            return Prediction(None, UNDEFINED, (), confidence)
        others = [
            int(row)
            for row in np.argsort(-chances[: len(self.labels)], kind="stable")
            if row != best and chances[row] >= _ALSO
        ]
        applicable = [self.labels[row] for row in (best, *others)]
        return Prediction(
            primary_id=applicable[0].id,
            primary=applicable[0].name,
            all=tuple(label.name for label in applicable),
            confidence=confidence,
            all_ids=tuple(label.id for label in applicable),
        )

    def save(self, folder: Path | str) -> None:
        """Write the bundle; one that is there stays readable until the new one is complete.

        Raises:
            StorageError: the disk is full or the folder cannot be written.
        """
        from .bundle import save_bundle

        save_bundle(self, Path(folder))

    @classmethod
    def load(cls, folder: Path | str) -> "Classifier":
        """Read a bundle and check its hashes.

        Raises:
            BundleError: it is incomplete, changed, or of a newer version; the message names the file.
            MissingPartError: its encoder is not installed.
        """
        from .bundle import load_bundle

        return load_bundle(Path(folder))
