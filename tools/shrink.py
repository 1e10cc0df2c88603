"""Merges that bring a taxonomy down to a size: the nearest categories become one, again and again."""

from collections.abc import Mapping

import numpy as np

from ..classifiers.encoders import Vectors
from ..taxonomy.edits import Merge
from ..taxonomy.values import Taxonomy
from .evidence import unit


def merges_down_to(
    taxonomy: Taxonomy, limit: int, prototypes: Vectors, sizes: Mapping[str, int]
) -> list[Merge]:
    """One merge for each category that the smaller taxonomy will have from several; the largest gives its name.

    Args:
        taxonomy: what is too large.
        limit: how many categories there may be, at least 1.
        prototypes: float32 [k, d], unit rows: where each category lies, in the taxonomy's order.
        sizes: documents by category id.
    """
    clusters = [[row] for row in range(len(taxonomy))]
    weights = np.array([max(1, sizes.get(category.id, 0)) for category in taxonomy], dtype=np.float64)
    while len(clusters) > max(limit, 1):
        centres = unit(
            np.array(
                [np.average(prototypes[rows], axis=0, weights=weights[rows]) for rows in clusters], np.float32
            )
        )
        similarity = (centres @ centres.T).round(5)
        np.fill_diagonal(similarity, -2)
        first, second = sorted(divmod(int(similarity.argmax()), len(clusters)))
        clusters[first] = sorted([*clusters[first], *clusters.pop(second)])
    ids = taxonomy.ids
    return [
        Merge(ids=tuple(ids[row] for row in sorted(rows, key=lambda row: (-weights[row], row))))
        for rows in clusters
        if len(rows) > 1
    ]
