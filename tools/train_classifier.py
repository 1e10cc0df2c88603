"""Distil the labels of a sample into a classifier, and measure it by cross-validation on those labels."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..classifiers.classifier import Classifier
from ..classifiers.encoders.representation import Representation
from ..classifiers.features import Features
from ..classifiers.folds import deal_folds
from ..classifiers.gate import Gate
from ..classifiers.heads.head import make_head
from ..classifiers.index import EmbeddingIndex
from ..classifiers.predictions import UNDEFINED, Label
from ..taxonomy.errors import SettingsError
from ..taxonomy.values import Taxonomy

# With fewer undefined texts than this there is nothing to learn a class from; the novelty gate alone says
# undefined.
LEAST_UNDEFINED = 5
FOLDS = 5


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """How well one class is predicted, in cross-validation.

    Attributes:
        id: category id; None is undefined.
        name: the category's name, or "undefined".
        support: texts that bear this label.
        predicted: texts that were given it.
        precision: share of `predicted` that bear it; 0 where none was.
        recall: share of `support` that was given it.
    """

    id: str | None
    name: str
    support: int
    predicted: int
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 where both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True, slots=True)
class Metrics:
    """Agreement with the labels it was trained on, each text predicted by a classifier that never saw it.

    The labels are the LLM's: this says how well the classifier imitates it, not how right either is.

    Attributes:
        n: labelled texts that are not blank.
        folds: of the cross-validation; 0 where there were fewer than two texts, and nothing was measured.
        accuracy: share predicted as labelled, undefined being a label like the others; None if not measured.
        macro_f1: mean F1 over the classes that occur, undefined included; None if not measured.
        majority: share of the most frequent label: the accuracy of always saying that.
        undefined_share: share of the labels that are undefined.
        classes: one row per class that occurs, in the taxonomy's order, undefined last; empty if not
            measured.
    """

    n: int
    folds: int
    accuracy: float | None
    macro_f1: float | None
    majority: float
    undefined_share: float
    classes: tuple[ClassMetrics, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON types, for the bundle and the report."""
        return {**asdict(self), "classes": [asdict(row) | {"f1": row.f1} for row in self.classes]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Metrics":
        """What `as_dict` gave."""
        classes = [{key: row[key] for key in row if key != "f1"} for row in values["classes"]]
        return cls(**{**values, "classes": tuple(ClassMetrics(**row) for row in classes)})


def train_classifier(
    *,
    texts: Sequence[str],
    labels: Sequence[str | None],
    taxonomy: Taxonomy,
    representation: Representation,
    seed: int,
    head: str = "logistic",
    use_case: str = "",
    exemplars: Sequence[tuple[str, str]] = (),
) -> tuple[Classifier, Metrics]:
    """Train on all labelled texts and the exemplars, after measuring by stratified cross-validation.

    It knows the categories that some label names or some exemplar shows; another cannot be predicted. The
    strength of regularization is chosen once, on everything, and kept in the folds. Blank texts are left
    out: they are undefined by themselves.

    Args:
        texts: the sample, as the classifier will be given texts: raw, without a phrase.
        labels: category ids [n]; None is undefined.
        taxonomy: where the ids come from.
        representation: what the classifier will see of texts; fitted here.
        seed: decides the folds; the same input gives the same classifier.
        head: one of `heads.head.KINDS`.
        use_case: what the categories are for; kept with the classifier.
        exemplars: (text, category id) of texts beside the sample that show their category well. Every fold
            learns from them, none is measured on them. They lift the small categories (docs/results.md).

    Raises:
        SettingsError: the numbers of texts and labels differ, or a label is no category's id.
    """
    if len(labels) != len(texts):
        raise SettingsError(f"{len(texts)} texts and {len(labels)} labels do not go together")
    known = {category.id: category for category in taxonomy}
    named = {label for label in labels if label is not None} | {label for _, label in exemplars}
    if strange := sorted(named - known.keys()):
        raise SettingsError(f"labels that are no category of the taxonomy: {', '.join(strange[:5])}")

    kept = [row for row, text in enumerate(texts) if text.strip()]
    texts = [texts[row] for row in kept]
    labels = [labels[row] for row in kept]
    shown = [(text, label) for text, label in exemplars if text.strip()]
    used = {*labels, *(label for _, label in shown)}
    categories = tuple(
        Label(category.id, category.name, category.description)
        for category in taxonomy
        if category.id in used
    )
    place = {label.id: row for row, label in enumerate(categories)} | {None: len(categories)}
    representation = representation.fit([*texts, *(text for text, _ in shown)])
    sample = _Sample(
        representation.encode(texts), np.array([place[label] for label in labels], dtype=np.int64), texts
    )
    always = _Sample(
        representation.encode([text for text, _ in shown]),
        np.array([place[label] for _, label in shown], dtype=np.int64),
        [text for text, _ in shown],
    )

    learned = sum(label is None for label in labels) >= LEAST_UNDEFINED or not categories
    blank = Classifier(
        labels=categories,
        representation=representation,
        head=make_head(head, len(categories) + learned, seed=seed),
        index=None,
        learned_undefined=learned,
        use_case=use_case,
    )
    trained = _fit(sample.with_rows(always), blank)
    metrics = _measure(sample, always, trained, seed)
    return replace(trained, metrics=metrics.as_dict()), metrics


@dataclass(frozen=True)
class _Sample:
    """Labelled texts; class k means undefined where there are k categories."""

    features: Features
    classes: NDArray[np.int64]
    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: NDArray[np.int64]) -> "_Sample":
        return _Sample(self.features.take(rows), self.classes[rows], [self.texts[row] for row in rows])

    def with_rows(self, other: "_Sample") -> "_Sample":
        return _Sample(
            Features.concatenate([self.features, other.features]),
            np.concatenate([self.classes, other.classes]),
            [*self.texts, *other.texts],
        )


def _fit(sample: _Sample, blank: Classifier) -> Classifier:
    """The classifier with its head, index and gate fitted to the sample."""
    inside = np.flatnonzero(sample.classes < len(blank.labels))
    train = sample if blank.learned_undefined else sample.take(inside)
    head = blank.head.refit().fit(train.features, train.classes)
    if sample.features.dense is None:
        return replace(blank, head=head)
    # Each text once: between duplicates the similarity is 1, and the gate would shut to everything new.
    first = {sample.texts[row]: int(row) for row in inside[::-1]}
    index = EmbeddingIndex.build(sample.features.dense[sorted(first.values())])
    return replace(blank, head=head, index=index, gate=Gate.fit(index))


def _measure(sample: _Sample, always: _Sample, trained: Classifier, seed: int) -> Metrics:
    n, undefined = len(sample), len(trained.labels)
    share = np.bincount(sample.classes, minlength=undefined + 1) / max(n, 1)
    folds = min(FOLDS, n) if n > 1 else 0
    fold = deal_folds(sample.classes, folds, seed) if folds else sample.classes
    found = np.full(n, undefined, dtype=np.int64)
    for held in range(folds):
        student = _fit(sample.take(np.flatnonzero(fold != held)).with_rows(always), trained)
        test = np.flatnonzero(fold == held)
        primary = student.predict_features(sample.features.take(test)).primary
        found[test] = np.where(primary < 0, undefined, primary)
    names = [(label.id, label.name) for label in trained.labels] + [(None, UNDEFINED)]
    classes = tuple(
        _class_metrics(name, sample.classes == row, found == row)
        for row, name in enumerate(names)
        if share[row]
    )
    return Metrics(
        n=n,
        folds=folds,
        accuracy=float((found == sample.classes).mean()) if folds else None,
        macro_f1=float(np.mean([row.f1 for row in classes])) if folds else None,
        majority=float(share.max()),
        undefined_share=float(share[undefined]),
        classes=classes if folds else (),
    )


def _class_metrics(
    name: tuple[str | None, str], true: NDArray[np.bool_], found: NDArray[np.bool_]
) -> ClassMetrics:
    hits, support, predicted = int((true & found).sum()), int(true.sum()), int(found.sum())
    return ClassMetrics(*name, support, predicted, hits / predicted if predicted else 0.0, hits / support)
