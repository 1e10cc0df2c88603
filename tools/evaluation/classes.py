"""Answers against right answers that use the same classes: accuracy, F1 and kappa, on tables of resamples."""

import numpy as np
from numpy.typing import NDArray

from .ratio import ratio

Values = NDArray[np.float64]


def accuracy(found: NDArray[np.float64]) -> Values:
    """Share on the diagonal of tables [b, m, m], rows being right and columns given; NaN where nothing is counted."""
    n = found.sum(axis=(1, 2))
    right = np.trace(found, axis1=1, axis2=2)
    return ratio(right, n)


def macro_f1(found: NDArray[np.float64]) -> Values:
    """Mean F1 over the classes that are right for some document; NaN where there are none."""
    rows, columns = found.sum(axis=2), found.sum(axis=1)
    hits = np.diagonal(found, axis1=1, axis2=2)
    both = rows + columns
    f1 = ratio(2 * hits, both, 0.0)
    there = rows > 0
    return ratio((f1 * there).sum(axis=1), there.sum(axis=1))


def kappa(found: NDArray[np.float64]) -> Values:
    """Cohen's kappa of two who label the same documents: agreement less what chance gives (Cohen, 1960).

    1 where both give one and the same label to everything: then they agree, and chance leaves nothing to exceed.
    """
    n = found.sum(axis=(1, 2))
    apart = n - np.trace(found, axis1=1, axis2=2)
    # In counts, which are exact: what is apart, over what chance would part.
    by_chance = n**2 - (found.sum(axis=1) * found.sum(axis=2)).sum(axis=1)
    return np.where(n > 0, 1 - ratio(apart * n, by_chance, 0.0), np.nan)


def fleiss_kappa(weights: NDArray[np.float64], votes: NDArray[np.float64]) -> Values:
    """Fleiss' kappa among any number of raters who all labelled every document (Fleiss, 1971).

    Args:
        weights: [b, u], documents of each profile.
        votes: [u, m], how many raters gave each of m labels to documents of a profile; all rows add up to r >= 2.

    Returns:
        [b]; 1 where all give one and the same label to everything, NaN without documents.
    """
    raters = votes[0].sum() if len(votes) else 2.0
    alike = ((votes**2).sum(axis=1) - raters) / (raters * (raters - 1))
    n = weights.sum(axis=1)
    known = n > 0
    agree = ratio(weights @ alike, n)
    share = ratio(weights @ votes, raters * n[:, None])
    rest = 1 - (share**2).sum(axis=1)
    return np.where(
        rest > 1e-12, (agree - 1 + rest) / np.where(rest > 1e-12, rest, 1.0), np.where(known, 1.0, np.nan)
    )
