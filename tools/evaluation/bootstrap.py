"""Bootstrap intervals over documents, for any statistic that only counts documents.

Documents that look the same to a statistic (the same gold class, the same category, ...) are one *profile*. To resample
n documents is to draw how often each profile occurs, from a multinomial distribution: the same distribution as
drawing documents one by one, at a cost that does not grow with their number.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .figure import Figure

Weights = NDArray[np.float64]
"""float64 [b, u]: in each of b resamples, how many documents have each of u profiles."""
Statistic = Callable[[Weights], Mapping[str, NDArray[np.float64]]]
"""Named values float64 [b] of b resamples. NaN where a resample does not define one."""

_SAME = 1e-12
_BLOCK = 4_000_000
"""Numbers that are drawn at a time."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How intervals are made.

    Attributes:
        resamples: how many.
        seed: of what is drawn; the same input gives the same intervals.
        level: what share of intervals is to hold the truth.
    """

    resamples: int = 2_000
    seed: int = 0
    level: float = 0.95


@dataclass(frozen=True, slots=True)
class Profiles:
    """Documents as far as a statistic can tell them apart.

    Attributes:
        codes: int64 [u, m], the different rows among the documents', in order.
        counts: int64 [u], documents of each.
    """

    codes: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, *columns: NDArray[np.int64]) -> "Profiles":
        """Of documents that are told apart by these columns, each int64 [n]."""
        codes, counts = np.unique(np.stack(columns, axis=1), axis=0, return_counts=True)
        return cls(codes.astype(np.int64), counts.astype(np.int64))

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def n(self) -> int:
        """Documents."""
        return int(self.counts.sum())

    def column(self, place: int) -> NDArray[np.int64]:
        """One column of the codes, int64 [u]."""
        return self.codes[:, place]


def tables(
    weights: Weights, rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]
) -> NDArray[np.float64]:
    """Contingency tables of resamples, float64 [b, r, c].

    Args:
        weights: of u profiles.
        rows, columns: int64 [u], where each profile counts; one with a negative place counts nowhere.
        shape: (r, c).
    """
    cell = np.where((rows >= 0) & (columns >= 0), rows * shape[1] + columns, -1)
    return sums(weights, cell, shape[0] * shape[1]).reshape(len(weights), *shape)


def sums(weights: Weights, group: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Documents of each group, float64 [b, count], given int64 [u], the group of each profile; negative is none."""
    from scipy.sparse import csr_matrix

    inside = np.flatnonzero(group >= 0)
    member = csr_matrix((np.ones(len(inside)), (group[inside], inside)), shape=(count, weights.shape[1]))
    return np.ascontiguousarray((member @ weights.T).T)


def figures(
    profiles: Profiles, statistic: Statistic, how: Bootstrap, *, signed: Collection[str] = ()
) -> dict[str, Figure]:
    """Every value of a statistic with its interval; those that the documents do not define are left out.

    The interval is that of the percentiles, moved by how far the resamples' mean is from the value. A resample repeats
    documents, and repeated documents look like structure: mutual information, or accuracy under the best
    matching, are higher on it, and the percentiles alone may not even hold the value (docs/decisions.md). Where no
    resample differs, the interval is what so many documents without an exception leave open.

    Args:
        profiles: the documents.
        statistic: what is measured. To compare two systems let one statistic measure both, and the difference: then
            both are measured on the same resamples.
        how: how many resamples, and which.
        signed: names of values that go from -1 to 1; the others go from 0.
    """
    if not profiles.n:
        return {}
    observed = statistic(profiles.counts[None, :].astype(np.float64))
    drawn: dict[str, list[NDArray[np.float64]]] = {name: [] for name in observed}
    draw = np.random.default_rng(how.seed)
    size = max(1, _BLOCK // len(profiles))
    for start in range(0, how.resamples, size):
        count = min(size, how.resamples - start)
        weights = draw.multinomial(profiles.n, profiles.counts / profiles.n, size=count)
        for name, values in statistic(weights.astype(np.float64)).items():
            drawn[name].append(values)
    return {
        name: _figure(
            float(values[0]), np.concatenate(drawn[name]), profiles.n, how, -1.0 if name in signed else 0.0
        )
        for name, values in observed.items()
        if np.isfinite(values[0])
    }


def _figure(value: float, drawn: NDArray[np.float64], n: int, how: Bootstrap, lowest: float) -> Figure:
    drawn = drawn[np.isfinite(drawn)]
    tail = (1 - how.level) / 2
    if not len(drawn) or np.ptp(drawn) < _SAME:
        # n documents without an exception: it may be that so many are exceptions (Clopper and Pearson, 1934).
        slack = 1 - tail ** (1 / n)
        low, high = value - slack, value + slack
    else:
        low, high = np.quantile(drawn, [tail, 1 - tail]) + (value - drawn.mean())
    return Figure(value, min(max(float(low), lowest), value), max(min(float(high), 1.0), value), n)
