"""What can be said of labels without anything to compare them with: coverage, balance, redundancy."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...classifiers.features import Vectors
from .bootstrap import Bootstrap, Profiles, Weights, figures, sums
from .evaluation import Fact, Section
from .outcome import Answers, Outcome
from .ratio import ratio


def balance(sizes: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """How evenly documents are spread, of sizes [b, k]: each [b], NaN where there is nothing to spread.

    `evenness` is the entropy over the most it could be: 1 where all categories are of one size, 0 where one holds
    everything. `gini` is the Gini coefficient: 0 where all are of one size, towards 1 where one holds everything.
    """
    n, k = sizes.sum(axis=1), sizes.shape[1]
    nothing = np.full(len(sizes), np.nan)
    if k < 2:
        return {"evenness": nothing, "gini": nothing}
    share = ratio(sizes, n[:, None], 0.0)
    entropy = -(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1)
    ranks = 2 * np.arange(1, k + 1) - k - 1
    gini = (np.sort(share, axis=1) * ranks).sum(axis=1) / k
    return {
        "evenness": np.where(n > 0, entropy / np.log(k), nothing),
        "gini": np.where(n > 0, gini, nothing),
    }


def taxonomy_section(outcome: Outcome, described: Vectors | None, how: Bootstrap) -> Section:
    """Coverage, balance and redundancy of a run's labels.

    Redundancy in documents: for each category the largest share of its documents that another one also applies to, on
    average over categories that have any. In embedding: for each, the cosine to the nearest other, on average;
    without an interval over documents, since none are in it.

    Args:
        outcome: the run.
        described: float32 [k, d], unit rows, the leaves' names and descriptions embedded; None where that cannot be.
        how: intervals are made.
    """
    labels, names = outcome.labels, outcome.names
    k = len(names)
    of_sets, patterns = _set_profiles(labels, k)
    first = labels.primary[labels.known]
    profiles = Profiles.of(np.where(first < 0, k, first))

    def statistic(weights: Weights) -> dict[str, NDArray[np.float64]]:
        sizes = sums(weights, profiles.column(0), k + 1)
        covered = sizes[:, :-1].sum(axis=1) / np.maximum(sizes.sum(axis=1), 1)
        return {"coverage": covered, **balance(sizes[:, :-1])}

    facts: dict[str, Fact] = {
        "documents": profiles.n,
        "categories": k,
        "empty_categories": k - len(np.unique(first[first >= 0])),
    }
    found = figures(profiles, statistic, how)
    found |= figures(of_sets, lambda weights: {"shared_documents": _sharing(weights, patterns)}, how)
    if k > 1:
        shared = _shares(of_sets.counts[None, :].astype(np.float64), patterns)[0]
        facts |= _nearest("most_shared", shared, names) if shared.max() > 0 else {}
        if described is not None:
            cosines = _off_diagonal(np.asarray(described @ described.T, dtype=np.float64))
            facts["nearest_description"] = round(float(cosines.max(axis=1).mean()), 4)
            facts |= _nearest("most_alike", cosines, names)
    return Section(key="taxonomy", title="The labels by themselves", figures=found, facts=facts)


def _set_profiles(labels: Answers, k: int) -> tuple[Profiles, NDArray[np.float64]]:
    """Documents told apart by all labels that apply, and those labels, [u, k]."""
    sets = [frozenset(labels.applies[row]) for row in np.flatnonzero(labels.known)]
    places: dict[frozenset[int], int] = {}
    codes = np.array([places.setdefault(one, len(places)) for one in sets], dtype=np.int64)
    patterns = np.zeros((len(places), k))
    for one, place in places.items():
        patterns[place, list(one)] = 1.0
    profiles = Profiles.of(codes)
    return profiles, patterns[profiles.column(0)]


def _shares(weights: Weights, patterns: NDArray[np.float64]) -> NDArray[np.float64]:
    """[b, k, k]: of the documents of each category, the share that another one also applies to; -1 for itself."""
    both = np.einsum("bu,ui,uj->bij", weights, patterns, patterns, optimize=True)
    own = np.diagonal(both, axis1=1, axis2=2)[:, :, None]
    shares = ratio(both, own, 0.0)
    shares[:, np.arange(len(shares[0])), np.arange(len(shares[0]))] = -1.0
    return shares


def _sharing(weights: Weights, patterns: NDArray[np.float64]) -> NDArray[np.float64]:
    if patterns.shape[1] < 2:
        return np.full(len(weights), np.nan)
    there = weights @ patterns > 0
    most = np.maximum(_shares(weights, patterns).max(axis=2), 0.0)
    return ratio((most * there).sum(axis=1), there.sum(axis=1))


def _off_diagonal(values: NDArray[np.float64]) -> NDArray[np.float64]:
    values = values.copy()
    np.fill_diagonal(values, -1.0)
    return values


def _nearest(name: str, values: NDArray[np.float64], names: Sequence[str]) -> dict[str, Fact]:
    one, other = np.unravel_index(int(values.argmax()), values.shape)
    return {
        f"{name}_pair": f"{names[int(one)]} and {names[int(other)]}",
        name: round(float(values[one, other]), 4),
    }
