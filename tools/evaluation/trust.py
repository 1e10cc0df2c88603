"""Is the confidence worth anything? Calibration, and what is gained by answering only where one is sure.

Confidences count to three decimals, so that a million documents cost no more than two thousand; those that are equal
are accepted together.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Profiles, Weights
from .ratio import ratio

BINS = 15
_STEPS = 1_000
_POINTS = 100


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """About equally many documents of similar confidence.

    Attributes:
        confidence: their mean, 0..1.
        accuracy: share of them that are right, 0..1.
        n: how many.
    """

    confidence: float
    accuracy: float
    n: float


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What answering only from a confidence on comes to.

    Attributes:
        threshold: the least confidence that is accepted.
        coverage: share of the documents that is answered.
        risk: share of these that is wrong.
    """

    threshold: float
    coverage: float
    risk: float


def profiles_of(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Profiles:
    """Documents told apart by confidence, in thousandths, and by whether they are right: both [n]."""
    steps = np.rint(np.clip(confidence, 0, 1) * _STEPS).astype(np.int64)
    return Profiles.of(steps, right.astype(np.int64))


def measure(profiles: Profiles, weights: Weights) -> dict[str, NDArray[np.float64]]:
    """`ece` and `aurc`, float64 [b] each, of resamples of the profiles that `profiles_of` made.

    `ece` is the expected calibration error over 15 bins of equal mass (Nixon et al., Measuring Calibration in Deep
    Learning, 2019). `aurc` is the area under the risk-coverage curve (Geifman, Uziel, El-Yaniv, ICLR 2019): the
    mean error over all shares of documents that could be answered; 0 is best.
    """
    levels, n, right = _by_level(profiles, weights)
    return {"ece": _calibration_error(levels, n, right), "aurc": _area(n, right)}


def reliability(profiles: Profiles) -> tuple[ReliabilityBin, ...]:
    """The bins of the documents themselves, the least sure first; a bin may hold a fraction of a document."""
    levels, n, right = _by_level(profiles, profiles.counts[None, :].astype(np.float64))
    if not len(levels):
        return ()
    mass, sure, hits = _edges(levels, n[0], right[0])
    sizes = np.diff(mass)
    kept = sizes > 0
    return tuple(
        ReliabilityBin(float(a), float(b), float(size))
        for a, b, size in zip(
            np.diff(sure)[kept] / sizes[kept], np.diff(hits)[kept] / sizes[kept], sizes[kept], strict=True
        )
    )


def risk_coverage(profiles: Profiles) -> tuple[RiskPoint, ...]:
    """At most about a hundred points of the curve, the strictest threshold first; the last one answers everything."""
    levels, n, right = _by_level(profiles, profiles.counts[None, :].astype(np.float64))
    if not len(levels):
        return ()
    answered, hits = n[0, ::-1].cumsum(), right[0, ::-1].cumsum()
    wanted = np.linspace(0, answered[-1], _POINTS + 1)[1:]
    places = np.unique(np.minimum(np.searchsorted(answered, wanted), len(answered) - 1))
    return tuple(
        RiskPoint(
            threshold=float(levels[::-1][place]),
            coverage=float(answered[place] / answered[-1]),
            risk=float(1 - hits[place] / answered[place]),
        )
        for place in places
    )


def _by_level(
    profiles: Profiles, weights: Weights
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """The different confidences [l], ascending; documents of each [b, l], and those of them that are right [b, l]."""
    levels, starts = np.unique(profiles.column(0), return_index=True)
    if not len(levels):
        return np.zeros(0), np.zeros((len(weights), 0)), np.zeros((len(weights), 0))
    n = np.add.reduceat(weights, starts, axis=1)
    right = np.add.reduceat(weights * profiles.column(1), starts, axis=1)
    return levels / _STEPS, n, right


def _edges(
    levels: NDArray[np.float64], n: NDArray[np.float64], right: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Up to each of 16 edges of equal mass: documents, sum of confidences, documents that are right."""
    mass = np.concatenate([[0.0], n.cumsum()])
    edges = np.linspace(0, mass[-1], BINS + 1)
    sure = np.interp(edges, mass, np.concatenate([[0.0], (n * levels).cumsum()]))
    return edges, sure, np.interp(edges, mass, np.concatenate([[0.0], right.cumsum()]))


def _calibration_error(
    levels: NDArray[np.float64], n: NDArray[np.float64], right: NDArray[np.float64]
) -> NDArray[np.float64]:
    errors = []
    for count, hits in zip(n, right, strict=True):
        mass, sure, good = _edges(levels, count, hits)
        errors.append(np.abs(np.diff(sure) - np.diff(good)).sum() / mass[-1])
    return np.array(errors, dtype=np.float64)


def _area(n: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """The integral of risk over coverage. Within a level errors grow evenly: a document has no place before its equals.

    From m0 to m1 documents, of which e0 and e1 are wrong, the risk at m is (e0 + s (m - m0)) / m, s the level's own.
    """
    mass = np.cumsum(n[:, ::-1], axis=1)
    wrong = np.cumsum((n - right)[:, ::-1], axis=1)
    before = np.concatenate([np.zeros((len(n), 1)), mass[:, :-1]], axis=1)
    wrong_before = np.concatenate([np.zeros((len(n), 1)), wrong[:, :-1]], axis=1)
    size = mass - before
    slope = ratio(wrong - wrong_before, size, 0.0)
    area = (wrong_before - slope * before) * np.log(ratio(mass, before, 1.0)) + slope * size
    return ratio(area.sum(axis=1), mass[:, -1])
