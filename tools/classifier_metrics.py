"""What is known of a classifier's quality: plain values, for the bundle, its card and the report."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10


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
class Candidate:
    """A configuration that was tried.

    Attributes:
        features: what it sees of texts.
        head: its kind.
        macro_f1: in cross-validation; None where it was not measured.
        accuracy: likewise.
        docs_per_second: texts encoded and labelled in a second, measured on this machine; None where it was not.
        chosen: whether it is the one.
        note: why it was left out, or "".
    """

    features: str
    head: str
    macro_f1: float | None = None
    accuracy: float | None = None
    # No two measurements are the same: they are no part of what makes two trainings equal.
    docs_per_second: float | None = field(default=None, compare=False)
    chosen: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bin:
    """Texts of about the same confidence.

    Attributes:
        confidence: their mean.
        agreement: share of them that got their label.
        texts: how many.
    """

    confidence: float
    agreement: float
    texts: int


@dataclass(frozen=True, slots=True)
class Promise:
    """What was promised of the agreement with the LLM.

    Attributes:
        level: share of the texts with a category that are to get the LLM's.
        least_confidence: what it takes; None where nothing can promise it, and every text is undefined.
        coverage: share 0..1 of the texts with a category that keep it, in cross-validation.
    """

    level: float
    least_confidence: float | None
    coverage: float


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
        measured_on: texts that were predicted; fewer than `n` where there are very many.
        features: what it sees of texts.
        head: its kind.
        candidates: all that was tried, the fastest first.
        calibration_error: mean distance of the calibrated confidence from the agreement; None if not measured.
        reliability: the same in bins of equally many texts.
        several_labels: share of the texts that bear more than one label.
        promise: of agreement, where one was wanted.
        warnings: what the user should know, in sentences.
    """

    n: int
    folds: int
    accuracy: float | None
    macro_f1: float | None
    majority: float
    undefined_share: float
    classes: tuple[ClassMetrics, ...]
    measured_on: int | None = None
    features: str = ""
    head: str = ""
    candidates: tuple[Candidate, ...] = ()
    calibration_error: float | None = None
    reliability: tuple[Bin, ...] = ()
    several_labels: float = 0.0
    promise: Promise | None = None
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """JSON types, for the bundle and the report."""
        return {**asdict(self), "classes": [asdict(row) | {"f1": row.f1} for row in self.classes]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Metrics":
        """What `as_dict` gave."""
        classes = [{key: row[key] for key in row if key != "f1"} for row in values["classes"]]
        promise = values.get("promise")
        return cls(
            **{
                **values,
                "classes": tuple(ClassMetrics(**row) for row in classes),
                "candidates": tuple(Candidate(**row) for row in values.get("candidates", ())),
                "reliability": tuple(Bin(**row) for row in values.get("reliability", ())),
                "promise": None if promise is None else Promise(**promise),
                "warnings": tuple(values.get("warnings", ())),
            }
        )

    def promising(self, promise: Promise) -> "Metrics":
        """The same with a promise, and a warning where it cannot be given."""
        if promise.least_confidence is not None:
            return replace(self, promise=promise)
        warning = (
            f"no threshold can promise an agreement of {promise.level:g} with the LLM: the classifier repeats too few "
            "of its labels, or too few texts are labelled to prove it. So it gives no text a category. Ask for less, "
            "or label more texts."
        )
        return replace(self, promise=promise, warnings=(*self.warnings, warning))


def class_metrics(
    names: Sequence[tuple[str | None, str]], true: NDArray[np.int64], found: NDArray[np.int64]
) -> tuple[ClassMetrics, ...]:
    """A row for each class that occurs among the true ones.

    Args:
        names: id and name of each class.
        true, found: int64 [n], classes.
    """
    rows = []
    for row, name in enumerate(names):
        support, predicted = int((true == row).sum()), int((found == row).sum())
        hits = int(((true == row) & (found == row)).sum())
        if support:
            rows.append(
                ClassMetrics(
                    *name, support, predicted, hits / predicted if predicted else 0.0, hits / support
                )
            )
    return tuple(rows)


def macro_f1(true: NDArray[np.int64], found: NDArray[np.int64], count: int) -> float:
    """Mean F1 over the classes that occur among the true ones; 0 without rows.

    Args:
        true, found: int64 [n], classes in 0..count-1.
        count: how many classes there are.
    """
    support, predicted = np.bincount(true, minlength=count), np.bincount(found, minlength=count)
    hits = np.bincount(true[true == found], minlength=count)
    there = support > 0
    scores = 2 * hits[there] / (support[there] + predicted[there])
    return float(scores.mean()) if len(scores) else 0.0


def reliability(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], bins: int = BINS
) -> tuple[Bin, ...]:
    """Confidence beside agreement, in bins of equally many texts, the least sure first."""
    order = np.argsort(confidence, kind="stable")
    parts = [part for part in np.array_split(order, min(bins, max(len(order) // 5, 1))) if len(part)]
    return tuple(Bin(float(confidence[part].mean()), float(right[part].mean()), len(part)) for part in parts)
