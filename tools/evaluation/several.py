"""All labels that apply, against gold with several classes a document."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Bootstrap, Profiles, Weights, figures
from .evaluation import Section
from .figure import Figure
from .gold import Gold
from .labelers import LEAST, split
from .outcome import Answers, Outcome
from .ratio import ratio

Applies = NDArray[np.bool_]


def measure(weights: Weights, right: Applies, given: Applies) -> dict[str, NDArray[np.float64]]:
    """Precision, recall and F1 over all labels (micro) and as the mean over gold labels (macro); sets compared.

    A label that nothing bears in a resample counts for no mean. Two empty sets are equal.

    Args:
        weights: [b, u], documents of each profile.
        right, given: bool [u, l], labels of each profile.
    """
    hits = (right & given).astype(np.float64)
    true, said = weights @ right, weights @ given
    found = weights @ hits
    total_true, total_said, total_found = true.sum(axis=1), said.sum(axis=1), found.sum(axis=1)
    n = weights.sum(axis=1)
    either = (right | given).sum(axis=1)
    jaccard = np.where(either > 0, hits.sum(axis=1) / np.maximum(either, 1), 1.0)
    there = true > 0

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return ratio((values * there).sum(axis=1), there.sum(axis=1))

    return {
        "micro_precision": ratio(total_found, total_said, 0.0),
        "micro_recall": ratio(total_found, total_true, 0.0),
        "micro_f1": ratio(2 * total_found, total_true + total_said, 0.0),
        "macro_precision": mean(ratio(found, said, 0.0)),
        "macro_recall": mean(ratio(found, true, 0.0)),
        "macro_f1": mean(ratio(2 * found, true + said, 0.0)),
        "subset_accuracy": ratio(weights @ (right == given).all(axis=1), n),
        "jaccard": ratio(weights @ jaccard, n),
    }


def best_mapping(applies: Applies, right: Applies) -> NDArray[np.int64]:
    """The gold label whose documents each category holds best, by F1; -1 where it holds none of any.

    Args:
        applies: bool [n, k], categories of the documents to map by.
        right: bool [n, l], their gold labels.
    """
    both = applies.T.astype(np.float64) @ right
    size = applies.sum(axis=0)[:, None] + right.sum(axis=0)[None, :]
    f1 = ratio(2 * both, size.astype(np.float64), 0.0)
    return np.where(f1.max(axis=1, initial=0) > 0, f1.argmax(axis=1) if right.shape[1] else 0, -1)


def several_section(outcome: Outcome, gold: Gold, how: Bootstrap) -> list[Section]:
    """LLM and classifier against gold with several labels; each category means the gold label that it fits best.

    The LLM is scored on representative documents that it was not mapped by, the classifier on documents that it did
    not learn from; so the two are not scored on the same ones. Catch-all classes are no labels: a document
    of nothing else has the empty set, which `undefined` gives.
    """
    sets = gold.sets
    if sets is None:
        return []
    known = np.array([one is not None for one in sets])
    teacher = np.flatnonzero(known & outcome.teacher.known)
    student = np.flatnonzero(known & outcome.student.known & ~outcome.learned)
    if len(teacher) < LEAST:
        return []
    names = sorted({name for one in sets for name in one or ()} - set(gold.catch_all))
    right = _indicators([one or frozenset() for one in sets], names)
    # Documents of one set lie in both halves.
    combinations = np.unique(right[teacher], axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)
    is_validation = split(combinations, outcome.representative[teacher], how.seed)
    mapped_by = teacher[is_validation]
    mapping = best_mapping(_places(outcome.teacher, mapped_by, len(outcome.leaves)), right[mapped_by])
    found: dict[str, Figure] = {}
    for name, answers, rows in (
        ("teacher", outcome.teacher, teacher[~is_validation]),
        ("student", outcome.student, student),
    ):
        if len(rows):
            given = _mapped(_places(answers, rows, len(outcome.leaves)), mapping, len(names))
            found |= _measured(name, right[rows], given, how)
    return [
        Section(
            key="all_labels",
            title="All labels that apply, against gold",
            figures=found,
            facts={
                "mapped_by": len(mapped_by),
                "categories": len(outcome.leaves),
                "gold_classes": len(names),
            },
        )
    ]


def _measured(name: str, right: Applies, given: Applies, how: Bootstrap) -> dict[str, Figure]:
    numbered = [np.unique(side, axis=0, return_inverse=True) for side in (right, given)]
    profiles = Profiles.of(*(inverse.reshape(-1).astype(np.int64) for _, inverse in numbered))
    true, said = (patterns[profiles.column(place)] for place, (patterns, _) in enumerate(numbered))

    def statistic(weights: Weights) -> dict[str, NDArray[np.float64]]:
        return {f"{name}_{what}": values for what, values in measure(weights, true, said).items()}

    return figures(profiles, statistic, how)


def _indicators(sets: Sequence[frozenset[str]], names: Sequence[str]) -> Applies:
    return np.array([[name in one for name in names] for one in sets], dtype=bool).reshape(
        len(sets), len(names)
    )


def _places(answers: Answers, rows: NDArray[np.int64], count: int) -> Applies:
    found = np.zeros((len(rows), count), dtype=bool)
    for place, row in enumerate(rows.tolist()):
        found[place, list(answers.applies[row])] = True
    return found


def _mapped(applies: Applies, mapping: NDArray[np.int64], labels: int) -> Applies:
    found = np.zeros((len(applies), labels), dtype=bool)
    for category, label in enumerate(mapping.tolist()):
        if label >= 0:
            found[:, label] |= applies[:, category]
    return found
