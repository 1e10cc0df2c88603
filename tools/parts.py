"""How the documents of one category come apart. Vectors only; pure and deterministic.

`evidence.group` finds topics among everything that is new, and must not take one topic for two. Here somebody has
asked for parts and will look at them, so also a weak division counts, as long as there is one.
"""

from math import log2, sqrt

import numpy as np
from numpy.typing import NDArray

from ..classifiers.encoders import Vectors
from .evidence import Rows, cohesion, unit

ONE = 0.95
"""Parts whose members are on average as near to each other's as this share of how near they are to their own are
one."""


def divide(vectors: Vectors, *, most: int, least: int, seed: int) -> list[Rows]:
    """The parts that documents fall into; what belongs to none of them is left out.

    k-means for each k. A part that is too small, or looser than all the documents together, is no part. The best
    division has a high silhouette, leaves out few documents, and has parts of about equal size: a silhouette alone
    likes best to cut off a few strays.

    Args:
        vectors: float32 [n, d], unit rows.
        most: how many parts there may be.
        least: documents that make a part.
        seed: of k-means.

    Returns:
        row numbers of each part, the member nearest to the centre first, large parts first; one part with all rows
        where they do not come apart, none where there are too few.
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    n = len(vectors)
    if n < 2 * least:
        return []
    distinct = len(np.unique(vectors.round(4), axis=0))
    whole = cohesion(vectors)
    best, chosen = 0.0, [np.arange(n)]
    for k in range(2, min(most, n // least, distinct - 1) + 1):
        labels: NDArray[np.int64] = KMeans(k, n_init=5, random_state=seed).fit_predict(vectors)
        parts = [np.flatnonzero(labels == part) for part in range(k)]
        parts = [rows for rows in parts if len(rows) >= least and cohesion(vectors[rows]) >= whole]
        if len(parts) < 2 or _are_one(vectors, parts):
            continue
        silhouette = float(silhouette_score(vectors, labels, metric="cosine"))
        value = round(silhouette * _evenness([len(rows) for rows in parts], n), 5)
        if value > best:
            best, chosen = value, parts
    chosen = sorted(chosen, key=lambda rows: (-len(rows), int(rows.min())))
    return [_from_the_middle(vectors, rows) for rows in chosen]


def _evenness(sizes: list[int], n: int) -> float:
    """Share of the documents that is kept, times the root of how many bits it takes to say which part one is in."""
    kept = sum(sizes)
    return kept / n * sqrt(-sum(size / kept * log2(size / kept) for size in sizes))


def _are_one(vectors: Vectors, parts: list[Rows]) -> bool:
    """Whether the parts are as near to each other as each is to itself."""
    centres = np.array([vectors[rows].mean(axis=0) for rows in parts])
    across = (centres @ centres.T)[np.triu_indices(len(parts), 1)]
    within = np.array([cohesion(vectors[rows]) for rows in parts])
    return float(across.mean()) >= ONE * float(within.mean())


def _from_the_middle(vectors: Vectors, rows: Rows) -> Rows:
    centre = unit(vectors[rows].mean(axis=0))
    return rows[np.argsort(-(vectors[rows] @ centre).round(5), kind="stable")]
