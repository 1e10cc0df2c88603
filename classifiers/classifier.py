"""The classifier: features from encoders, classes from a head, and three ways to say `undefined`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..taxonomy.errors import SettingsError
from .agreement import Agreement
from .calibration import Calibration
from .encoders.representation import Representation
from .features import Features
from .gate import OPEN, Gate
from .heads.head import Head, Probabilities
from .index import EmbeddingIndex
from .predictions import Label, Prediction, Predictions

if TYPE_CHECKING:
    from .multilabel import OneVsRest

NEVER = 2.0
"""The least confidence of a classifier that can promise nothing, and abstains from every text."""

# Beside the primary label, a category applies that is this probable, where nothing was learned about that: with
# the primary, three at most.
_ALSO = 0.3
_UNCHANGED = Calibration()


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
        calibration: corrects the head's probabilities.
        multi: which labels apply beside the primary one, where texts with several labels were learned from.
        agreement: what is known of how often it repeats the LLM's labels, by confidence.
        learned_undefined: whether the head's last class means undefined.
        least_confidence: below it a text is undefined.
        use_case: what the categories are for, in a sentence.
        corpus: what the training texts were read from; "" where that is not known.
        labelled_by: the LLM that labelled them, by its spec; likewise.
        learned_from: hashes of the texts that it learned from, by class: training anew takes over what has not changed.
        metrics: what is known of its quality, JSON types; kept with the bundle.
    """

    labels: tuple[Label, ...]
    representation: Representation
    head: Head
    index: EmbeddingIndex | None
    gate: Gate = OPEN
    calibration: Calibration = _UNCHANGED
    multi: "OneVsRest | None" = None
    agreement: Agreement | None = None
    learned_undefined: bool = False
    least_confidence: float = 0.0
    use_case: str = ""
    corpus: str = ""
    labelled_by: str = ""
    learned_from: Mapping[str, str] = field(default_factory=dict)
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
        """The predictions for features of n texts that are not blank."""
        return self.decide(features, self.probabilities(features))

    def probabilities(self, features: Features) -> Probabilities:
        """Calibrated probabilities float64 [n, k] of the labels, and of undefined last where that was learned."""
        return self.calibration.apply(self.head.predict_proba(features))

    def decide(self, features: Features, chances: Probabilities) -> Predictions:
        """What `predict_features` makes of the texts' `probabilities`."""
        if not len(features):
            return _nothing()
        top = chances.argmax(axis=1)
        confidence = chances[np.arange(len(features)), top]
        inside = top < len(self.labels)
        if self.gate.prototypes is not None and features.dense is not None:
            similarity = self.gate.nearest(features.dense, top)
            far = inside & (similarity < self.gate.threshold)
            confidence[far] = self.gate.confidence(similarity[far])
            inside &= ~far
        abstained = inside & (confidence < self.least_confidence)
        primary = np.where(inside & ~abstained, top, -1).astype(np.int64)
        also, offsets = self._also(features, chances, primary)
        return Predictions(primary, confidence, also, offsets, abstained)

    def with_agreement(self, level: float) -> "Classifier":
        """The same, but abstaining where it cannot promise to say what the LLM would have said.

        Of the texts that are given a category, a share of at least `level` gets the LLM's, except with the
        probability `agreement.RISK`, as far as texts are like those it was trained on. Where no threshold can
        promise that, it abstains from every text (`least_confidence` is `NEVER`).

        Args:
            level: 0..1, without both.

        Raises:
            SettingsError: the level makes no sense, or there is no evidence to go by.
        """
        if not 0 < level < 1:
            raise SettingsError(f"an agreement of {level} makes no sense: give a share between 0 and 1")
        if self.agreement is None:
            raise SettingsError(
                "this classifier promises no agreement: it holds no evidence of how often it repeats the LLM's labels. "
                "Train it on more labelled texts"
            )
        threshold = self.agreement.threshold(level)
        return replace(self, least_confidence=NEVER if threshold is None else threshold)

    def _also(
        self, features: Features, chances: Probabilities, primary: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Columns of the further labels, the likeliest of each row first, and where each row's begin."""
        if self.multi is not None:
            chances = self.multi.predict_proba(features)
            applies = chances >= self.multi.thresholds
        else:
            applies = chances[:, : len(self.labels)] >= _ALSO
        inside = np.flatnonzero(primary >= 0)
        applies[primary < 0] = False
        applies[inside, primary[inside]] = False
        rows, columns = np.nonzero(applies)
        offsets = np.searchsorted(rows, np.arange(len(features) + 1)).astype(np.int64)
        order = np.lexsort((-chances[rows, columns], rows))
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
