"""What a judge said of a run, and the figures that come of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from . import classes as by_class
from .bootstrap import Bootstrap, Profiles, Weights, figures, tables
from .evaluation import Section
from .figure import Figure
from .judge_questions import NEITHER, UNANSWERED, YES
from .judge_sample import Sampled
from .judge_skill import Skill, judged_figures

Said = NDArray[np.int64]
"""int64 [n]: a category's place, NEITHER, YES or NO; UNCLEAR and UNANSWERED are no judgement."""


class Kind(StrEnum):
    """What a judge is asked."""

    RANDOM = "random"
    """The label or another one, drawn at random."""
    NEAREST = "nearest"
    """The label or the one whose description is nearest to it."""
    LISTWISE = "listwise"
    """Which of all."""
    RELEVANCE = "relevance"
    """Whether a category is relevant."""


@dataclass(frozen=True, slots=True)
class Bill:
    """What judgements cost when they were made; answers that came from the store are counted like others.

    Attributes:
        tokens: of each different question, by its key.
    """

    tokens: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Bill") -> "Bill":
        return Bill({**self.tokens, **other.tokens})

    @property
    def facts(self) -> dict[str, int]:
        """Judgements and tokens."""
        return {"judgements": len(self.tokens), "tokens": sum(self.tokens.values())}


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Listwise labels before and after a part of the text was taken out, of the documents where that can be done.

    Attributes:
        before: of the whole text, in the order in which the others are asked too.
        without_span: without the part most like the judge's label.
        without_other: without the part least like it.
    """

    before: Said
    without_span: Said
    without_other: Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """All that one judge said. What it was not asked, since it is not usable for it, is missing.

    Attributes:
        judge: the model.
        sampled: documents.
        skills: by kind, on items whose answer is known.
        labels: by RANDOM, NEAREST and LISTWISE what it said of each sampled document.
        relevant: for each category whether it is relevant to the use case.
        elsewhere: whether it is relevant to the other use case.
        removed: the counterfactual check.
        other_use_case: that use case.
        bills: by section ("skill", "labels", "relevance", "removal") what it cost.
    """

    judge: str
    sampled: tuple[Sampled, ...]
    skills: Mapping[Kind, Skill]
    labels: Mapping[Kind, Said]
    relevant: Said | None = None
    elsewhere: Said | None = None
    removed: Removed | None = None
    other_use_case: str
    bills: Mapping[str, Bill]

    def unusable(self, how: Bootstrap) -> list[Kind]:
        """What this judge cannot be believed about."""
        return [kind for kind, skill in self.skills.items() if not skill.is_usable(how)]

    def says_assigned(self, kind: Kind) -> NDArray[np.int64]:
        """int64 [n]: 1 where it takes the assigned label for right, 0 where another or none, -1 no judgement."""
        said = self.labels[kind]
        assigned = np.array([one.assigned for one in self.sampled], dtype=np.int64)
        return np.where(said >= NEITHER, (said == assigned).astype(np.int64), -1)


def skill_of(yes: Said, right: Sequence[int], no: Said, wrong: Sequence[int]) -> Skill:
    """The skill shown on items whose answer is known.

    Args:
        yes: what was said of items whose label is right.
        right: these labels.
        no: what was said of items whose label is wrong.
        wrong: these labels.
    """
    right_, wrong_ = np.array(right, dtype=np.int64), np.array(wrong, dtype=np.int64)
    counted, refused = yes >= NEITHER, no >= NEITHER
    return Skill(
        yes=int(counted.sum()),
        hits=int((yes == right_)[counted].sum()),
        no=int(refused.sum()),
        rejections=int((no != wrong_)[refused].sum()),
    )


def judge_sections(key: str, verdicts: Verdicts, how: Bootstrap) -> list[Section]:
    """A judge's sections: itself, the labels, relevance, the counterfactual check; what is empty is left out.

    Args:
        key: what the sections' keys begin with.
        verdicts: of the judge.
        how: intervals are made.
    """
    sections = [
        _skill_section(key, verdicts, how),
        _label_section(key, verdicts, how),
        _relevance_section(key, verdicts, how),
        _removal_section(key, verdicts, how),
    ]
    return [section for section in sections if section is not None]


def notes_of(verdicts: Verdicts, how: Bootstrap) -> list[str]:
    """What a reader must know of a judge: what it is of no use for."""
    found = []
    for kind in verdicts.unusable(how):
        skill = verdicts.skills[kind]
        why = (
            f"its Youden index is {skill.figures(how)['youden']}, near chance{_UNLESS[kind]}"
            if skill.is_measured
            else f"it answered clearly on only {skill.yes} right and {skill.no} wrong items whose answer is known"
        )
        found.append(
            f"The judge {verdicts.judge} is unusable for {_KINDS[kind]}: {why}. Its figures are not reported."
        )
    return found


def agreement_section(key: str, one: Verdicts, other: Verdicts, how: Bootstrap) -> Section | None:
    """How far two judges of the same sample agree, as far as both are usable; None where they share nothing."""
    found: dict[str, Figure] = {}
    for kind in (Kind.RANDOM, Kind.NEAREST, Kind.LISTWISE):
        if kind in one.labels and kind in other.labels:
            # The label, the other one or neither: categories differ from document to document.
            found |= _agreement(kind, _coded(one, kind), _coded(other, kind), how)
    if one.relevant is not None and other.relevant is not None:
        found |= _agreement(Kind.RELEVANCE, one.relevant, other.relevant, how)
    if not found:
        return None
    return Section(
        key=key,
        title=f"Two judges: {one.judge} and {other.judge}",
        figures=found,
        facts={"judge": one.judge, "second_judge": other.judge},
    )


_KINDS = {
    Kind.RANDOM: "the label against a random other one",
    Kind.NEAREST: "the label against its nearest sibling",
    Kind.LISTWISE: "the label among all",
    Kind.RELEVANCE: "relevance",
}


_UNLESS = dict.fromkeys(_KINDS, ", unless the very labels are wrong that it was tried on") | {
    Kind.RELEVANCE: ""
}


def _skill_section(key: str, verdicts: Verdicts, how: Bootstrap) -> Section:
    unusable = verdicts.unusable(how)
    return Section(
        key=key,
        title=f"Judge {verdicts.judge}, on items whose answer is known",
        figures={
            f"{kind}_{name}": figure
            for kind, skill in verdicts.skills.items()
            for name, figure in skill.figures(how).items()
        },
        facts={
            "judge": verdicts.judge,
            "unusable": "; ".join(_KINDS[kind] for kind in unusable) or None,
            **verdicts.bills["skill"].facts,
        },
    )


def _label_section(key: str, verdicts: Verdicts, how: Bootstrap) -> Section | None:
    if not verdicts.labels or not verdicts.sampled:
        return None
    found: dict[str, Figure] = {}
    for kind, said in verdicts.labels.items():
        says = verdicts.says_assigned(kind)
        found |= judged_figures({f"label_{kind}": says[says >= 0]}, verdicts.skills[kind], how)
        answered = said != UNANSWERED
        clear = (said[answered] >= NEITHER).astype(np.int64)
        found |= _share(f"clear_{kind}", clear, how)
    return Section(
        key=f"{key}_labels",
        title=f"Labels, judged by {verdicts.judge}",
        figures=found,
        facts={
            "documents": len(verdicts.sampled),
            "unanswered": sum(int((said == UNANSWERED).sum()) for said in verdicts.labels.values()),
            **verdicts.bills["labels"].facts,
        },
    )


def _relevance_section(key: str, verdicts: Verdicts, how: Bootstrap) -> Section | None:
    own, elsewhere = verdicts.relevant, verdicts.elsewhere
    if own is None or elsewhere is None:
        return None
    skill = verdicts.skills[Kind.RELEVANCE]
    both = (own >= 0) & (elsewhere >= 0)
    said = {
        "relevance": (own[both] == YES).astype(np.int64),
        "relevance_elsewhere": (elsewhere[both] == YES).astype(np.int64),
    }
    return Section(
        key=f"{key}_relevance",
        title=f"Relevance of the categories, judged by {verdicts.judge}",
        figures=judged_figures(said, skill, how, difference="relevance_difference"),
        facts={
            "categories": len(own),
            "other_use_case": verdicts.other_use_case,
            "unanswered": int((own == UNANSWERED).sum() + (elsewhere == UNANSWERED).sum()),
            **verdicts.bills["relevance"].facts,
        },
    )


def _removal_section(key: str, verdicts: Verdicts, how: Bootstrap) -> Section | None:
    removed = verdicts.removed
    if removed is None:
        return None
    clear = (removed.without_span >= NEITHER) & (removed.without_other >= NEITHER)
    before = removed.before[clear]
    profiles = Profiles.of(
        (removed.without_span[clear] != before).astype(np.int64),
        (removed.without_other[clear] != before).astype(np.int64),
    )

    def rates(weights: Weights) -> dict[str, NDArray[np.float64]]:
        n = weights.sum(axis=1)
        span, other = (weights @ profiles.column(place) / n for place in (0, 1))
        return {"span_changes": span, "other_changes": other, "span_difference": span - other}

    return Section(
        key=f"{key}_removal",
        title=f"What labels rest on, judged by {verdicts.judge}",
        figures=figures(profiles, rates, how, signed=("span_difference",)),
        facts={"documents": int(clear.sum()), **verdicts.bills["removal"].facts},
    )


def _share(name: str, values: Said, how: Bootstrap) -> dict[str, Figure]:
    """Of 0s and 1s the share of 1s."""
    profiles = Profiles.of(values)
    return figures(profiles, lambda weights: {name: weights @ profiles.column(0) / weights.sum(axis=1)}, how)


def _coded(verdicts: Verdicts, kind: Kind) -> Said:
    """What was said so that two judges can be compared: all places for LISTWISE, else the label, the other, neither."""
    said = verdicts.labels[kind]
    if kind is Kind.LISTWISE:
        return said + 1 if len(said) else said
    return np.where(said == NEITHER, 2, np.where(said < NEITHER, -1, 1 - verdicts.says_assigned(kind)))


def _agreement(kind: Kind, one: Said, other: Said, how: Bootstrap) -> dict[str, Figure]:
    both = (one >= 0) & (other >= 0)
    if not both.any():
        return {}
    size = int(max(one[both].max(), other[both].max())) + 1
    profiles = Profiles.of(one[both], other[both])

    def statistic(weights: Weights) -> dict[str, NDArray[np.float64]]:
        found = tables(weights, profiles.column(0), profiles.column(1), (size, size))
        return {f"agree_{kind}": by_class.accuracy(found), f"kappa_{kind}": by_class.kappa(found)}

    return figures(profiles, statistic, how, signed=(f"kappa_{kind}",))
