"""Which texts to label so that they stand for all others: rare kinds of text too, near-copies once.

A share is drawn at random, so that something measured on it holds for the corpus. The rest is chosen by greedy facility
location: each next text is the one that adds most to the sum, over all texts, of the similarity to the nearest chosen
one (Wei, Iyer and Bilmes, "Submodularity in data subset selection and active learning", ICML 2015; greedy is within
1 - 1/e of the best: Nemhauser, Wolsey and Fisher 1978; lazily evaluated: Minoux 1978). It was compared with k-center
(Sener and Savarese, ICLR 2018), medoids of k-means and draws stratified by k-means: docs/decisions.md has the figures.
"""

from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..classifiers.features import Vectors
from ..classifiers.index import EmbeddingIndex

Rows = NDArray[np.int64]

SAME = 0.95
"""Cosine from which two texts are copies of each other but for a word or so."""
AT_RANDOM = 0.3
"""Share of the choice that is drawn at random."""
_NEAREST = 64
_REACH = 10
"""A chosen text speaks for its `_NEAREST` neighbours, or so many times those that are its share where that is more."""
_BLOCK = 500


def cover(vectors: Vectors, count: int, seed: int, *, at_random: float = AT_RANDOM) -> tuple[Rows, Rows]:
    """Rows that stand for all others.

    Args:
        vectors: float32 [n, d], unit rows.
        count: how many are wanted.
        seed: of what is drawn; the same input gives the same rows.
        at_random: share of them that is drawn at random.

    Returns:
        int64 [min(count, n)], ascending; and those among them that were drawn at random: all, where all are taken.
    """
    n = len(vectors)
    shuffled = np.random.default_rng(seed).permutation(n)
    if count >= n:
        return np.arange(n), np.arange(n)
    drawn = shuffled[: round(at_random * count)]
    chosen = _facilities(vectors, drawn, max(count, 0))
    if len(chosen) < count:
        # All others are near-copies of these.
        chosen = np.concatenate([chosen, shuffled[~np.isin(shuffled, chosen)][: count - len(chosen)]])
    return np.sort(chosen), np.sort(drawn)


def distinct(vectors: Vectors, *, same: float = SAME) -> Rows:
    """Rows without those that are a near-copy of an earlier one that stays, ascending.

    Args:
        vectors: float32 [n, d], unit rows.
        same: cosine from which a row is a copy.
    """
    import faiss

    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    index: Any = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    gone = np.zeros(len(vectors), dtype=np.bool_)
    for start in range(0, len(vectors), _BLOCK):
        # In blocks: where all texts are alike every pair is found.
        rows = start + np.flatnonzero(~gone[start : start + _BLOCK])
        if not len(rows):
            continue
        ends, _, near = index.range_search(vectors[rows], same)
        for place, row in enumerate(rows):
            if not gone[row]:
                gone[near[ends[place] : ends[place + 1]]] = True
                gone[row] = False
    return np.flatnonzero(~gone)


def _facilities(vectors: Vectors, given: Rows, count: int) -> Rows:
    """The given rows and others up to `count`, the one that adds most first; no near-copies of chosen ones."""
    n = len(vectors)
    reach = min(n, max(_NEAREST, _REACH * n // max(count, 1)))
    similarities, near = EmbeddingIndex.build(vectors).search(vectors, reach)
    # For each row the rows that have it among their neighbours, and how near they are to it.
    served = np.repeat(np.arange(n), near.shape[1])
    order = np.argsort(near.ravel(), kind="stable")
    served = served[order]
    # Rounded: what differs in the last digits from machine to machine is a tie.
    weight = np.maximum(similarities.ravel()[order].astype(np.float64), 0.0).round(5)
    ends = np.searchsorted(near.ravel()[order], np.arange(n + 1))
    best = np.zeros(n)

    def gain(row: int) -> float:
        part = slice(ends[row], ends[row + 1])
        return round(float(np.maximum(weight[part] - best[served[part]], 0.0).sum()), 4)

    def take(row: int) -> None:
        part = slice(ends[row], ends[row + 1])
        best[served[part]] = np.maximum(best[served[part]], weight[part])

    chosen = given.tolist()
    for row in chosen:
        take(row)
    taken = set(chosen)
    # Gains only ever shrink: who leads with a fresh gain leads.
    heap = [(-gain(row), row, len(chosen)) for row in range(n) if row not in taken]
    heapify(heap)
    while heap and len(chosen) < count:
        _, row, when = heappop(heap)
        if best[row] >= SAME:
            continue
        if when == len(chosen):
            take(row)
            chosen.append(row)
        else:
            heappush(heap, (-gain(row), row, len(chosen)))
    return np.array(chosen, dtype=np.int64)
