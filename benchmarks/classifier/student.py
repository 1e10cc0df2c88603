"""What a run's training makes of labelled texts, for every benchmark that trains one."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from tnt_llm.classifiers.classifier import Classifier
from tnt_llm.taxonomy.values import Taxonomy
from tnt_llm.tools.train_classifier import train_classifier

from benchmarks.classifier.encoded import kept, store
from benchmarks.classifier.gold_data import taxonomy_of
from benchmarks.classifier.results import Options

FAST = ("static+tfidf", "linear")
"""Features and head that the speed of `streaming` is measured with."""
AUTO = ("auto", "auto")


def train(
    options: Options, texts: Sequence[str], labels: Sequence[str | None], features: str, head: str
) -> Classifier:
    """A classifier whose categories are named as the labels are.

    Args:
        options: where vectors are kept.
        texts, labels: to learn from; None is undefined.
        features, head: as in the settings.
    """
    taxonomy, ids = taxonomy_of(labels)
    return train_on(options, texts, [ids[label] for label in labels], taxonomy, features, head)


def train_on(
    options: Options,
    texts: Sequence[str],
    labels: Sequence[str | None],
    taxonomy: Taxonomy,
    features: str,
    head: str,
    *,
    earlier: Classifier | None = None,
) -> Classifier:
    """As `train`, with ids of categories of a taxonomy as labels, and with what was trained before, if anything."""
    classifier, _ = train_classifier(
        texts=texts,
        labels=labels,
        taxonomy=taxonomy,
        features=features,
        head=head,
        seed=0,
        store=store(options),
        earlier=earlier,
    )
    return replace(classifier, representation=kept(classifier.representation, options))


def names(classifier: Classifier, texts: Sequence[str]) -> tuple[list[str | None], NDArray[np.float64]]:
    """The name of the category of each text, None for undefined, and the confidence [n]."""
    found = classifier.predict_many(texts)
    labels = [None if column < 0 else classifier.labels[column].name for column in found.primary.tolist()]
    return labels, found.confidence


def agree(a: Sequence[str | None], b: Sequence[str | None]) -> NDArray[np.bool_]:
    """Which of n labels are the same."""
    return np.array([one == other for one, other in zip(a, b, strict=True)], dtype=bool)
