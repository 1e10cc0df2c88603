"""Categories against gold classes, without knowing which category means which class.

Everything is measured on tables float64 [b, g + 1, k + 1] of b resamples: g gold classes and the catch-all ones, as one
row, below them; k categories and `undefined` after them. To say `undefined` is right where the gold class is a
catch-all, and only there: a category is never right about a catch-all, nor `undefined` about anything else.
"""

import numpy as np
from numpy.typing import NDArray

from .ratio import ratio

Tables = NDArray[np.float64]
Values = NDArray[np.float64]

SIGNED = frozenset({"ami", "ari"})
"""Measures that may be below 0: worse than chance."""
RECOVERED_FROM = 0.5
"""F1 of a gold class and a category from which the class counts as found."""
_EXACT_UP_TO = 500
"""Documents up to which chance is computed anew for each resample; beyond, it hardly differs between them."""


def measure(found: Tables) -> dict[str, Values]:
    """All measures of this file, float64 [b] each, by name."""
    direct, inverse = purity(found), inverse_purity(found)
    return {
        "accuracy": matched_accuracy(found),
        "purity": direct,
        "inverse_purity": inverse,
        "purity_f1": ratio(2 * direct * inverse, direct + inverse, 0.0),
        "nmi": normalized_mutual_information(found),
        "ami": adjusted_mutual_information(found),
        "ari": adjusted_rand(found),
        "recovered": recovered(found),
        "coverage": coverage(found),
    }


def matching(table: NDArray[np.float64]) -> list[tuple[int, int]]:
    """(gold class, category) of the best one-to-one matching of a table [g + 1, k + 1]; empty pairs are left out.

    The assignment problem: H. W. Kuhn, "The Hungarian method", 1955.
    """
    from scipy.optimize import linear_sum_assignment

    inner = table[:-1, :-1]
    pairs = zip(*linear_sum_assignment(inner, maximize=True), strict=True)
    return [(int(row), int(column)) for row, column in pairs if inner[row, column] > 0]


def matched_accuracy(found: Tables) -> Values:
    """Share of the documents that are right under the best matching; what is matched with nothing is wrong."""
    right = [sum(table[pair] for pair in matching(table)) + table[-1, -1] for table in found]
    return _share(np.array(right, dtype=np.float64), found)


def purity(found: Tables) -> Values:
    """Share of the documents that are of the most frequent gold class of their category."""
    best = found[:, :-1, :-1].max(axis=1, initial=0).sum(axis=1)
    return _share(best + found[:, -1, -1], found)


def inverse_purity(found: Tables) -> Values:
    """Share of the documents that are in the most frequent category of their gold class."""
    best = found[:, :-1, :-1].max(axis=2, initial=0).sum(axis=1)
    return _share(best + found[:, -1, -1], found)


def recovered(found: Tables) -> Values:
    """Share of the gold classes for which some category has an F1 of .5 or more, a catch-all's being `undefined`."""
    rows, columns = found.sum(axis=2), found.sum(axis=1)
    both = rows[:, :, None] + columns[:, None, :]
    f1 = ratio(2 * found, both, 0.0)
    best = np.concatenate([f1[:, :-1, :-1].max(axis=2, initial=0), f1[:, -1:, -1]], axis=1)
    there = rows > 0
    hits = ((best >= RECOVERED_FROM) & there).sum(axis=1)
    return ratio(hits, there.sum(axis=1))


def coverage(found: Tables) -> Values:
    """Share of the documents that got a category."""
    return _share(found[:, :, :-1].sum(axis=(1, 2)), found)


def normalized_mutual_information(found: Tables) -> Values:
    """Mutual information over the mean of the two entropies, as scikit-learn's; `undefined` is a group like others."""
    information, mean, is_trivial = _information(found)
    return np.where(is_trivial, 1.0, np.clip(ratio(information, mean, 0.0), 0, 1))


def adjusted_mutual_information(found: Tables) -> Values:
    """The same less what chance gives (Vinh, Epps, Bailey, JMLR 2010), as scikit-learn's."""
    information, mean, is_trivial = _information(found)
    chance = _chance(found)
    # Where chance is all there could be, as where every document is a group of its own, a perfect match is still 1.
    return np.where(is_trivial, 1.0, _not_zero(information - chance) / _not_zero(mean - chance))


def adjusted_rand(found: Tables) -> Values:
    """The share of pairs of documents that are together in both, less what chance gives (Hubert and Arabie, 1985)."""
    n = found.sum(axis=(1, 2))
    both = (found**2).sum(axis=(1, 2))
    rows, columns = (found.sum(axis=2) ** 2).sum(axis=1), (found.sum(axis=1) ** 2).sum(axis=1)
    together, apart_rows, apart_columns = both - n, rows - both, columns - both
    apart = n**2 - both - apart_rows - apart_columns
    below = (together + apart_rows) * (apart_rows + apart) + (together + apart_columns) * (
        apart_columns + apart
    )
    above = 2.0 * (together * apart - apart_rows * apart_columns)
    same = (apart_rows == 0) & (apart_columns == 0)
    return np.where(same, 1.0, ratio(above, below, 0.0))


def _not_zero(values: Values) -> Values:
    tiny = np.finfo(np.float64).eps
    return np.where(values < 0, np.minimum(values, -tiny), np.maximum(values, tiny))


def _share(count: Values, found: Tables) -> Values:
    return ratio(count, found.sum(axis=(1, 2)))


def _entropy(counts: NDArray[np.float64]) -> Values:
    """In nats, of counts [b, m]."""
    share = ratio(counts, counts.sum(axis=1, keepdims=True), 0.0)
    return np.asarray(-(share * np.log(np.where(share > 0, share, 1.0))).sum(axis=1))


def _information(found: Tables) -> tuple[Values, Values, NDArray[np.bool_]]:
    """Mutual information, mean entropy, and whether both partitions are a single group."""
    rows, columns = found.sum(axis=2), found.sum(axis=1)
    of_rows, of_columns = _entropy(rows), _entropy(columns)
    information = of_rows + of_columns - _entropy(found.reshape(len(found), -1))
    is_trivial = ((rows > 0).sum(axis=1) <= 1) & ((columns > 0).sum(axis=1) <= 1)
    return np.maximum(information, 0.0), (of_rows + of_columns) / 2, is_trivial


def _chance(found: Tables) -> Values:
    """Mutual information that is expected of such groups by chance."""
    from sklearn.metrics.cluster import expected_mutual_information

    def expect(table: NDArray[np.float64]) -> float:
        kept = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0].astype(np.int64)
        return float(expected_mutual_information(kept, int(kept.sum()))) if kept.size else 0.0

    if len(found) > 1 and found[0].sum() > _EXACT_UP_TO:
        # All resamples together have the margins of the documents themselves.
        return np.full(len(found), expect(np.rint(found.mean(axis=0))))
    return np.array([expect(table) for table in found])
