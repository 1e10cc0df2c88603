"""What a pattern's match asks for: edits upon the categories in it, with the names that stand in it.

A match may make no sense after all, as a merge of one category does; then there is no edit.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from ..prompts.plan import (
    AddAction,
    DescribeAction,
    MergeAction,
    MoveAction,
    NewPart,
    RemoveAction,
    RenameAction,
    SplitAction,
)
from ..taxonomy.names import normalise_name
from ..taxonomy.values import Taxonomy
from . import spoken_patterns as said
from .mentions import Mention, Token, words_in
from .spoken_units import SEPARATORS, Slices, Unit, chunks_of, clean, line_of

EditAction = RenameAction | DescribeAction | MergeAction | SplitAction | AddAction | RemoveAction | MoveAction
Found = tuple[tuple[EditAction, ...], bool]
"""Edits, and whether the words leave no doubt about them."""

_LONGEST_NAME: Final = 8
"""Words; what is longer is hardly meant as a name."""
_NO_CATEGORY: Final = re.compile(
    r"^(?:\d|(?:two|three|four|five|six|some|few|half|my|his|her)\b)|\b(?:to|into) (?:the|my|a|your|her|his)\b",
    re.IGNORECASE,
)
_RATHER: Final = re.compile(r",\s+not\s|[\s,]+(?:and not|rather than|instead of)\s", re.IGNORECASE)
_NO_NAME: Final = words_in("IT THEM something anything whatever sth better not")
_PRONOUNS: Final = words_in("one it me us them that this")


class Matches:
    """Reads matches of one message.

    Args:
        message: as typed.
        taxonomy: what it is about.
        tokens: its words and marks.
        mentions: the categories that it names.
        meant: numbers of what was spoken of before it.
        was_merge: those were to be merged.
        favoured: numbers that the model read.
    """

    def __init__(
        self,
        message: str,
        taxonomy: Taxonomy,
        tokens: Sequence[Token],
        mentions: Sequence[Mention],
        *,
        meant: tuple[int, ...],
        was_merge: bool,
        favoured: frozenset[int],
    ) -> None:
        self.message = message
        self.taxonomy = taxonomy
        self.tokens = tokens
        self.mentions = mentions
        self.meant = meant
        self.was_merge = was_merge
        self.favoured = favoured

    def pairs(self, units: Sequence[Unit], line: str) -> tuple[EditAction, ...]:
        """ "rename 3 to A and 5 to B"."""
        found = list(said.PAIR.finditer(line))
        if len(found) < 2 or not re.search(
            r"\b(?:rename|relabel|retitle|change|call|name)\s$", line[: found[0].start()]
        ):
            return ()
        slices, edits = Slices(units), list[EditAction]()
        for match, following in zip(found, [*found[1:], None], strict=True):
            inside = slices.between(match.end(), following.start() if following else len(line))
            while inside and inside[-1].text in SEPARATORS:
                inside = inside[:-1]
            categories = self._resolve(match[1])
            name = self.name(inside)
            if len(categories) != 1 or not name:
                return ()
            edits.append(RenameAction(do="rename", category=categories[0], name=name))
        return tuple(edits)

    def edits_of(self, op: str, match: re.Match[str], slices: Slices) -> Found | None:
        """What a pattern's match asks for, and whether without doubt; None where it makes no sense."""
        groups = match.groupdict()
        numbers = self._resolve("IT" if op == "instead" else groups.get("cats") or "")
        op = "rename" if op == "instead" else op
        if groups.get("cats") and not numbers:
            return None
        named = slices.of(match, "name")
        match op:
            case "merge":
                return self._merge(numbers, named, match[0])
            case "remove":
                return tuple(RemoveAction(do="remove", category=number) for number in numbers), True
            case "top":
                return tuple(MoveAction(do="move", category=number, under=0) for number in numbers), True
            case "move":
                under = self._resolve(groups["under"])
                if len(under) != 1 or under[0] in numbers:
                    return None
                return tuple(
                    MoveAction(do="move", category=number, under=under[0]) for number in numbers
                ), True
            case "split":
                return self._split(numbers, groups.get("how") or "", slices.of(match, "parts"))
            case "apart":
                first, second = (self.name(slices.of(match, group)) for group in ("first", "second"))
                if len(numbers) != 1 or not first or not second:
                    return None
                parts = (NewPart(name=first), NewPart(name=second))
                return (SplitAction(do="split", category=numbers[0], parts=parts),), True
            case "add":
                return self._add(named, groups.get("under"), slices)
        if len(numbers) != 1:
            return self._rename_merged(numbers, self.name(named)) if op == "rename" else None
        if op == "rename":
            name = self.name(named)
            others = [unit for unit in named if unit.mention is not None and unit.mention.is_full]
            if not name or (len(named) == 1 and others and named[0].text != f"@{numbers[0]}"):
                return None
            return (RenameAction(do="rename", category=numbers[0], name=name),), True
        text = self._text(slices, match)
        if op == "extend":
            old = self.taxonomy.categories[numbers[0] - 1].description.rstrip(" .")
            text = f"{old}; also {text[:1].lower()}{text[1:]}"
        description = text[:1].upper() + text[1:].rstrip(".") + "."
        return (DescribeAction(do="describe", category=numbers[0], description=description[:400]),), bool(
            text
        )

    def _rename_merged(self, numbers: tuple[int, ...], name: str) -> Found | None:
        """ "call it X" after "merge 1 and 2" that was not applied: the merge, with that name."""
        if len(numbers) < 2 or not name or not self.was_merge:
            return None
        return (MergeAction(do="merge", categories=numbers, name=name),), True

    def _merge(self, numbers: tuple[int, ...], named: Sequence[Unit], line: str) -> Found | None:
        text = line_of(named)
        skip = said.UNNAMED.match(f"{text} ")
        rest = Slices(named).between(skip.end() if skip else 0, len(text) + 1)
        if line.count(" with ") > 1:
            return None  # "merge 1 with 2 and 3 with 4"
        sure, name = True, ""
        mention = rest[0].mention if len(rest) == 1 else None
        if mention is not None and mention.sure is not None:
            target = mention.sure + 1
            if mention.is_full or (target not in numbers and (len(numbers) == 1 or target in self.favoured)):
                numbers = (target, *(number for number in numbers if number != target))
            else:
                name, sure = self.name(rest), sure and target in numbers
        elif rest:
            name = self.name(rest)
            if not name:
                return None
        if len(numbers) < 2:
            return None
        return (MergeAction(do="merge", categories=numbers, name=name),), sure

    def _split(self, numbers: tuple[int, ...], how: str, inside: Sequence[Unit]) -> Found | None:
        if len(numbers) != 1:
            return None
        text = line_of(inside)
        counted = said.COUNTED.match(text)
        rest = Slices(inside).between(counted.end() if counted else 0, len(text) + 1)
        if how in {"by", "according to", "based on", "along", "depending on"} or not rest:
            return (SplitAction(do="split", category=numbers[0]),), True
        names = [self.name(chunk) for chunk in chunks_of(rest)]
        if len(names) < 2 or not all(names):
            return None
        parts = tuple(NewPart(name=name) for name in names)
        return (SplitAction(do="split", category=numbers[0], parts=parts),), all(
            len(name.split()) < 6 for name in names
        )

    def _add(self, named: Sequence[Unit], under: str | None, slices: Slices) -> Found | None:
        text = line_of(named)
        below = said.PARENT.match(text)
        if under is None and below is not None:
            under = below["under"]
            named = Slices(named).between(0, below.end("name"))
        parents = self._resolve(under) if under else (0,)
        if len(parents) != 1 or not named or (len(named) == 1 and named[0].mention is not None):
            return None
        raw = self.message[named[0].start : named[-1].end]
        # "add two cups of flour" is no category; "add a topic for flour" is.
        told = any(
            unit.text in {"CAT", "BELOW", "one", "another", "new", "under", "below", "Q"}
            for unit in slices.units
        )
        name, *gloss = said.GLOSS.split(raw, maxsplit=1) if named[0].text != "Q" else [raw]
        if not told and _NO_CATEGORY.search(raw):
            return None
        several = [
            chunk for chunk in chunks_of(named) if line_of(chunk) not in {"add one", "add IT", "create one"}
        ]
        plural = any(
            self.message[unit.start : unit.end].lower().endswith("s")
            for unit in slices.units
            if unit.text in {"CAT", "BELOW"}
        )
        if not gloss and len(several) > 1 and (plural or any(unit.text == "," for unit in named)):
            names = [self.name(chunk) for chunk in several]
            if not all(names):
                return None
            adds = tuple(AddAction(do="add", name=each, under=parents[0]) for each in names)
            return adds, plural and len(several) == 2
        title = clean(name) if gloss else self.name(named)
        if not title or len(title.split()) > _LONGEST_NAME:
            return None
        description = clean(gloss[0].rstrip(" )")) if gloss else ""
        if description:
            description = f"{description.rstrip('.')}."
        add = AddAction(do="add", name=title, description=description[:400], under=parents[0])
        return (add,), told and len(title.split()) < 6

    # --- what words stand for

    def _resolve(self, text: str) -> tuple[int, ...]:
        """Numbers of the categories in a line; none where a pronoun stands for nothing clear."""
        numbers = [int(number) for number in re.findall(r"@(\d+)", text)]
        if re.search(r"\b(?:IT|THEM)\b", text):
            here = list(dict.fromkeys(self._said_here()))
            meant = here or list(self.meant)
            if "THEM" in text.split():
                if len(meant) < 2:
                    return ()
            elif len(meant) != 1 and not (self.was_merge and not here):
                return ()
            numbers += meant
        return tuple(dict.fromkeys(numbers))

    def _said_here(self) -> Iterator[int]:
        """Numbers that this message names before its first pronoun."""
        pronoun = next(
            (
                token.start
                for token in self.tokens
                if token.text in {"it", "them", "that", "this", "those", "these", "both"}
                and any(mention.start < self.tokens.index(token) for mention in self.mentions)
            ),
            len(self.message),
        )
        for mention in self.mentions:
            if mention.sure is not None and self.tokens[mention.start].start < pronoun:
                yield mention.sure + 1

    def name(self, units: Sequence[Unit]) -> str:
        """A new name as it was typed; empty where the words are none."""
        units = (
            [unit for unit in units if unit.text not in {":", "-", ">"}] if len(units) == 1 else list(units)
        )
        while units and (
            units[0].text in said.FILL or units[0].text in {":", "-", ",", "=", ">", "like", "to", "as"}
        ):
            units.pop(0)
        quotes = [unit for unit in units if unit.text == "Q"]
        if len(quotes) == 1:
            return normalise_name(self.message[quotes[0].start : quotes[0].end])
        if not units or units[0].text in _NO_NAME:
            return ""
        raw = _RATHER.split(self.message[units[0].start : units[-1].end], maxsplit=1)[0]
        name = clean(raw)
        if name.lower() in _PRONOUNS:
            return ""
        return name if len(name.split()) <= _LONGEST_NAME else ""

    def _text(self, slices: Slices, match: re.Match[str]) -> str:
        """A description as it was typed, with the article that patterns do not see."""
        units = slices.of(match, "text")
        if not units:
            return ""
        at = slices.units.index(units[0])
        while at and slices.units[at - 1].text in {"a", "an", "the", "all"}:
            at -= 1
        return clean(self.message[slices.units[at].start : units[-1].end])
