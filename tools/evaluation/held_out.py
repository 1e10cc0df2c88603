"""What a classifier says of the very documents that it was trained on, each said by a copy that never saw it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...classifiers.classifier import Classifier
from ...classifiers.features import Features
from ...classifiers.folds import deal_folds
from ...classifiers.gate import Gate
from ...classifiers.index import EmbeddingIndex
from ...classifiers.predictions import Predictions

FOLDS = 5


def predict_held_out(
    classifier: Classifier, texts: Sequence[str], labels: Sequence[str | None], *, seed: int
) -> Predictions | None:
    """Predictions out of fold, one per text, by copies of a classifier that are trained on the other folds.

    What was chosen for the classifier as a whole (strength, vocabulary, calibration, thresholds) is kept, as it is
    where the classifier itself was measured. Further labels are those of the primary one's head: a multi-label
    head is not trained anew.

    Args:
        classifier: as it was trained on these texts.
        texts: n different ones, none blank.
        labels: category ids [n] that it was trained on; None is undefined.
        seed: decides the folds.

    Returns:
        None where there are fewer than two texts, or a label that the classifier does not know.
    """
    places: dict[str | None, int] = {label.id: place for place, label in enumerate(classifier.labels)}
    undefined = len(classifier.labels)
    places[None] = undefined
    if len(texts) < 2 or not set(labels) <= places.keys():
        return None
    classes = np.array([places[label] for label in labels], dtype=np.int64)
    features = classifier.representation.encode(texts)
    fold = deal_folds(classes, min(FOLDS, len(texts)), seed)
    parts, rows = [], []
    for held in range(fold.max() + 1):
        train, test = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        copy = _trained(classifier, features.take(train), classes[train], undefined)
        parts.append(copy.predict_features(features.take(test)))
        rows.append(test)
    order = np.argsort(np.concatenate(rows), kind="stable")
    return _joined(parts).take(order)


def _trained(
    classifier: Classifier, features: Features, classes: NDArray[np.int64], undefined: int
) -> Classifier:
    inside = np.flatnonzero(classes < undefined)
    used = np.arange(len(classes)) if classifier.learned_undefined else inside
    head = classifier.head.refit().fit(features.take(used), classes[used])
    if classifier.index is None or features.dense is None:
        return replace(classifier, head=head)
    index = EmbeddingIndex.build(features.dense[inside])
    return replace(classifier, head=head, index=index, gate=Gate.fit(index))


def _joined(parts: Sequence[Predictions]) -> Predictions:
    ends = np.cumsum([0, *(len(part.also) for part in parts)])
    offsets = [np.zeros(1, dtype=np.int64)]
    offsets += [part.offsets[1:] + start for part, start in zip(parts, ends[:-1], strict=True)]
    return Predictions(
        primary=np.concatenate([part.primary for part in parts]),
        confidence=np.concatenate([part.confidence for part in parts]),
        also=np.concatenate([part.also for part in parts]),
        offsets=np.concatenate(offsets),
        abstained=np.concatenate([part.abstained for part in parts]),
    )
