"""A message in units, as the patterns of `spoken_patterns` see it, in sentences and in clauses.

A unit knows where it stands in the message, so that a name is taken from it as it was typed.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ..taxonomy.names import normalise_name
from . import spoken_patterns as said
from .mentions import Mention, Token, alike

_ENDS: Final = frozenset(".!?;")
SEPARATORS: Final = frozenset({",", "and", "&", "vs", "versus", "/", "plus", ";", "+", "or"})
"""Between the parts of a list."""
_INTRODUCING: Final = frozenset({"one", "another", "for", "about", "called", "named", "with", "other"})
_REQUESTED: Final = re.compile(
    r"@\d+ (?:should|can|could|must|needs to|has to|is useless|is unnecessary|is not needed)\b|"
    r"(?:oh )?(?:and )?(?:at most|no more than|max|maximum)\b"
)
_LISTED: Final = re.compile(r"(?:(?:and|,|both|can|could|i|think|@\d+|@\?)\s?)*$")
_JOINTS: Final = frozenset({",", "and", "&", "but", "then", "plus", "also", "-", "–", "or", ":"})
"""After which another request may begin."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a clause: how patterns see it, and where it stands in the message."""

    text: str
    start: int
    end: int
    mention: Mention | None = None


def units_of(message: str, tokens: Sequence[Token], mentions: Sequence[Mention]) -> list[Unit]:
    """A message in units."""
    return _Units(message, tokens, mentions).units()


class _Units:
    def __init__(self, message: str, tokens: Sequence[Token], mentions: Sequence[Mention]) -> None:
        self.message = message
        self.tokens = tokens
        self.mentions = mentions

    def units(self) -> list[Unit]:
        quotes = [
            (
                match.start(),
                match.end(),
                *next(span for span in map(match.span, range(1, 8)) if span != (-1, -1)),
            )
            for match in said.QUOTES.finditer(self.message)
        ]
        starts = {mention.start: mention for mention in self.mentions}
        units: list[Unit] = []
        place = 0
        while place < len(self.tokens):
            token = self.tokens[place]
            quote = next((quote for quote in quotes if quote[0] <= token.start < quote[1]), None)
            if quote is not None:
                inside = [
                    i for i in range(place, len(self.tokens)) if quote[2] <= self.tokens[i].start < quote[3]
                ]
                whole = starts.get(inside[0]) if inside else None
                if whole is not None and whole.end == inside[-1] + 1:
                    units.append(self._mention(whole, units))
                elif inside:
                    units.append(Unit("Q", quote[2], quote[3]))
                place = next(
                    (i for i in range(place, len(self.tokens)) if self.tokens[i].start >= quote[1]),
                    len(self.tokens),
                )
                continue
            mention = starts.get(place)
            if mention is not None:
                unit = self._mention(mention, units)
                place = self._past(mention.end)
                units.append(replace(unit, end=self.tokens[place - 1].end))
                continue
            text, used = self._word(place)
            units.append(Unit(text, token.start, self.tokens[place + used - 1].end))
            place += used
        return _once(units)

    def _mention(self, mention: Mention, units: list[Unit]) -> Unit:
        """Its unit; words before it that only say that it is a category go."""
        while units and (
            units[-1].text in {"#", "nr", "num", "number", "numbers", "CAT"} or units[-1].text == "no"
        ):
            if units[-1].text == "no" and not mention.is_number:
                break
            units.pop()
        sure = mention.sure
        text = "@?" if sure is None else f"@{sure + 1}"
        return Unit(text, self.tokens[mention.start].start, self.tokens[mention.end - 1].end, mention)

    def _past(self, place: int) -> int:
        """Beyond words after a mention that only say that it is a category: "the flight one"."""
        while place < len(self.tokens) and self.tokens[place].text in said.AFTER:
            after = self.tokens[place + 1].text if place + 1 < len(self.tokens) else ""
            if self.tokens[place].text in {"one", "ones"} and after in said.CATEGORY:
                break
            place += 1
        return place

    def _word(self, place: int) -> tuple[str, int]:
        """How patterns see a word, and how many tokens it takes."""
        texts = [token.text for token in self.tokens[place : place + 4]] + [""] * 4
        text, after = texts[0], texts[1]
        former = self.tokens[place - 1].text if place else ""
        if text in {"this", "that"} and (after == "one" or after in said.CATEGORY):
            return "IT", 2
        if text == "it" or (text in {"this", "that"} and former in said.VERBS):
            return "IT", 1
        if text in {"those", "these", "the"} and after in {"two", "both", "2"}:
            return "THEM", 2
        if text == "both" and after == "of" and texts[2] == "them":
            return "THEM", 3
        if text == "them" or (text in {"those", "these", "both"} and former in said.VERBS):
            return "THEM", 1
        if text == "sub" and (after in said.CATEGORY or (after == "-" and texts[2] in said.CATEGORY)):
            return "BELOW", 2 if after in said.CATEGORY else 3
        if text in said.CATEGORY:
            return "CAT", 1
        if text in said.BELOW:
            return "BELOW", 1
        if len(text) > 4 and text not in said.VERBS:
            slips = [word for word in said.SLIPS if alike(text, word) == 1]
            if len(slips) == 1:
                return "CAT" if slips[0] in said.CATEGORY else slips[0], 1
        return text, 1


def _once(units: Sequence[Unit]) -> list[Unit]:
    """Units without a category that is named twice in a row: "waiting times (3)", "category 3, Waiting Times,"."""
    kept: list[Unit] = []
    place = 0
    while place < len(units):
        unit = units[place]
        opened = len(kept) > 1 and kept[-1].text in {",", "("} and unit.mention is not None
        if opened and kept[-2].text == unit.text != "@?":
            mark = kept.pop().text
            follows = units[place + 1].text if place + 1 < len(units) else ""
            place += 1 + (follows == ("," if mark == "," else ")"))
            continue
        kept.append(unit)
        place += 1
    return kept


class Slices:
    """Finds the units that a part of a line was made of."""

    def __init__(self, units: Sequence[Unit], offset: int = 0) -> None:
        self.units = units
        self._offset = offset
        self._places: list[tuple[int, int, Unit]] = []
        at = 0
        for unit in units:
            if unit.text in said.FILL:
                continue
            self._places.append((at, at + len(unit.text), unit))
            at += len(unit.text) + 1

    def of(self, match: re.Match[str], group: str) -> tuple[Unit, ...]:
        """Units of a named group; none where it is not there."""
        if group not in match.re.groupindex or match.start(group) < 0:
            return ()
        return self.between(match.start(group) + self._offset, match.end(group) + self._offset)

    def between(self, start: int, end: int) -> tuple[Unit, ...]:
        """Units that begin in this part of the line."""
        return tuple(unit for begin, _, unit in self._places if start <= begin < end)


def line_of(units: Sequence[Unit]) -> str:
    """Units as patterns see them: without words that only fill."""
    return " ".join(unit.text for unit in units if unit.text not in said.FILL)


def clean(text: str) -> str:
    """A name without what trails after it; with a capital where it has none at all."""
    former = ""
    while former != text:
        former, text = text, normalise_name(said.TRAIL.sub("", text).strip(" \t.!?,;"))
    return text[:1].upper() + text[1:] if text == text.lower() else text


def chunks_of(units: Sequence[Unit]) -> list[list[Unit]]:
    """Units between separators, without what introduces a part."""
    chunks: list[list[Unit]] = [[]]
    for unit in units:
        if unit.text in SEPARATORS:
            chunks.append([])
        elif chunks[-1] or unit.text not in _INTRODUCING:
            chunks[-1].append(unit)
    return [chunk for chunk in chunks if chunk]


def sentences(units: Sequence[Unit], message: str) -> Iterator[tuple[tuple[Unit, ...], str]]:
    """Units between full stops and line breaks, and the mark that ends them."""
    sentence: list[Unit] = []
    for place, unit in enumerate(units):
        after = units[place + 1] if place + 1 < len(units) else None
        inside = unit.text == "." and after is not None and after.start == unit.end
        if unit.text in _ENDS and not inside:
            if sentence:
                yield tuple(sentence), unit.text
            sentence = []
            continue
        sentence.append(unit)
        if after is not None and "\n" in message[unit.end : after.start]:
            yield tuple(sentence), "\n"
            sentence = []
    if sentence:
        yield tuple(sentence), ""


def cut(sentence: Sequence[Unit]) -> list[tuple[Unit, ...]]:
    """A sentence in clauses: a new one begins where, after a joint, something is asked for."""
    cuts = [0]
    for place, unit in enumerate(sentence):
        if place and unit.text in _JOINTS and place > cuts[-1]:
            rest = line_of(sentence[place:])
            body = said.LEAD.sub("", rest)
            word = body.split(" ", 1)[0]
            asks = said.ASKS.match(rest) or said.REFUSES.match(rest)
            strong = asks and unit.text in {",", "but"}
            fresh = word in said.VERBS or _REQUESTED.match(body)
            if fresh and word not in said.VERBS and _LISTED.match(line_of(sentence[cuts[-1] : place])):
                continue  # "4 and 5 should be one"
            if strong or (body != rest and (fresh or (asks and unit.text in {"-", "–"}))):
                cuts.append(place)
    # Joints in a row (", and also") open one clause.
    cuts = [
        cut
        for place, cut in enumerate(cuts)
        if place == 0 or cut - cuts[place - 1] > 1 or cuts[place - 1] == 0
    ]
    return [tuple(sentence[a:b]) for a, b in zip(cuts, [*cuts[1:], len(sentence)], strict=True)]
