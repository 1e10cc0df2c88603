"""What a judge is asked, as the prompt files take it, and what its answers come to. Nothing here opens an LLM.

A thing to be judged is an `Item`: the same question in one or two orders of its options. The judge's own liking for
a letter then shows as disagreement with itself, and such an item is not counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...prompts.answers import LETTERS
from ...taxonomy.values import Category

NEITHER = -1
"""None of the categories that were offered."""
UNCLEAR = -2
"""The judge contradicts itself, or is of two minds."""
UNANSWERED = -3
"""No answer that could be read."""
NO, YES = 0, 1

MOST = len(LETTERS) - 1
"""Categories that one question offers beside `none of these`."""

Shares = Mapping[str, float]
"""How likely the judge holds each letter; they sum to 1."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question with letters to choose from.

    Attributes:
        prompt: name of its prompt file.
        variables: what the file is filled in with.
        meanings: what each letter stands for, A first: a category's place, NEITHER, YES or NO.
    """

    prompt: str
    variables: Mapping[str, Any]
    meanings: tuple[int, ...]

    @property
    def letters(self) -> str:
        """The letters that are offered."""
        return LETTERS[: len(self.meanings)]

    def mean(self, shares: Shares) -> dict[int, float]:
        """Shares of letters as shares of what these stand for."""
        return {meaning: shares[letter] for letter, meaning in zip(self.letters, self.meanings, strict=True)}


@dataclass(frozen=True, slots=True)
class Item:
    """Something to be judged.

    Attributes:
        questions: the same in each order of its options.
        is_averaged: whether the orders' shares are averaged; else an item counts only where all orders say the same.
    """

    questions: tuple[Question, ...]
    is_averaged: bool = False


@dataclass(frozen=True, slots=True)
class Asker:
    """Makes items about the categories of a run.

    Attributes:
        use_case: what the user wanted to learn.
        leaves: the categories; places refer to them.
        order: int64 [k], the places in the order in which they are listed; the other order is its reverse.
    """

    use_case: str
    leaves: tuple[Category, ...]
    order: NDArray[np.int64]

    @classmethod
    def of(cls, use_case: str, leaves: tuple[Category, ...], seed: int) -> "Asker":
        """With an order that is not the taxonomy's own, which the labeler has seen."""
        return cls(use_case, leaves, np.random.default_rng(seed).permutation(len(leaves)).astype(np.int64))

    def pair(self, text: str, one: int, other: int) -> Item:
        """Which of two categories a text belongs to, or neither: in both orders."""
        return Item(tuple(self._pair(text, *places) for places in ((one, other), (other, one))))

    def listwise(self, text: str, offered: Sequence[int], orders: int = 2) -> Item:
        """Which of all the offered categories a text belongs to, or none.

        Args:
            text: as the judge is to read it.
            offered: places, at most MOST.
            orders: 1 for the first order alone.
        """
        there = set(offered)
        places = [place for place in self.order.tolist() if place in there]
        both = (places, places[::-1])
        return Item(tuple(self._list(text, each) for each in both[:orders]), is_averaged=True)

    def relevant(self, place: int, use_case: str | None = None) -> Item:
        """Whether a category is relevant to the use case, or to another one."""
        leaf = self.leaves[place]
        return relevance_item(use_case or self.use_case, leaf.name, leaf.description)

    def _pair(self, text: str, first: int, second: int) -> Question:
        return Question(
            "judge_pair",
            {
                "use_case": self.use_case,
                "first": self._told(first),
                "second": self._told(second),
                "text": text,
            },
            (first, second, NEITHER),
        )

    def _list(self, text: str, places: Sequence[int]) -> Question:
        options = [
            {"letter": letter, **self._told(place)} for letter, place in zip(LETTERS, places, strict=False)
        ]
        return Question(
            "judge_all",
            {"use_case": self.use_case, "options": options, "last": LETTERS[len(places)], "text": text},
            (*places, NEITHER),
        )

    def _told(self, place: int) -> dict[str, str]:
        return {"name": self.leaves[place].name, "description": self.leaves[place].description}


def relevance_item(use_case: str, name: str, description: str) -> Item:
    """Whether a category is relevant to a use case: yes or no, in both orders."""
    told = {"name": name, "description": description}

    def ask(first: int, second: int) -> Question:
        words = {YES: "Yes", NO: "No"}
        variables = {
            "use_case": use_case,
            "category": told,
            "first": words[first],
            "second": words[second],
        }
        return Question("judge_relevant", variables, (first, second))

    return Item((ask(YES, NO), ask(NO, YES)))


def read_item(item: Item, answers: Sequence[Shares | None]) -> int:
    """What the judge says of an item: a meaning, UNCLEAR or UNANSWERED.

    Args:
        item: that was asked about.
        answers: shares of the letters of each of its questions; None where there is no answer.
    """
    read = [
        question.mean(shares)
        for question, shares in zip(item.questions, answers, strict=True)
        if shares is not None
    ]
    if item.is_averaged and read:
        return _likeliest({meaning: sum(one[meaning] for one in read) for meaning in read[0]})
    if len(read) < len(item.questions):
        return UNANSWERED
    said = {_likeliest(one) for one in read}
    return said.pop() if len(said) == 1 else UNCLEAR


def _likeliest(shares: Mapping[int, float]) -> int:
    best = max(shares.values())
    # Two orders may add up in another sequence: what differs by rounding is a tie.
    found = [meaning for meaning, share in shares.items() if share >= best - 1e-9]
    return found[0] if len(found) == 1 else UNCLEAR
