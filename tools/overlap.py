"""Which two categories are hardest to tell apart, and which documents lie between them. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ..classifiers.encoders import Vectors
from .evidence import Placement

MARGIN = 0.05
"""A document is between its two nearest categories when their similarities differ by less."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two categories that claim the same documents.

    Attributes:
        pair: their positions, ascending.
        rows: documents between them, the most even first.
        texts: documents that are nearest to one of them.
        cosine: of their prototypes.
    """

    pair: tuple[int, int]
    rows: tuple[int, ...]
    texts: int
    cosine: float


def find_overlap(
    placement: Placement, prototypes: Vectors, *, of: Collection[int] | None = None
) -> Overlap | None:
    """The two categories that claim the most of each other's documents; where none do, the two nearest prototypes.

    Args:
        placement: of n documents among k categories.
        prototypes: float32 [k, d], unit rows.
        of: positions one of which must be in the pair, and one not; None for any two.

    Returns:
        None where there is no such pair.
    """
    k = len(prototypes)
    pairs = [
        (first, second)
        for first in range(k)
        for second in range(first + 1, k)
        if of is None or (first in of) != (second in of)
    ]
    if not pairs:
        return None
    cosines = prototypes @ prototypes.T
    sizes = np.bincount(placement.nearest, minlength=k)
    between = _between(placement)

    def claim(pair: tuple[int, int]) -> tuple[float, float, tuple[int, int]]:
        both = max(int(sizes[pair[0]] + sizes[pair[1]]), 1)
        rows = between.get(pair, [])
        # One document alone tells nothing: then the prototypes decide.
        shared = len(rows) / both if len(rows) > 1 else 0.0
        return -round(shared, 4), -round(float(cosines[pair]), 4), pair

    best = min(pairs, key=claim)
    return Overlap(
        pair=best,
        rows=tuple(between.get(best, [])),
        texts=int(sizes[best[0]] + sizes[best[1]]),
        cosine=float(cosines[best]),
    )


def _between(placement: Placement) -> dict[tuple[int, int], list[int]]:
    """Rows that fit, by their two nearest categories where these are about equally near; the most even first."""
    similarities = placement.similarities
    order = np.argsort(-similarities, axis=1, kind="stable")[:, :2]
    best = np.take_along_axis(similarities, order, axis=1)
    gaps = best[:, 0] - best[:, 1]
    rows = np.flatnonzero((gaps < MARGIN) & placement.fits)
    found: dict[tuple[int, int], list[int]] = {}
    for row in rows[np.argsort(gaps[rows].round(5), kind="stable")].tolist():
        first, second = sorted(order[row].tolist())
        found.setdefault((first, second), []).append(row)
    return found
