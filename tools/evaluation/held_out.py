"""What a classifier says of the very documents that it was trained on, each said by a copy that never saw it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...classifiers.classifier import Classifier
from ...classifiers.features import Features
from ..choose_classifier import Sample, Trained, cross_validate, open_candidates


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Predictions of m of the texts.

    Attributes:
        rows: int64 [m], which texts.
        primary: int64 [m], place of the label in the classifier; -1 is undefined.
        confidence: float64 [m], 0..1; NaN where the novelty gate decided.
    """

    rows: NDArray[np.int64]
    primary: NDArray[np.int64]
    confidence: NDArray[np.float64]


def predict_held_out(
    classifier: Classifier,
    texts: Sequence[str],
    labels: Sequence[str | None],
    *,
    exemplars: Sequence[tuple[str, str]] = (),
    seed: int,
) -> HeldOut | None:
    """What copies say that learned from the other folds, as the classifier was measured when it was trained.

    What was chosen for the classifier as a whole (configuration, calibration, least confidence) is kept.

    Args:
        classifier: as it was trained on these texts.
        texts: n different ones, none blank.
        labels: category ids [n] that it was trained on; None is undefined.
        exemplars: (text, category id) of other texts that it was trained on; every copy learns from them.
        seed: decides the folds.

    Returns:
        All texts, or 2,000 where there are more than 5,000. None where there are fewer than two, or a label that the
        classifier does not know.
    """
    k = len(classifier.labels)
    places: dict[str | None, int] = {label.id: place for place, label in enumerate(classifier.labels)}
    places[None] = k
    shown = [label for _, label in exemplars]
    if not {*labels, *shown} <= places.keys():
        return None
    # Its encoders remember: no text is encoded once a fold.
    wanted = [(classifier.representation.id, classifier.head.kind)]
    ((representation, _),), _ = open_candidates(wanted, lambda _: classifier.representation)
    held = cross_validate(
        Trained(representation, Features(np.zeros((0, 0), np.float32)), classifier.head, classifier.gate),
        Sample(texts, np.array([places[label] for label in labels], dtype=np.int64)),
        Sample([text for text, _ in exemplars], np.array([places[label] for label in shown], dtype=np.int64)),
        categories=k,
        learned=classifier.learned_undefined,
        seed=seed,
    )
    if held is None:
        return None
    confidence = classifier.calibration.apply(held.chances).max(axis=1)
    given = (held.found < k) & (confidence >= classifier.least_confidence)
    return HeldOut(held.rows, np.where(given, held.found, -1), np.where(held.passed, confidence, np.nan))
