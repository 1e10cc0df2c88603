"""Novelty: which of many new texts are unlike what a classifier was trained on, at a false-alarm rate that is told.

A text alone says little: the first question about a card that was swallowed looks like one about a card that was
stolen. Many of them lie together, where the training texts have nothing. So new texts are held against both: among the
nearest neighbours of a text that is known, new texts and training texts occur as their numbers let expect; among those
of a text that is not, new ones prevail (nearest neighbours as a two-sample test: Schilling 1986, Henze 1988). A text
that lies farther from everything than training texts do from each other is new by itself.

How much is unusual is read off the training texts: each is scored in the same way, as if it had come with the new ones,
without itself among the known (conformal p-values for novelty: Bates et al. 2023, and with the new texts taking
part in the score, Marandon et al. 2024). Categories that have become more or less frequent are no novelty: training
texts count as much as their category is more frequent now (weights for a shift of the labels: Tibshirani et al. 2019).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .features import Features

RATE = 0.05
"""Share of known texts that are called new."""
MOST = 10_000
"""New texts that are scored together: their similarities are quadratic. Training texts beyond as many are thinned."""
NEIGHBOURS = (5, 20)
"""Neighbours that a text is judged by: a fifth of the square root of the number of training texts, within these."""
_NEAREST = 5
_SHARE_OF_FAR = 4
"""Of five false alarms, four may come from neighbours and one from distance."""
_LARGEST_SHIFT = 10.0
_BLOCK = 500
_COPY = 0.9999
_LEAST_SHRUNK = 0.5
"""How far the covariance is drawn towards a round one; further where there are few texts for its width."""

Scores = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reference:
    """What is kept of the training texts, each different one once.

    Attributes:
        features: of n texts.
        found: int64 [n], the class each is given by a classifier that has not seen it; -1 is undefined.
        words: int64 [n], how long each is.
    """

    features: Features
    found: NDArray[np.int64]
    words: NDArray[np.int64]

    def __len__(self) -> int:
        """Texts."""
        return len(self.features)

    def score(self, features: Features, found: NDArray[np.int64]) -> Scores:
        """Novelty of m texts that came together, float64 [m], 0..1: the share of known texts that are less new.

        So of texts like the training texts a share r has a novelty above 1 - r. Any order gives the same; texts that
        are scored together bear on each other.

        Args:
            features: of the new texts, none of them blank.
            found: int64 [m], the class each was given; -1 is undefined.
        """
        known, n, m = self._thinned(), min(len(self), MOST), len(features)
        if not m:
            return np.zeros(0)
        if n < 2:
            return np.zeros(m)  # nothing is known of what is usual
        weights = shift_weights(known.found, found)
        share, distance, copy = _surroundings(
            *_sharpened(known.features, features, known.found, found), weights
        )
        own, new = slice(0, n), slice(n, n + m)
        prevailing = _rank(share[own] + 1e-3 * distance[own], share + 1e-3 * distance, weights)
        far = _rank(distance[own], distance, weights)
        unusual = np.maximum(prevailing, 1 - _SHARE_OF_FAR * (1 - far))
        novelty = _rank(unusual[own], unusual[new], weights)
        return np.where(copy[new], 0.0, novelty)

    def _thinned(self) -> "Reference":
        if len(self) <= MOST:
            return self
        rows = np.linspace(0, len(self) - 1, MOST).round().astype(np.int64)
        return Reference(self.features.take(rows), self.found[rows], self.words[rows])


def shift_weights(then: NDArray[np.int64], now: NDArray[np.int64]) -> Scores:
    """How much more frequent the class of each training text is among new texts, float64 [n].

    Args:
        then: int64 [n], classes of the training texts, -1 is undefined.
        now: int64 [m], classes of the new ones.
    """
    size = int(max(then.max(initial=-1), now.max(initial=-1))) + 2
    before, after = (np.bincount(found + 1, minlength=size) for found in (then, now))
    # One text more of each: a class that a few new texts have by chance says nothing yet.
    ratio = (after + 1) / (before * len(now) / len(then) + 1)
    return np.asarray(np.clip(ratio, 1 / _LARGEST_SHIFT, _LARGEST_SHIFT)[then + 1])


def _sharpened(
    known: Features, new: Features, then: NDArray[np.int64], now: NDArray[np.int64]
) -> tuple[Features, Features]:
    """The dense blocks whitened by the covariance within the classes: what tells texts of a class apart counts less,
    what tells classes apart more (Fisher's discriminant). Measured: docs/decisions.md.

    New texts take part in it as known ones do: else the known ones would lie nearer to their class for having made it.
    """
    if known.dense is None or new.dense is None:
        return known, new
    rows = np.concatenate([known.dense, new.dense]).astype(np.float64)
    _, place = np.unique(np.concatenate([then, now]), return_inverse=True)
    sums = np.zeros((place.max() + 1, rows.shape[1]))
    np.add.at(sums, place, rows)
    inside = rows - (sums / np.bincount(place)[:, None])[place]
    count, width = rows.shape
    covariance = inside.T @ inside / count
    shrunk = max(_LEAST_SHRUNK, width / (width + count))
    mean = max(float(np.trace(covariance)) / width, 1e-9)
    covariance *= 1 - shrunk
    covariance[np.diag_indices(width)] += shrunk * mean
    values, directions = np.linalg.eigh(covariance)
    turned = _unit((rows - rows.mean(axis=0)) @ (directions / np.sqrt(values)))
    cut = len(known)
    return Features(turned[:cut], known.sparse), Features(turned[cut:], new.sparse)


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _neighbours(known: int, new: int) -> int:
    """How many neighbours judge a text: with more new texts than known ones more, so that known ones are among them."""
    few = min(int(np.clip(round(np.sqrt(known) / 5), *NEIGHBOURS)), max(1, known // 3))
    return min(round(few * max(1.0, (known + new) / (2 * known))), known + new - 1)


def _surroundings(
    known: Features, new: Features, weights: Scores
) -> tuple[Scores, Scores, NDArray[np.bool_]]:
    """For all n + m texts, the known first: share of new ones around it, distance from the known ones, and whether it
    is a copy of one. A known text is not its own neighbour.
    """
    n, m = len(known), len(new)
    k = _neighbours(n, m)
    near = min(_NEAREST, n - 1)
    inside, outside = min(max(k, near), n), min(k, m)
    pool = Features.concatenate([known, new])
    # Each side weighs the same, however many texts it has.
    weight, new_weight = weights / weights.sum(), 1 / m
    share, distance, copy = np.zeros(n + m), np.zeros(n + m), np.zeros(n + m, dtype=bool)
    for start in range(0, n + m, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, n + m))
        similarity = similarities(pool.take(rows), pool)
        similarity[np.arange(len(rows)), rows] = -np.inf
        # The nearest of each side, ascending, and then the nearest of both.
        of_known = np.argpartition(similarity[:, :n], n - inside, axis=1)[:, n - inside :]
        near_known = np.take_along_axis(similarity, of_known, axis=1)
        near_new = np.partition(similarity[:, n:], m - outside, axis=1)[:, m - outside :]
        both = np.concatenate([near_known, near_new], axis=1)
        heavy = np.concatenate([weight[of_known], np.full(near_new.shape, new_weight)], axis=1)
        nearest = np.argpartition(both, both.shape[1] - k, axis=1)[:, both.shape[1] - k :]
        counted = np.take_along_axis(heavy, nearest, axis=1)
        share[rows] = (counted * (nearest >= inside)).sum(axis=1) / counted.sum(axis=1)
        best = np.sort(near_known, axis=1)[:, inside - near :]
        distance[rows] = 1 - best.mean(axis=1)
        copy[rows] = best[:, -1] > _COPY
    return share, distance, copy


def similarities(rows: Features, columns: Features) -> NDArray[np.float32]:
    """Cosines float32 [r, c], the mean over the blocks where there are two."""
    found = []
    if rows.dense is not None and columns.dense is not None:
        found.append(rows.dense @ columns.dense.T)
    if rows.sparse is not None and columns.sparse is not None:
        found.append((rows.sparse @ columns.sparse.T).toarray())
    return np.asarray(sum(found) / len(found), dtype=np.float32)


def _rank(usual: Scores, values: Scores, weights: Scores) -> Scores:
    """For each value the share, by weight, of usual ones below it: at most 1 - 1 / (n + 1)."""
    order = np.argsort(usual, kind="stable")
    below = np.concatenate([[0.0], np.cumsum(weights[order])])
    return np.asarray(below[np.searchsorted(usual[order], values)] / (below[-1] + weights.mean()))
