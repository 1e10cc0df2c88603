"""What a judge is asked about: documents drawn at random, and others whose label is known without gold."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...classifiers.encoders.encoder import Encoder
from ...classifiers.features import Vectors
from .judge_questions import MOST
from .outcome import Outcome

_POOL = 3
"""For each known text that is wanted so many documents are looked at, beside exemplars, and these many of a category at
least."""

Read = Callable[[str], str]
"""A document's text as the judge reads it."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A document to be judged.

    Attributes:
        row: of the document.
        text: as the judge reads it.
        assigned: place of its label.
        random: place of another category, drawn at random.
        nearest: place of the category whose description is nearest to the label's.
        offered: places for a listwise question, ascending.
    """

    row: int
    text: str
    assigned: int
    random: int
    nearest: int
    offered: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """A text whose category is known, as far as anything can be without gold, and a wrong label for it.

    Attributes:
        text: as the judge reads it.
        right: place of its category.
        wrong: place of one far from the text.
        beside_right, beside_wrong: places of other categories, drawn at random, to ask about together with these.
        offered: places for a listwise question, ascending.
    """

    text: str
    right: int
    wrong: int
    beside_right: int
    beside_wrong: int
    offered: tuple[int, ...]


def nearest_others(described: Vectors) -> NDArray[np.int64]:
    """For each of k >= 2 descriptions, float32 [k, d] with unit rows, the place of the nearest other one."""
    cosines = np.array(described @ described.T, dtype=np.float64)
    np.fill_diagonal(cosines, -np.inf)
    return np.asarray(cosines.argmax(axis=1), dtype=np.int64)


def draw_sample(
    outcome: Outcome, described: Vectors, encoder: Encoder, *, count: int, seed: int, read: Read
) -> tuple[Sampled, ...]:
    """Documents with a label, drawn at random; a larger count goes on where a smaller one ended.

    Args:
        outcome: the run; it has two leaves or more.
        described: float32 [k, d], unit rows, the leaves' names and descriptions embedded.
        encoder: embeds texts where there are more categories than one question can offer.
        count: how many.
        seed: of what is drawn.
        read: documents are read.
    """
    rows: list[int] = []
    texts: list[str] = []
    for row in np.random.default_rng(seed).permutation(len(outcome.documents)).tolist():
        if len(rows) == count:
            break
        text = read(outcome.documents[row].text) if outcome.labels.primary[row] >= 0 else ""
        if text:
            rows.append(row)
            texts.append(text)
    siblings, k = nearest_others(described), len(described)
    assigned = [int(outcome.labels.primary[row]) for row in rows]
    offered = _offer(texts, assigned, described, encoder)
    return tuple(
        Sampled(
            row=row,
            text=text,
            assigned=place,
            # By the row, not by the turn: another count asks the same of the same document.
            random=_other(np.random.default_rng([seed, row]), k, place),
            nearest=int(siblings[place]),
            offered=shown,
        )
        for row, text, place, shown in zip(rows, texts, assigned, offered, strict=True)
    )


def draw_known(
    outcome: Outcome, described: Vectors, encoder: Encoder, *, count: int, seed: int, read: Read
) -> tuple[Known, ...]:
    """Texts whose category is known: its exemplars and documents where label and nearest description are the same.

    They are easier than others: what two who look at it differently agree on. A judge that fails on them is of no use;
    one that does well on them need not do as well on hard ones. Every category has its turn before any has a second.

    Args:
        outcome, described, encoder, seed, read: as in `draw_sample`.
        count: at most so many.
    """
    drawn = list(_candidates(outcome, count, seed))
    texts = [read(outcome.documents[row].text) for row, _ in drawn]
    kept = [(row, place, text) for (row, place), text in zip(drawn, texts, strict=True) if text]
    if not kept:
        return ()
    cosines = np.asarray(encoder.encode([text for _, _, text in kept]) @ described.T)
    turns: dict[int, list[int]] = {}
    seen: set[str] = set()
    for index, (_, place, text) in enumerate(kept):
        if int(cosines[index].argmax()) == place and text not in seen:
            seen.add(text)
            turns.setdefault(place, []).append(index)
    chosen = [
        found[turn]
        for turn in range(max(map(len, turns.values()), default=0))
        for _, found in sorted(turns.items())
        if turn < len(found)
    ][:count]
    offered = _offer([kept[i][2] for i in chosen], [kept[i][1] for i in chosen], described, encoder)
    k = len(described)
    found = []
    for index, shown in zip(chosen, offered, strict=True):
        row, right, text = kept[index]
        draw = np.random.default_rng([seed, row, 1])
        far = np.argsort(cosines[index], kind="stable")[: max(1, k // 2)]
        far = far[far != right]
        wrong = int(draw.choice(far))
        found.append(
            Known(
                text=text,
                right=right,
                wrong=wrong,
                beside_right=_other(draw, k, right),
                beside_wrong=_other(draw, k, wrong),
                offered=shown,
            )
        )
    return tuple(found)


def _candidates(outcome: Outcome, count: int, seed: int) -> Iterator[tuple[int, int]]:
    """(row, place) of each category's exemplars that have its label, then of some more documents that have it."""
    draw, primary = np.random.default_rng([seed, 2]), outcome.labels.primary
    pool = _POOL * max(1, -(-count // len(outcome.leaves)))
    for place, leaf in enumerate(outcome.leaves):
        first = [row for row in leaf.exemplars if row < len(primary) and primary[row] == place]
        rows = draw.permutation(np.flatnonzero(primary == place))[:pool].tolist()
        yield from ((row, place) for row in dict.fromkeys((*first, *rows)))


def _other(draw: np.random.Generator, k: int, place: int) -> int:
    """One of k places at random, but not this one."""
    found = int(draw.integers(k - 1))
    return found + (found >= place)


def _offer(
    texts: Sequence[str], needed: Sequence[int], described: Vectors, encoder: Encoder
) -> list[tuple[int, ...]]:
    """All places; where they are too many for the letters the nearest to each text, and the one that is needed."""
    k = len(described)
    if k <= MOST or not texts:
        return [tuple(range(k))] * len(texts)
    ranked = np.argsort(-np.asarray(encoder.encode(list(texts)) @ described.T), axis=1, kind="stable")
    return [
        tuple(sorted([place, *(other for other in row.tolist() if other != place)][:MOST]))
        for row, place in zip(ranked, needed, strict=True)
    ]
