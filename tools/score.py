"""How good a taxonomy is for documents that were held out: the figure that picks the best version."""

from dataclasses import dataclass

import numpy as np

from ..classifiers.encoders import Vectors
from .evidence import Placement

REDUNDANT_FROM = 0.6
"""Cosine of two descriptions from which they begin to say the same."""
LEAST_COVERAGE = 0.7
"""Below this share of fitting documents a version is marked down by what is missing."""


@dataclass(frozen=True, slots=True)
class Score:
    """A version's score on held-out documents.

    Attributes:
        silhouette: mean simplified silhouette, -1..1: own category against the nearest other.
        redundancy: 0..1, how much the categories' descriptions repeat each other.
        coverage: share 0..1 of the documents that fit a category.
    """

    silhouette: float
    redundancy: float
    coverage: float

    @property
    def value(self) -> float:
        """Silhouette minus redundancy, minus what coverage lacks."""
        return self.silhouette - self.redundancy - max(0.0, LEAST_COVERAGE - self.coverage)


def score(placement: Placement, described: Vectors) -> Score:
    """Score a taxonomy.

    Args:
        placement: of held-out documents among its categories.
        described: float32 [k, d], the embedded "name: description" of the categories.
    """
    similarities = placement.similarities
    n, k = similarities.shape
    if k == 0 or n == 0:
        return Score(silhouette=-1.0, redundancy=0.0, coverage=0.0)
    coverage = 1 - placement.residual
    if k == 1:
        return Score(silhouette=0.0, redundancy=0.0, coverage=coverage)
    ordered = np.sort(similarities, axis=1)
    own, other = 1 - ordered[:, -1], 1 - ordered[:, -2]
    silhouette = float(np.mean((other - own) / np.maximum(np.maximum(own, other), 1e-6)))
    cosines = described @ described.T - 2 * np.eye(k, dtype=np.float32)
    over = np.clip((cosines.max(axis=1) - REDUNDANT_FROM) / (1 - REDUNDANT_FROM), 0, 1)
    return Score(silhouette=silhouette, redundancy=float(over.mean()), coverage=coverage)
