"""What the documents say about a taxonomy: where they fall, what fits nothing, which categories collide.

Vectors only, no documents and no LLM: everything here is pure and deterministic.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..classifiers.encoders import Vectors

EXEMPLAR_WEIGHT = 0.75
"""How much of a category's prototype its exemplars make; its name and description make the rest."""

FUSE = 0.95
"""Two groups are one when their members are on average this near to each other's, as a share of how near they are
to their own in the looser group."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where n documents fall among k categories.

    Attributes:
        similarities: float32 [n, k], cosine of each document with each category's prototype.
        threshold: what a document's best similarity must reach to fit.
    """

    similarities: Vectors
    threshold: float

    @property
    def nearest(self) -> Rows:
        """int64 [n]: the nearest category of each document."""
        return self.similarities.argmax(axis=1) if self.similarities.shape[1] else self._nothing

    @property
    def best(self) -> Vectors:
        """float32 [n]: similarity to the nearest category; -1 where there is none."""
        width = self.similarities.shape[1]
        return self.similarities.max(axis=1) if width else np.full(len(self.similarities), -1, np.float32)

    @property
    def fits(self) -> NDArray[np.bool_]:
        """bool [n]: whether a document fits its nearest category."""
        return self.best >= self.threshold

    @property
    def residual(self) -> float:
        """Share 0..1 of documents that fit no category."""
        return float(1 - self.fits.mean()) if len(self.similarities) else 0.0

    @property
    def _nothing(self) -> Rows:
        return np.full(len(self.similarities), -1, dtype=np.int64)


def unit(vectors: Vectors) -> Vectors:
    """Rows scaled to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def prototypes(described: Vectors, exemplars: Sequence[Vectors]) -> Vectors:
    """One unit vector a category: its exemplars' mean, drawn a little towards its name and description.

    Args:
        described: float32 [k, d], the embedded "name: description".
        exemplars: for each category float32 [m, d]; m may be 0.
    """
    rows = [
        EXEMPLAR_WEIGHT * unit(examples.mean(axis=0)) + (1 - EXEMPLAR_WEIGHT) * words
        if len(examples)
        else words
        for words, examples in zip(described, exemplars, strict=True)
    ]
    return unit(np.array(rows, dtype=np.float32).reshape(described.shape))


def fit_threshold(similarities: Vectors, quantile: float) -> float:
    """How similar documents are to categories that are not theirs: that quantile of it.

    Args:
        similarities: float32 [n, k], of documents that were not used to make the categories.
        quantile: 0..1.
    """
    if similarities.shape[1] < 2 or not len(similarities):
        return 0.0
    foreign = np.sort(similarities, axis=1)[:, :-1]
    return float(np.quantile(foreign, quantile))


def group(
    vectors: Vectors, *, most: int, least: int, looseness: float, reference: float | None = None, seed: int
) -> list[Rows]:
    """Groups of documents that lie close together; what belongs to no tight group is left out.

    k-means for each k up to `most`; of those whose mean silhouette is within a tenth of the best, the largest
    k, since pieces can be put together again and what is lumped together stays so. Groups whose members are as near
    to each other as to their own are put together (average linkage). A group that is loose is divided once more.

    Args:
        vectors: float32 [n, d], unit rows.
        most: how many groups there may be.
        least: documents that make a group.
        looseness: a group is loose when its `cohesion` is below this share of `reference`.
        reference: cohesion of a good group; None for the median of the groups found.
        seed: of k-means.

    Returns:
        row numbers of each group, the member nearest to the centre first; large groups first.
    """
    found = _fused(vectors, _divide(vectors, most=most, least=least, seed=seed))
    if not found:
        return []
    values = [cohesion(vectors[rows]) for rows in found]
    usual = [value for value, rows in zip(values, found, strict=True) if len(rows) >= least]
    bar = looseness * (float(np.median(usual or values)) if reference is None else reference)
    groups: list[Rows] = []
    for rows, value in zip(found, values, strict=True):
        if value >= bar:
            groups.append(rows)
        elif len(rows) >= 2 * least and len(found) > 1:
            parts = _divide(vectors[rows], most=len(rows) // least, least=least, seed=seed)
            groups += [rows[part] for part in parts if cohesion(vectors[rows[part]]) >= bar]
    groups = [rows for rows in groups if len(rows) >= least]
    groups.sort(key=lambda rows: (-len(rows), int(rows.min())))
    return [_from_the_middle(vectors, rows) for rows in groups[:most]]


def cohesion(vectors: Vectors) -> float:
    """Mean cosine between two different rows: how tight a group is, whatever its size; 1 for a single row."""
    n = len(vectors)
    if n < 2:
        return 1.0
    length = float(np.linalg.norm(vectors.sum(axis=0, dtype=np.float64)))
    return (length**2 - n) / (n * (n - 1))


def kinship(vectors: Vectors, first: Rows, second: Rows) -> float:
    """How near two groups' members are to each other's, as a share of how near they are to their own in the looser one.

    Args:
        vectors: float32 [n, d], unit rows.
        first, second: row numbers of each, at least one.
    """
    across = float(vectors[first].mean(axis=0) @ vectors[second].mean(axis=0))
    return across / max(min(cohesion(vectors[first]), cohesion(vectors[second])), 1e-6)


def middle(vectors: Vectors, rows: Rows, count: int) -> Rows:
    """The `count` rows nearest to the centre of `rows`, leaving out near-copies of one already taken."""
    ordered = _from_the_middle(vectors, rows)
    taken: list[int] = []
    for row in ordered:
        if all(float(vectors[row] @ vectors[other]) < 0.95 for other in taken):
            taken.append(int(row))
        if len(taken) == count:
            break
    return np.array(taken, dtype=np.int64)


def twins(described: Vectors, limit: float) -> list[tuple[int, int]]:
    """Pairs of categories whose "name: description" are as good as the same, the most similar first."""
    return [pair for pair, value in _pairs(described @ described.T) if value > limit]


def rivals(placement: Placement, *, margin: float, share: float) -> list[tuple[int, int]]:
    """Pairs of categories that claim the same documents, the most contested first.

    Args:
        placement: of a minibatch.
        margin: a document is contested when its two best similarities differ by less.
        share: of the smaller category's documents that must be contested between the two.
    """
    similarities = placement.similarities
    k = similarities.shape[1]
    if k < 2:
        return []
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :2]
    best = np.take_along_axis(similarities, order, axis=1)
    contested = (best[:, 0] - best[:, 1] < margin) & placement.fits
    counts = np.zeros((k, k))
    for first, second in order[contested]:
        counts[first, second] += 1
        counts[second, first] += 1
    sizes = np.bincount(order[:, 0], minlength=k)
    smaller = np.maximum(np.minimum.outer(sizes, sizes), 1)
    return [pair for pair, value in _pairs(counts / smaller) if value >= share and counts[pair] >= 2]


def _divide(vectors: Vectors, *, most: int, least: int, seed: int) -> list[Rows]:
    """Row numbers of the clusters of the best k-means, small ones included."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    n = len(vectors)
    if n < least:
        return []
    distinct = len(np.unique(vectors.round(4), axis=0))
    highest = min(most, n // max(least, 2), distinct - 1)
    outcomes: list[tuple[int, float, NDArray[np.int32]]] = []
    for k in range(2, highest + 1):
        labels = KMeans(k, n_init=5, random_state=seed).fit_predict(vectors)
        outcomes.append((k, float(silhouette_score(vectors, labels, metric="cosine")), labels))
    if not outcomes:
        return [np.arange(n)]
    best = max(score for _, score, _ in outcomes)
    labels = max((k, index) for index, (k, score, _) in enumerate(outcomes) if score >= best - abs(best) / 10)
    chosen = outcomes[labels[1]][2]
    return [np.flatnonzero(chosen == cluster) for cluster in range(int(chosen.max()) + 1)]


def _fused(vectors: Vectors, groups: list[Rows]) -> list[Rows]:
    """Put together the two groups that are most alike, again and again, until none are as good as one."""
    groups = list(groups)
    while len(groups) > 2:
        centres = np.array([vectors[rows].mean(axis=0) for rows in groups])
        across = centres @ centres.T
        within = np.array([cohesion(vectors[rows]) for rows in groups])
        ratio = across / np.maximum(np.minimum.outer(within, within), 1e-6)
        (first, second), value = _pairs(ratio)[0]
        if value < FUSE:
            break
        groups[first] = np.sort(np.concatenate([groups[first], groups.pop(second)]))
    return groups


def _from_the_middle(vectors: Vectors, rows: Rows) -> Rows:
    centre = unit(vectors[rows].mean(axis=0))
    return rows[np.argsort(-(vectors[rows] @ centre).round(5), kind="stable")]


def _pairs(matrix: NDArray[np.floating]) -> list[tuple[tuple[int, int], float]]:
    """((i, j), value) for i < j, the greatest value first."""
    k = len(matrix)
    pairs = [((i, j), float(matrix[i, j])) for i in range(k) for j in range(i + 1, k)]
    return sorted(pairs, key=lambda item: (-round(item[1], 5), item[0]))
