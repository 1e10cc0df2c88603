"""Agreement among people, LLM and classifier, as the paper's tables have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from . import classes as by_class
from .bootstrap import Bootstrap, Profiles, Weights, figures, tables
from .evaluation import Section
from .figure import Figure
from .outcome import Outcome
from .sheet import Sheet

MISSING = -1
LLM, CLASSIFIER = "LLM", "classifier"
_MEAN = "mean kappa: people"


@dataclass(frozen=True, slots=True)
class Ratings:
    """Who gave which document which label.

    Attributes:
        raters: names [r].
        labels: int64 [n, r]: place of the label, `size` - 1 for undefined, -1 where there is none.
        size: labels there are, undefined included.
    """

    raters: tuple[str, ...]
    labels: NDArray[np.int64]
    size: int


def people_sections(outcome: Outcome, sheets: Sequence[Sheet], how: Bootstrap) -> list[Section]:
    """Cohen's kappa of each pair, Fleiss' of groups, and LLM and classifier against the majority of the people.

    A pair is compared on the documents that both labelled, a group on those that all of it labelled. Where no label has
    the most votes of the people, there is no majority.
    """
    if not sheets:
        return []
    ratings = ratings_of(outcome, sheets)
    people = len(sheets)
    found = [_pairs(ratings, how), _groups(ratings, people, how), _majority(ratings, people, how)]
    return [section for section in found if section.figures]


def ratings_of(outcome: Outcome, sheets: Sequence[Sheet]) -> Ratings:
    """The labels of everybody on the documents of the sheets, people first, then LLM and classifier."""
    rows = sorted({row for sheet in sheets for row in sheet.labels})
    size = len(outcome.leaves) + 1
    columns = [
        np.array(
            [sheet.labels[row] % size if row in sheet.labels else MISSING for row in rows], dtype=np.int64
        )
        for sheet in sheets
    ]
    raters = _different([sheet.name for sheet in sheets])
    for name, answers in ((LLM, outcome.teacher), (CLASSIFIER, outcome.student)):
        if answers.known[rows].any():
            raters.append(name)
            columns.append(np.where(answers.known[rows], answers.primary[rows] % size, MISSING))
    return Ratings(tuple(raters), np.stack(columns, axis=1), size)


def majority(labels: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The label with the most votes, int64 [n], of labels [n, r]; -1 where several have, or nobody voted."""
    votes = _votes(labels, size)
    most = votes.max(axis=1, initial=0)
    alone = (votes == most[:, None]).sum(axis=1) == 1
    return np.where(alone & (most > 0), votes.argmax(axis=1), MISSING)


def _pairs(ratings: Ratings, how: Bootstrap) -> Section:
    found: dict[str, Figure] = {}
    for one, other in combinations(range(len(ratings.raters)), 2):
        kappa = _measure_pair(ratings.labels[:, one], ratings.labels[:, other], ratings.size, how, ("kappa",))
        found |= {
            f"kappa: {ratings.raters[one]} and {ratings.raters[other]}": figure for figure in kappa.values()
        }
    return Section(key="pairs", title="Cohen's kappa of each two", figures=found)


def _groups(ratings: Ratings, people: int, how: Bootstrap) -> Section:
    every = range(len(ratings.raters))
    groups = {"people": list(range(people)), "everybody": list(every)}
    groups |= {
        f"people and {ratings.raters[place]}": [*range(people), place] for place in every if place >= people
    }
    found: dict[str, Figure] = {}
    for name, members in groups.items():
        if len(members) < 2 or (name == "everybody" and len(members) == people):
            continue
        labels = ratings.labels[:, members]
        labels = labels[(labels >= 0).all(axis=1)]
        if not len(labels):
            continue
        profiles = Profiles.of(*labels.T)
        votes = _votes(profiles.codes, ratings.size)
        key = f"fleiss: {name}"

        def statistic(
            weights: Weights, key: str = key, votes: NDArray[np.float64] = votes
        ) -> dict[str, NDArray[np.float64]]:
            return {key: by_class.fleiss_kappa(weights, votes)}

        found |= figures(profiles, statistic, how, signed=(key,))
    if people > 1:
        found |= _mean_kappa(ratings, people, how)
    return Section(key="groups", title="Agreement of several", figures=found)


def _mean_kappa(ratings: Ratings, people: int, how: Bootstrap) -> dict[str, Figure]:
    profiles = Profiles.of(*ratings.labels[:, :people].T)

    def statistic(weights: Weights) -> dict[str, NDArray[np.float64]]:
        values = [
            by_class.kappa(
                tables(weights, profiles.column(one), profiles.column(other), (ratings.size, ratings.size))
            )
            for one, other in combinations(range(people), 2)
        ]
        return {_MEAN: np.mean(values, axis=0)}

    return figures(profiles, statistic, how, signed=(_MEAN,))


def _majority(ratings: Ratings, people: int, how: Bootstrap) -> Section:
    agreed = majority(ratings.labels[:, :people], ratings.size)
    found: dict[str, Figure] = {}
    for place in range(people, len(ratings.raters)):
        measured = _measure_pair(
            agreed, ratings.labels[:, place], ratings.size, how, ("accuracy", "macro_f1", "kappa")
        )
        found |= {f"{what}: {ratings.raters[place]}": figure for what, figure in measured.items()}
    whom = "the majority of the people" if people > 1 else "the person"
    return Section(
        key="majority",
        title=f"LLM and classifier against {whom}",
        figures=found,
        facts={"people": people, "agreed": int((agreed >= 0).sum())},
    )


def _measure_pair(
    one: NDArray[np.int64], other: NDArray[np.int64], size: int, how: Bootstrap, wanted: Sequence[str]
) -> dict[str, Figure]:
    both = (one >= 0) & (other >= 0)
    if not both.any():
        return {}
    profiles = Profiles.of(one[both], other[both])
    measures = {"accuracy": by_class.accuracy, "macro_f1": by_class.macro_f1, "kappa": by_class.kappa}

    def statistic(weights: Weights) -> dict[str, NDArray[np.float64]]:
        table = tables(weights, profiles.column(0), profiles.column(1), (size, size))
        return {name: measures[name](table) for name in wanted}

    return figures(profiles, statistic, how, signed=("kappa",))


def _votes(labels: NDArray[np.int64], size: int) -> NDArray[np.float64]:
    """[n, size]: how many gave each label."""
    return np.stack([(labels == label).sum(axis=1) for label in range(size)], axis=1).astype(np.float64)


def _different(names: Sequence[str]) -> list[str]:
    """The names, numbered where two are the same."""
    found: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in (*found, LLM, CLASSIFIER):
            number += 1
            candidate = f"{name} {number}"
        found.append(candidate)
    return found
