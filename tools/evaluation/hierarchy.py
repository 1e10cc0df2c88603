"""Two levels against gold with two: how much of the way down is right."""

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Bootstrap, Profiles, Weights, figures
from .evaluation import Section
from .gold import Classes
from .labelers import LEAST, majority_mapping, split
from .outcome import Outcome
from .ratio import ratio


def measure(
    weights: Weights, right: NDArray[np.int64], given: NDArray[np.int64], shared: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Hierarchical precision, recall and F1: classes and those above them counted together.

    S. Kiritchenko et al., "Functional annotation of genes using hierarchical text categorization", 2005.

    Args:
        weights: [b, u].
        right, given, shared: int64 [u], how many classes are on the gold path, on the given one, and on both.
    """
    both, true, said = weights @ shared, weights @ right, weights @ given
    return {
        "h_precision": ratio(both, said, 0.0),
        "h_recall": ratio(both, true, 0.0),
        "h_f1": ratio(2 * both, true + said, 0.0),
    }


def hierarchy_section(outcome: Outcome, leaves: Classes, parents: Classes, how: Bootstrap) -> list[Section]:
    """The run's labels on both levels, categories mapped to gold classes on the half that is not scored.

    Of a run with one level, the level above is what gold puts above the class that the category means. A catch-all
    class is no part of a path; neither is `undefined`.
    """
    labels = outcome.labels
    rows = np.flatnonzero(labels.known & leaves.known & parents.known)
    if len(rows) < LEAST:
        return []
    is_validation = split(leaves.codes[rows], np.ones(len(rows), dtype=bool), how.seed)
    by, scored = rows[is_validation], rows[~is_validation]
    g, p = len(leaves.names), len(parents.names)
    down = majority_mapping(labels.primary[by], leaves.codes[by], len(outcome.leaves), g)[
        labels.primary[scored]
    ]
    if outcome.has_two_levels:
        tops = outcome.upwards()[labels.primary]
        up = majority_mapping(tops[by], parents.codes[by], len(outcome.tops), p)[tops[scored]]
    else:
        above = majority_mapping(
            np.where(leaves.codes[by] < g, leaves.codes[by], -1), parents.codes[by], g, p
        )
        # Of the catch-all and of a category that means nothing: nothing.
        up = np.concatenate([above[:-1], [p, p + 1]])[down]
    gold_down, gold_up = leaves.codes[scored], parents.codes[scored]
    profiles = Profiles.of(
        (gold_down < g).astype(np.int64) + (gold_up < p),
        (down < g).astype(np.int64) + (up < p),
        ((gold_down == down) & (down < g)).astype(np.int64) + ((gold_up == up) & (up < p)),
    )
    return [
        Section(
            key="hierarchy",
            title="Both levels against gold",
            figures=figures(
                profiles,
                lambda weights: measure(weights, profiles.column(0), profiles.column(1), profiles.column(2)),
                how,
            ),
            facts={"documents": profiles.n, "mapped_by": len(by), "gold_classes": g, "gold_parents": p},
        )
    ]
