"""The classifier: features from encoders, classes from a head, and three ways to say `undefined`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .encoders.representation import Representation
from .features import Features
from .gate import OPEN, Gate
from .heads.head import Head
from .index import EmbeddingIndex
from .predictions import Label, Prediction, Predictions

# Beside the primary label, a category applies that is this probable: with the primary, three at most.
_ALSO = 0.3


@dataclass(frozen=True)
class Classifier:
    """Labels texts.

    A text is undefined when it is blank, when no training text with a category is near (`Gate`), when the head says
    so (it learned such a class where the training texts held enough of them), or when the confidence is below
    `least_confidence`: of the last it abstains.

    Attributes:
        labels: the categories that can be predicted, in order.
        representation: what made the training texts' features.
        head: over ``len(labels)`` classes, and one more for undefined when `learned_undefined`.
        index: vectors of the training texts that have a category; None where the features have no dense block.
        gate: the novelty threshold.
        learned_undefined: whether the head's last class means undefined.
        least_confidence: below it a text is undefined.
        use_case: what the categories are for, in a sentence.
        metrics: what is known of its quality, JSON types; kept with the bundle.
    """

    labels: tuple[Label, ...]
    representation: Representation
    head: Head
    index: EmbeddingIndex | None
    gate: Gate = OPEN
    learned_undefined: bool = False
    least_confidence: float = 0.0
    use_case: str = ""
    metrics: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One prediction per text, in order. Equal texts are encoded once."""
        return self.predict_many(texts).one_by_one(self.labels)

    def predict_many(self, texts: Sequence[str], *, deduplicate: bool = True) -> Predictions:
        """The predictions for n texts, in columns and in order.

        Args:
            texts: n texts.
            deduplicate: encode equal texts once; not worth looking for where all are known to differ.
        """
        filled = [row for row, text in enumerate(texts) if text and not text.isspace()]
        if deduplicate:
            place = {text: row for row, text in enumerate(dict.fromkeys(texts[row] for row in filled))}
            given, rows = list(place), [place[texts[row]] for row in filled]
        else:
            given, rows = [texts[row] for row in filled], list(range(len(filled)))
        found = self.predict_features(self.representation.encode(given))
        if len(rows) == len(texts) == len(given):
            return found
        # Blank texts come from the row after the last one: undefined, and sure of it.
        places = np.full(len(texts), len(found), dtype=np.int64)
        places[filled] = rows
        return _with_blank(found).take(places)

    def predict_features(self, features: Features) -> Predictions:
        """The predictions for features of texts that are not blank."""
        if not len(features):
            return _nothing()
        chances = self.head.predict_proba(features)
        top = chances.argmax(axis=1)
        rows = np.arange(len(features))
        confidence = chances[rows, top]
        primary = np.where(top < len(self.labels), top, -1).astype(np.int64)
        abstained = (primary >= 0) & (confidence < self.least_confidence)
        if self.index is not None and features.dense is not None:
            similarity = self.gate.nearest(self.index, features.dense)
            far = similarity < self.gate.threshold if len(self.index) else np.ones(len(features), dtype=bool)
            confidence = np.where(far, self.gate.confidence(similarity), confidence)
            primary[far], abstained[far] = -1, False
        primary[abstained] = -1
        also, offsets = self._also(chances, primary)
        return Predictions(primary, confidence, also, offsets, abstained)

    def _also(
        self, chances: NDArray[np.float64], primary: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Columns of the further labels, the likeliest of each row first, and where each row's begin."""
        applies = chances[:, : len(self.labels)] >= _ALSO
        inside = primary >= 0
        applies[~inside] = False
        applies[inside, primary[inside]] = False
        rows, columns = np.nonzero(applies)
        order = np.lexsort((-chances[rows, columns], rows))
        offsets = np.concatenate([[0], np.cumsum(applies.sum(axis=1))]).astype(np.int64)
        return columns[order].astype(np.int64), offsets

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


def _nothing() -> Predictions:
    none = np.zeros(0, dtype=np.int64)
    return Predictions(none, np.zeros(0), none, np.zeros(1, dtype=np.int64), np.zeros(0, dtype=bool))


def _with_blank(found: Predictions) -> Predictions:
    """The same with one row more: a blank text's."""
    return Predictions(
        np.append(found.primary, -1),
        np.append(found.confidence, 1.0),
        found.also,
        np.append(found.offsets, found.offsets[-1]),
        np.append(found.abstained, False),
    )
