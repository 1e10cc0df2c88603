"""Teacher and student: against each other, and both against gold after their categories are mapped to its classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...classifiers.folds import deal_folds
from . import classes as by_class
from . import trust
from .against_gold import UNDEFINED_NAME
from .bootstrap import Bootstrap, Profiles, Weights, figures, tables
from .evaluation import Confusion, Section
from .gold import Classes
from .outcome import Answers, Outcome

_SIGNED = ("teacher_kappa", "student_kappa", "accuracy_difference", "macro_f1_difference")
LEAST = 10
"""Documents, to map by and to score on together, with fewer than which nothing is said."""


def majority_mapping(
    places: NDArray[np.int64], codes: NDArray[np.int64], categories: int, classes: int
) -> NDArray[np.int64]:
    """The gold class that is most frequent in each category: many to one.

    Args:
        places: int64 [n], categories of the documents to map by; -1 is undefined.
        codes: int64 [n], their gold classes; `classes` stands for a catch-all.
        categories: how many there are.
        classes: gold classes that are no catch-all.

    Returns:
        int64 [categories + 1]: place of the class; `classes` + 1 for a category without any of these documents. The
        last is `undefined`, which always means the catch-all; no category does.
    """
    counts = np.zeros((categories, classes), dtype=np.int64)
    inside = (places >= 0) & (codes >= 0) & (codes < classes)
    np.add.at(counts, (places[inside], codes[inside]), 1)
    best = counts.argmax(axis=1) if classes else np.zeros(categories, dtype=np.int64)
    seen = counts.sum(axis=1) > 0
    return np.append(np.where(seen, best, classes + 1), classes).astype(np.int64)


def split(codes: NDArray[np.int64], representative: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """Which of n documents the mapping is made by, bool [n]; the others are scored.

    All that are not representative, and where these are fewer than half of n, as many others as make up half: the same
    share of every gold class.

    Args:
        codes: int64 [n], gold classes.
        representative: bool [n], which can be scored.
        seed: of the choice.
    """
    mapped_by = ~representative
    rows = np.flatnonzero(representative)
    lacking = len(codes) / 2 - mapped_by.sum()
    if lacking > 0:
        tenth = deal_folds(codes[rows], 10, seed)
        mapped_by[rows[tenth < round(10 * lacking / len(rows))]] = True
    return np.asarray(mapped_by)


def labeler_sections(outcome: Outcome, gold: Classes, how: Bootstrap) -> list[Section]:
    """Teacher and student against gold on the same documents, those that both labelled and whose class is known.

    Both are mapped by the teacher's labels on documents that are not scored: what a category means is what the LLM
    puts there. Catch-all classes are right as `undefined`; then the same without their documents.
    """
    teacher, student = outcome.teacher, outcome.student
    shared = gold.known & teacher.known
    has_student = bool((shared & student.known).any())
    if has_student:
        shared &= student.known
    rows = np.flatnonzero(shared)
    if len(rows) < LEAST:
        return []
    is_validation = split(gold.codes[rows], outcome.representative[rows], how.seed)
    mapped_by, scored = rows[is_validation], rows[~is_validation]
    mapping = majority_mapping(
        teacher.primary[mapped_by], gold.codes[mapped_by], len(outcome.leaves), len(gold.names)
    )
    systems = {"teacher": teacher} | ({"student": student} if has_student else {})
    title = "LLM and classifier against gold" if has_student else "LLM against gold"
    facts = {"mapped_by": len(mapped_by)}
    found = [_section("labelers", title, systems, mapping, scored, gold, facts, how)]
    if gold.has_catch_all:
        left = scored[gold.codes[scored] < len(gold.names)]
        name = f"{title}, without {' and '.join(gold.catch_all)}"
        found.append(_section("labelers_without_catch_all", name, systems, mapping, left, gold, facts, how))
    return [section for section in found if section.figures]


def _section(
    key: str,
    title: str,
    systems: dict[str, Answers],
    mapping: NDArray[np.int64],
    rows: NDArray[np.int64],
    gold: Classes,
    facts: dict[str, int],
    how: Bootstrap,
) -> Section:
    size = len(gold.names) + 2
    right = gold.codes[rows]
    given = [mapping[answers.primary[rows]] for answers in systems.values()]
    profiles = Profiles.of(right, *given)

    def statistic(weights: Weights) -> dict[str, NDArray[np.float64]]:
        found: dict[str, NDArray[np.float64]] = {}
        for place, name in enumerate(systems, 1):
            table = tables(weights, profiles.column(0), profiles.column(place), (size, size))
            found[f"{name}_accuracy"] = by_class.accuracy(table)
            found[f"{name}_macro_f1"] = by_class.macro_f1(table)
            found[f"{name}_kappa"] = by_class.kappa(table)
        if len(systems) == 2:
            for what in ("accuracy", "macro_f1"):
                found[f"{what}_difference"] = found[f"student_{what}"] - found[f"teacher_{what}"]
        return found

    shown = figures(profiles, statistic, how, signed=_SIGNED)
    if "student" not in systems or not len(rows):
        return Section(key=key, title=title, figures=shown, facts={"documents": len(rows), **facts})
    sure = _trusted(systems["student"].confidence[rows], given[1] == right)
    return Section(
        key=key,
        title=title,
        figures=shown | figures(sure, lambda weights: trust.measure(sure, weights), how),
        facts={"documents": len(rows), **facts},
        reliability=trust.reliability(sure),
        risk_coverage=trust.risk_coverage(sure),
    )


def fidelity_section(outcome: Outcome, how: Bootstrap) -> list[Section]:
    """The student against its teacher on representative documents; `undefined` is a label like the others."""
    teacher, student, names = outcome.teacher, outcome.student, outcome.names
    rows = np.flatnonzero(teacher.known & student.known & outcome.representative)
    if not len(rows):
        return []
    size = len(names) + 1
    right = teacher.primary[rows] % size
    given = student.primary[rows] % size
    profiles = Profiles.of(right, given)

    def statistic(weights: Weights) -> dict[str, NDArray[np.float64]]:
        table = tables(weights, profiles.column(0), profiles.column(1), (size, size))
        return {
            "fidelity": by_class.accuracy(table),
            "fidelity_macro_f1": by_class.macro_f1(table),
            "fidelity_kappa": by_class.kappa(table),
        }

    sure = _trusted(student.confidence[rows], right == given)
    return [
        Section(
            key="student",
            title="Classifier against the LLM, on documents that it did not learn from",
            figures=figures(profiles, statistic, how, signed=("fidelity_kappa",))
            | figures(sure, lambda weights: trust.measure(sure, weights), how),
            facts={"documents": len(rows)},
            confusion=_square(right, given, (*names, UNDEFINED_NAME)),
            reliability=trust.reliability(sure),
            risk_coverage=trust.risk_coverage(sure),
        )
    ]


def _trusted(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> Profiles:
    """Documents whose confidence is known."""
    known = np.isfinite(confidence)
    return trust.profiles_of(confidence[known], right[known])


def _square(right: NDArray[np.int64], given: NDArray[np.int64], names: Sequence[str]) -> Confusion:
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (right, given), 1)
    return Confusion(tuple(names), tuple(names), tuple(map(tuple, counts.tolist())))
