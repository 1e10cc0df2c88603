"""Two runs on one corpus: do they find the same?"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.distance import match
from ...taxonomy.values import Taxonomy
from ..compare import match_by_documents
from . import partition
from .bootstrap import Bootstrap, Profiles, Weights, figures, tables
from .evaluation import Section


def stability_section(
    name: str,
    labels: Mapping[int, str | None],
    others: Mapping[int, str | None],
    taxonomy: Taxonomy,
    other_taxonomy: Taxonomy,
    how: Bootstrap,
) -> Section:
    """Agreement of two runs' labels on the documents that both labelled; `undefined` is a group like the others.

    Args:
        name: of the other run.
        labels, others: category id by number of the document; None is undefined.
        taxonomy, other_taxonomy: the categories.
        how: intervals are made.
    """
    shared = sorted(labels.keys() & others.keys())
    one, other = _codes(taxonomy), _codes(other_taxonomy)
    profiles = Profiles.of(
        np.array([one[labels[number]] for number in shared], dtype=np.int64),
        np.array([other[others[number]] for number in shared], dtype=np.int64),
    )
    shape = (len(one), len(other))

    def statistic(weights: Weights) -> dict[str, NDArray[np.float64]]:
        found = tables(weights, profiles.column(0), profiles.column(1), shape)
        return {"ari": partition.adjusted_rand(found), "ami": partition.adjusted_mutual_information(found)}

    leaves, other_leaves = _flat(taxonomy), _flat(other_taxonomy)
    by_documents = match_by_documents(labels, others, leaves, other_leaves)
    return Section(
        key="stability",
        title=f"Against the run {name}",
        figures=figures(profiles, statistic, how, signed=partition.SIGNED),
        facts={
            "documents": profiles.n,
            "categories": len(leaves),
            "other_categories": len(other_leaves),
            "same_names": len(match(leaves, other_leaves)),
            "matched_by_documents": len(by_documents.pairs),
        },
    )


def _codes(taxonomy: Taxonomy) -> dict[str | None, int]:
    return {id_: place for place, id_ in enumerate([*(leaf.id for leaf in taxonomy.leaves), None])}


def _flat(taxonomy: Taxonomy) -> Taxonomy:
    return Taxonomy(categories=tuple(leaf.model_copy(update={"parent": None}) for leaf in taxonomy.leaves))
