"""New texts that are alike, put together, so that a person reads a few instead of all."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..classifiers.features import Features
from ..classifiers.novelty import similarities

MOST_GROUPED = 600
"""Texts that are grouped, the newest first; the others join the group that is nearest."""
EXAMPLES = 3
_WORDS = 4
_PAIRED = 400
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class NovelText:
    """A text that is new.

    Attributes:
        number: its position among the incoming ones, from 0.
        id: the user's.
        text: whole.
        novelty: 0..1.
        found: row of the label that the classifier would give it; -1 is undefined.
    """

    number: int
    id: str
    text: str
    novelty: float
    found: int


@dataclass(frozen=True, slots=True)
class NovelGroup:
    """New texts that are alike.

    Attributes:
        size: how many.
        words: that they share, and the other incoming texts do not.
        label: the most frequent one that the classifier would give them.
        examples: those in the middle, with their novelty.
    """

    size: int
    words: tuple[str, ...]
    label: str
    examples: tuple[NovelText, ...]


@dataclass(frozen=True, eq=False)
class Usual:
    """What the incoming texts are like on the whole.

    Attributes:
        texts: how many different ones.
        words: in how many of them each word is.
        apart: how far two of them are from each other, 1 - cosine, the median.
    """

    texts: int
    words: Counter[str]
    apart: float


def words_in(text: str) -> set[str]:
    """The words of a text that can tell what it is about."""
    return set(_WORD.findall(text.casefold()))


def apartness(features: Features) -> float:
    """Median distance, 1 - cosine, between texts; of the first few hundred."""
    some = features.take(slice(_PAIRED))
    if len(some) < 2:
        return 1.0
    near = similarities(some, some)
    return float(1 - np.median(near[np.triu_indices(len(some), 1)]))


def group_novel(
    texts: Sequence[NovelText], features: Features | None, names: Sequence[str], usual: Usual
) -> tuple[NovelGroup, ...]:
    """Put texts together that are alike; large groups first.

    Average linkage, cut half-way between how far these texts are from their third neighbour and how far incoming texts
    are from each other on the whole.

    Args:
        texts: the new ones, the newest first.
        features: theirs, in the same order.
        names: of the labels, the last of which is undefined.
        usual: what the incoming texts are like.
    """
    if not texts or features is None:
        return ()
    count = min(len(texts), MOST_GROUPED)
    head = features.take(slice(count))
    near = similarities(head, head).astype(np.float64)
    place = _linked(near, usual.apart)
    if len(texts) > count:
        rest = similarities(features.take(slice(count, None)), head)
        place = np.concatenate([place, place[rest.argmax(axis=1)]])
    spoken = [words_in(text.text) for text in texts]
    groups = []
    for number in np.unique(place):
        rows = np.flatnonzero(place == number)
        inside = rows[rows < count]
        middle = inside[np.argsort(-near[np.ix_(inside, inside)].mean(axis=1), kind="stable")][:EXAMPLES]
        found = Counter(texts[row].found for row in rows.tolist())
        groups.append(
            NovelGroup(
                size=len(rows),
                words=_telling([spoken[row] for row in rows.tolist()], usual),
                label=names[found.most_common(1)[0][0]],
                examples=tuple(texts[row] for row in middle.tolist()),
            )
        )
    return tuple(sorted(groups, key=lambda group: (-group.size, group.examples[0].number)))


def _linked(near: NDArray[np.float64], usual: float) -> NDArray[np.int64]:
    """Group of each text, int64 [n]."""
    count = len(near)
    if count < 3:
        return np.arange(count)
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    apart = np.clip(1 - near, 0, None)
    apart = (apart + apart.T) / 2
    np.fill_diagonal(apart, 0)
    third = np.sort(apart, axis=1)[:, min(3, count - 1)]
    pairs = squareform(apart, checks=False)
    cut = (float(np.median(third)) + usual) / 2
    return np.asarray(fcluster(linkage(pairs, "average"), max(cut, 1e-6), "distance"), dtype=np.int64)


def _telling(inside: Sequence[set[str]], usual: Usual) -> tuple[str, ...]:
    """Words of at least half of the texts, those first that the other incoming texts have least."""
    if len(inside) < 2:
        return ()
    own = Counter(word for words in inside for word in words)
    others = max(usual.texts - len(inside), 1)
    scored = [
        (count / len(inside) - (usual.words[word] - count) / others, word)
        for word, count in own.items()
        if 2 * count >= len(inside)
    ]
    return tuple(
        word for gain, word in sorted(scored, key=lambda pair: (-pair[0], pair[1]))[:_WORDS] if gain > 0.1
    )
