"""The novelty gate: a text that is unlike every training text gets no category."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .features import Vectors
from .index import EmbeddingIndex


@dataclass(frozen=True, slots=True)
class Gate:
    """When a text is too far from everything known to be given a category.

    Attributes:
        threshold: least cosine with the nearest training text.
        rate: share of the training texts with a category that would fall below it, each against the others.
    """

    threshold: float = -1.0
    rate: float = 0.0

    @classmethod
    def fit(cls, index: EmbeddingIndex, rate: float = 0.03) -> "Gate":
        """Fix the threshold by leave-one-out, so that `rate` of the indexed texts would be called undefined.

        With fewer than two texts nothing can be said, and the gate stays open.
        """
        if len(index) < 2:
            return cls()
        similarities, _ = index.search(index.vectors, 2)
        # A text is its own nearest neighbour, so the second one is the nearest other (or the text itself,
        # after a duplicate as similar). The margin is for rounding: where all are alike, none must fall
        # below.
        return cls(float(np.quantile(similarities[:, 1], rate)) - 1e-4, rate)

    def nearest(self, index: EmbeddingIndex, vectors: Vectors) -> NDArray[np.float64]:
        """Cosine of each row with the nearest indexed text, float64 [n]; -1 where none is indexed."""
        if not len(index):
            return np.full(len(vectors), -1.0)
        return index.search(vectors, 1)[0][:, 0].astype(np.float64)

    def confidence(self, similarity: NDArray[np.float64]) -> NDArray[np.float64]:
        """How sure it is, 0..1, that texts of these similarities belong to no category.

        At the threshold a share `rate` of texts with a category lies as far out, at similarity 0 none.
        """
        share = np.clip(similarity / max(self.threshold, 1e-6), 0.0, 1.0)
        return np.asarray(1.0 - self.rate * share, dtype=np.float64)


OPEN = Gate()
"""Lets every text pass."""
