"""All labels that apply, against gold with several classes a document."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Bootstrap, Profiles, Weights, figures
from .evaluation import Section
from .gold import Gold
from .labelers import LEAST, split
from .outcome import Answers, Outcome

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
    return {
        "micro_precision": _ratio(total_found, total_said),
        "micro_recall": _ratio(total_found, total_true),
        "micro_f1": _ratio(2 * total_found, total_true + total_said),
        "macro_precision": _mean(_ratio(found, said), there),
        "macro_recall": _mean(_ratio(found, true), there),
        "macro_f1": _mean(_ratio(2 * found, true + said), there),
        "subset_accuracy": _ratio(weights @ (right == given).all(axis=1), n),
        "jaccard": _ratio(weights @ jaccard, n),
    }


def best_mapping(applies: Applies, right: Applies) -> NDArray[np.int64]:
    """The gold label whose documents each category holds best, by F1; -1 where it holds none of any.

    Args:
        applies: bool [n, k], categories of the documents to map by.
        right: bool [n, l], their gold labels.
    """
    both = applies.T.astype(np.float64) @ right
    size = applies.sum(axis=0)[:, None] + right.sum(axis=0)[None, :]
    f1 = _ratio(2 * both, size.astype(np.float64))
    return np.where(f1.max(axis=1, initial=0) > 0, f1.argmax(axis=1) if right.shape[1] else 0, -1)


def several_section(outcome: Outcome, gold: Gold, catch_all: Iterable[str], how: Bootstrap) -> list[Section]:
    """Teacher and student against gold with several labels, mapped by the teacher on the half that is not scored.

    Without labels of both on enough documents, the run's labels as they are. Catch-all classes are no labels: a
    document of nothing else has the empty set, which `undefined` gives.
    """
    sets = gold.sets
    if sets is None:
        return []
    systems = {"teacher": outcome.teacher, "student": outcome.student}
    known = np.array([one is not None for one in sets])
    if (known & outcome.teacher.known & outcome.student.known).sum() < LEAST:
        systems = {"labels": outcome.labels}
    for answers in systems.values():
        known &= answers.known
    rows = np.flatnonzero(known)
    if len(rows) < LEAST:
        return []
    names = sorted({name for row in rows for name in sets[row] or ()} - set(catch_all))
    right = _indicators([sets[row] or frozenset() for row in rows], names)
    # Documents of one set lie in both halves.
    combinations = np.unique(right, axis=0, return_inverse=True)[1].reshape(-1)
    is_validation = split(combinations.astype(np.int64), how.seed)
    applies = [_places(answers, rows, len(outcome.leaves)) for answers in systems.values()]
    mapping = best_mapping(applies[0][is_validation], right[is_validation])
    scored = ~is_validation
    sides = [right[scored], *(_mapped(given[scored], mapping, len(names)) for given in applies)]
    profiles, patterns = _profiles(sides)

    def statistic(weights: Weights) -> dict[str, NDArray[np.float64]]:
        found = {}
        for name, given in zip(systems, patterns[1:], strict=True):
            prefix = "" if name == "labels" else f"{name}_"
            values = measure(weights, patterns[0], given)
            found |= {f"{prefix}{what}": value for what, value in values.items()}
        return found

    return [
        Section(
            key="all_labels",
            title="All labels that apply, against gold",
            figures=figures(profiles, statistic, how),
            facts={
                "documents": profiles.n,
                "mapped_by": int(is_validation.sum()),
                "categories": len(outcome.leaves),
                "gold_classes": len(names),
            },
        )
    ]


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


def _profiles(sides: Sequence[Applies]) -> tuple[Profiles, list[Applies]]:
    """Documents told apart by all sides, and what each side says of each profile."""
    numbered = [np.unique(side, axis=0, return_inverse=True) for side in sides]
    profiles = Profiles.of(*(inverse.reshape(-1).astype(np.int64) for _, inverse in numbered))
    return profiles, [patterns[profiles.column(place)] for place, (patterns, _) in enumerate(numbered)]


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(above, below, out=np.zeros_like(below, dtype=np.float64), where=below > 0)


def _mean(values: NDArray[np.float64], there: NDArray[np.bool_]) -> NDArray[np.float64]:
    count = there.sum(axis=1)
    return np.divide((values * there).sum(axis=1), count, out=np.full(len(values), np.nan), where=count > 0)
