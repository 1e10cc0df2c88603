"""What a classifier keeps of its training texts, made from texts and labels: what new texts are held against."""

from collections.abc import Sequence

import numpy as np

from ..classifiers.classifier import Classifier
from ..classifiers.encoders.encoder import Encoder
from ..classifiers.features import Features
from ..classifiers.folds import deal_folds
from ..classifiers.novelty import Reference
from .monitor import raw_classes, words_of

FOLDS = 5


def known_texts(
    classifier: Classifier,
    texts: Sequence[str],
    labels: Sequence[str | None],
    encoder: Encoder | None = None,
) -> Reference:
    """A reference of labelled texts, each labelled anew by a head of the same kind that has not seen it.

    Args:
        classifier: that was trained on them.
        texts: theirs; blank ones and copies are left out.
        labels: ids of categories; None is undefined. One that the classifier does not know is left out.
        encoder: makes the vectors that new texts are compared by; None for the classifier's own features.
    """
    column = {label.id: row for row, label in enumerate(classifier.labels)} | {None: len(classifier.labels)}
    first: dict[str, int] = {}
    for row, (text, label) in enumerate(zip(texts, labels, strict=True)):
        if text.strip() and label in column:
            first.setdefault(text, row)
    rows = list(first.values())
    features = classifier.representation.encode([texts[row] for row in rows])
    classes = np.array([column[labels[row]] for row in rows], dtype=np.int64)
    found = np.where(classes < len(classifier.labels), classes, -1)
    taught = np.flatnonzero((found >= 0) | classifier.learned_undefined)
    folds = min(FOLDS, len(taught))
    if folds > 1:
        fold = deal_folds(classes[taught], folds, 0)
        for held in range(folds):
            train, test = taught[fold != held], taught[fold == held]
            head = classifier.head.refit().fit(features.take(train), classes[train])
            top = head.predict_proba(features.take(test)).argmax(axis=1)
            found[test] = np.where(top < len(classifier.labels), top, -1)
    if not classifier.learned_undefined and len(taught) < len(rows):
        found[found < 0] = raw_classes(classifier, features.take(np.flatnonzero(found < 0)))
    if encoder is not None:
        features = Features(encoder.encode([texts[row] for row in rows]))
    return Reference(features, found, np.array([words_of(texts[row]) for row in rows], dtype=np.int64))
