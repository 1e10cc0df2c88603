"""The part of a text that a label rests on: what is taken out to see whether the judge's label goes with it."""

import re
from dataclasses import dataclass

import numpy as np

from ...classifiers.encoders.encoder import Encoder
from ...classifiers.features import Vectors

_SENTENCE = re.compile(r".+?(?:[.!?](?=\s)|[。！？]|\Z)\s*", re.DOTALL)
_WORD = re.compile(r"\S+")
LEAST_WORDS = 4
"""A text of one sentence that has fewer has no part that could be taken out."""

Span = tuple[int, int]
"""Characters from and to."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A text without a part of it.

    Attributes:
        without_span: without the part that is most like the label.
        without_other: without the part that is least like it, as a control.
    """

    without_span: str
    without_other: str


def spans_of(text: str) -> list[Span]:
    """Parts that may be taken out: sentences, in a text of one sentence a quarter of its words wherever they stand."""
    sentences = [found.span() for found in _SENTENCE.finditer(text) if found[0].strip()]
    words = [found.span() for found in _WORD.finditer(text)]
    if len(sentences) > 1:
        return sentences
    if len(words) < LEAST_WORDS:
        return []
    width = max(1, round(len(words) / 4))
    return [(words[i][0], words[i + width - 1][1]) for i in range(len(words) - width + 1)]


def cut(text: str, span: Span) -> str:
    """The text without a span."""
    return " ".join((text[: span[0]] + " " + text[span[1] :]).split())


def plan_removals(texts: list[str], labels: Vectors, encoder: Encoder) -> list[Removal | None]:
    """What to take out of each text; None where it has no two parts that do not overlap.

    Args:
        texts: [n].
        labels: float32 [n, d], unit rows: each text's label, its name and description embedded.
        encoder: embeds the parts.
    """
    spans = [spans_of(text) for text in texts]
    parts = [text[start:end] for text, found in zip(texts, spans, strict=True) for start, end in found]
    if not parts:
        return [None] * len(texts)
    vectors, removals, first = encoder.encode(parts), [], 0
    for text, found, label in zip(texts, spans, labels, strict=True):
        likeness = vectors[first : first + len(found)] @ label
        first += len(found)
        removals.append(_removal(text, found, likeness))
    return removals


def _removal(text: str, spans: list[Span], likeness: Vectors) -> Removal | None:
    if not spans:
        return None
    best = spans[int(np.argmax(likeness))]
    for place in np.argsort(likeness, kind="stable").tolist():
        start, end = spans[place]
        if end <= best[0] or start >= best[1]:
            return Removal(cut(text, best), cut(text, (start, end)))
    return None
