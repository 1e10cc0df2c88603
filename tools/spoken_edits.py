"""The edits that a message's own words ask for, where they are put in one of the ways that people put them.

A message is cut into clauses, and a clause into units; `spoken_patterns` says what is asked for, and what stands where
a new name goes is taken from the message as it was typed. A clause that no pattern fits whole is left open, for the
model's reading of it. Nothing here acts: `understand` compares it with what the model has read.
Numbers of categories count from 1.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

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
from .mentions import Mention, Token, alike, find_mentions, tokenise

EditAction = (
    RenameAction | DescribeAction | MergeAction | SplitAction | AddAction | RemoveAction | MoveAction
)

_LONGEST_NAME = 8
"""Words; what is longer is hardly meant as a name."""
_NO_CATEGORY = re.compile(
    r"^(?:\d|(?:two|three|four|five|six|some|few|half|my|his|her)\b)|\b(?:to|into) (?:the|my|a|your|her|his)\b", re.IGNORECASE
)
_ENDS = frozenset(".!?;")
_SEPARATORS = frozenset({",", "and", "&", "vs", "versus", "/", "plus", ";", "+", "or"})
_JOINTS = frozenset({",", "and", "&", "but", "then", "plus", "also", "-", "–", "or", ":"})


class Kind(StrEnum):
    """What a clause is."""

    EDIT = "edit"
    OPEN = "open"
    QUESTION = "question"
    NEGATED = "negated"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class Unit:
    """A piece of a clause: how patterns see it, and where it stands in the message."""

    text: str
    start: int
    end: int
    mention: Mention | None = None


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a message that asks for one thing.

    Attributes:
        units: its pieces.
        line: them as patterns see them.
        kind: what it is.
        edits: what it asks for (`EDIT`).
        is_plain: its words leave no doubt; else the model must have read the same operation.
    """

    units: tuple[Unit, ...]
    line: str
    kind: Kind
    edits: tuple[EditAction, ...] = ()
    is_plain: bool = True

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """The categories that it names."""
        return tuple(unit.mention for unit in self.units if unit.mention is not None)

    def text_in(self, message: str) -> str:
        """It as typed."""
        return message[self.units[0].start : self.units[-1].end]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message, read by its words alone.

    Attributes:
        message: as typed.
        tokens: its words and marks.
        clauses: in order.
        mentions: all categories that it names.
        meant: numbers of the categories that a pronoun at its beginning stands for, from what was said before.
    """

    message: str
    tokens: tuple[Token, ...]
    clauses: tuple[Clause, ...]
    mentions: tuple[Mention, ...]
    meant: tuple[int, ...]

    @property
    def edits(self) -> tuple[EditAction, ...]:
        """What its clauses ask for."""
        return tuple(edit for clause in self.clauses for edit in clause.edits)

    @property
    def is_settled(self) -> bool:
        """Whether it asks for edits without doubt, and says nothing else that matters."""
        return bool(self.edits) and all(
            clause.kind is Kind.NOISE or (clause.kind is Kind.EDIT and clause.is_plain) for clause in self.clauses
        )

    def having(self, kind: Kind) -> tuple[Clause, ...]:
        """The clauses of a kind."""
        return tuple(clause for clause in self.clauses if clause.kind is kind)


def read_words(
    message: str, taxonomy: Taxonomy, *, before: Sequence[str] = (), favoured: frozenset[int] = frozenset()
) -> Spoken:
    """Read a message by its words.

    Args:
        message: as typed.
        taxonomy: what it is about.
        before: what the user said before, the last last: what a pronoun may stand for.
        favoured: numbers that the model read; they decide whether a word is a category or a new name, where it may be
            both.
    """
    return _Reader(message, taxonomy, before, favoured).read()


class _Reader:
    def __init__(
        self, message: str, taxonomy: Taxonomy, before: Sequence[str], favoured: frozenset[int]
    ) -> None:
        self.message = message
        self.taxonomy = taxonomy
        self.favoured = favoured
        self.tokens = tokenise(message)
        self.mentions = find_mentions(self.tokens, taxonomy, said.VERBS | said.INFLECTED)
        self.meant, self.was_merge = _meant(taxonomy, before)
        self.last: tuple[EditAction, ...] = ()

    def read(self) -> Spoken:
        clauses: list[Clause] = []
        for sentence, end in _sentences(self._units(), self.message):
            pieces = _cut(sentence)
            while pieces:
                clause = self._clause(pieces.pop(0), end)
                while pieces and self._clause(pieces[0], end).kind is Kind.OPEN:
                    # What follows makes no sense alone: it may belong to a name.
                    joined = self._clause((*clause.units, *pieces[0]), end)
                    if joined.kind is not Kind.EDIT:
                        break
                    clause = joined
                    pieces.pop(0)
                if clause.kind is Kind.OPEN and pieces:
                    joined = self._clause((*clause.units, *pieces[0]), end)
                    if joined.kind is Kind.EDIT:
                        clause = joined
                        pieces.pop(0)
                clauses = self._named_later(clauses, clause)
                self.last = clause.edits or self.last
        return Spoken(self.message, self.tokens, tuple(clauses), self.mentions, self.meant)

    def _named_later(self, clauses: list[Clause], clause: Clause) -> list[Clause]:
        """With "merge 1 and 2 and call it X" the second clause names what the first makes."""
        if re.match(r"(?:and\s|,\s|then\s)*(?:call|name|rename)\s(?:IT|THEM|result|new one)\s", clause.line) and self.last:
            name = next((edit.name for edit in clause.edits if isinstance(edit, RenameAction)), "") or self._last_name(
                clause
            )
            made = self.last[-1]
            if isinstance(made, MergeAction) and name:
                *others, former = clauses
                named = made.model_copy(update={"name": name})
                joined = replace(
                    former, units=(*former.units, *clause.units), edits=(*former.edits[:-1], named)
                )
                return [*others, joined]
        return [*clauses, clause]

    def _last_name(self, clause: Clause) -> str:
        units = [unit for unit in clause.units if unit.text not in said.FILL]
        at = next((place for place, unit in enumerate(units) if unit.text in {"IT", "THEM", "result"}), None)
        return "" if at is None else self._name(units[at + 1 :])

    # --- units

    def _units(self) -> list[Unit]:
        quotes = [
            (match.start(), match.end(), *next(span for span in map(match.span, range(1, 8)) if span != (-1, -1)))
            for match in said.QUOTES.finditer(self.message)
        ]
        starts = {mention.start: mention for mention in self.mentions}
        units: list[Unit] = []
        place = 0
        while place < len(self.tokens):
            token = self.tokens[place]
            quote = next((quote for quote in quotes if quote[0] <= token.start < quote[1]), None)
            if quote is not None:
                inside = [i for i in range(place, len(self.tokens)) if quote[2] <= self.tokens[i].start < quote[3]]
                whole = starts.get(inside[0]) if inside else None
                if whole is not None and whole.end == inside[-1] + 1:
                    units.append(self._mention(whole, units))
                elif inside:
                    units.append(Unit("Q", quote[2], quote[3]))
                place = next(
                    (i for i in range(place, len(self.tokens)) if self.tokens[i].start >= quote[1]), len(self.tokens)
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
        return units

    def _mention(self, mention: Mention, units: list[Unit]) -> Unit:
        """Its unit; words before it that only say that it is a category go."""
        while units and (units[-1].text in {"#", "nr", "num", "number", "numbers", "CAT"} or units[-1].text == "no"):
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

    # --- clauses

    def _clause(self, units: Sequence[Unit], end: str) -> Clause:
        told = tuple(units)
        line = _line(told)
        if all(unit.text in said.NOISE or unit.text in said.FILL for unit in told):
            return Clause(told, line, Kind.NOISE)
        if said.ASKS.match(line):
            return Clause(told, line, Kind.QUESTION)
        if said.REFUSES.match(line):
            return Clause(told, line, Kind.NEGATED)
        lead = said.LEAD.match(line)
        offset = lead.end() if lead else 0
        body = re.sub(r"(?:\s(?:,|and|-|:|\(|\)))+$", "", line[offset:])
        polite = lead is not None and re.search(r"\b(?:can|could|would|will)\b", lead[0]) is not None
        asked = end == "?" and not polite
        pairs = self._pairs(told, line)
        if pairs:
            return Clause(told, line, Kind.EDIT, pairs, not asked)
        short = said.REASON.sub("", body)
        for op, plain, pattern in said.PATTERNS:
            match = pattern.match(body if op in {"add", "describe", "extend"} else short)
            if match is None:
                continue
            found = self._edits(op, match, _Slices(told, line, offset))
            if found is not None:
                edits, sure = found
                return Clause(told, line, Kind.EDIT, edits, plain and sure and not asked)
        return Clause(told, line, Kind.OPEN, is_plain=False)

    def _pairs(self, units: Sequence[Unit], line: str) -> tuple[EditAction, ...]:
        """ "rename 3 to A and 5 to B"."""
        found = list(said.PAIR.finditer(line))
        if len(found) < 2 or not re.search(r"\b(?:rename|relabel|retitle|change|call|name)\s$", line[: found[0].start()]):
            return ()
        slices, edits = _Slices(units, line, 0), list[EditAction]()
        for match, following in zip(found, [*found[1:], None], strict=True):
            inside = slices.between(match.end(), following.start() if following else len(line))
            while inside and inside[-1].text in _SEPARATORS:
                inside = inside[:-1]
            (category,) = self._resolve(match[1]) or (0,)
            name = self._name(inside)
            if not category or not name:
                return ()
            edits.append(RenameAction(do="rename", category=category, name=name))
        return tuple(edits)

    def _edits(
        self, op: str, match: re.Match[str], slices: "_Slices"
    ) -> tuple[tuple[EditAction, ...], bool] | None:
        """What a pattern's match asks for, and whether without doubt; None where it makes no sense."""
        groups = match.groupdict()
        numbers = self._resolve(groups.get("cats") or "")
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
                return tuple(MoveAction(do="move", category=number, under=under[0]) for number in numbers), True
            case "split":
                return self._split(numbers, groups.get("how") or "", slices.of(match, "parts"))
            case "apart":
                first, second = (self._name(slices.of(match, group)) for group in ("first", "second"))
                if len(numbers) != 1 or not first or not second:
                    return None
                parts = (NewPart(name=first), NewPart(name=second))
                return (SplitAction(do="split", category=numbers[0], parts=parts),), True
            case "add":
                return self._add(named, groups.get("under"), slices, match)
        if len(numbers) != 1:
            return self._rename_merged(numbers, self._name(named)) if op == "rename" else None
        if op == "rename":
            name = self._name(named)
            others = [unit for unit in named if unit.mention is not None and unit.mention.is_full]
            if not name or (len(named) == 1 and others and named[0].text != f"@{numbers[0]}"):
                return None
            return (RenameAction(do="rename", category=numbers[0], name=name),), True
        text = self._text(slices.of(match, "text"))
        if op == "extend":
            old = self.taxonomy.categories[numbers[0] - 1].description.rstrip(" .")
            text = f"{old}; also {text}"
        description = text[:1].upper() + text[1:].rstrip(".") + "."
        return (DescribeAction(do="describe", category=numbers[0], description=description[:400]),), bool(text)

    def _rename_merged(
        self, numbers: tuple[int, ...], name: str
    ) -> tuple[tuple[EditAction, ...], bool] | None:
        """ "call it X" after "merge 1 and 2" that was not applied: the merge, with that name."""
        if len(numbers) < 2 or not name or not self.was_merge:
            return None
        return (MergeAction(do="merge", categories=numbers, name=name),), True

    def _merge(
        self, numbers: tuple[int, ...], named: Sequence[Unit], line: str
    ) -> tuple[tuple[EditAction, ...], bool] | None:
        text = _line(named)
        skip = said.UNNAMED.match(f"{text} ")
        rest = _Slices(named, text, 0).between(skip.end() if skip else 0, len(text) + 1)
        sure = line.count(" with ") < 2
        name = ""
        mention = rest[0].mention if len(rest) == 1 else None
        if mention is not None and mention.sure is not None:
            target = mention.sure + 1
            if mention.is_full or (target not in numbers and (len(numbers) == 1 or target in self.favoured)):
                numbers = (target, *(number for number in numbers if number != target))
            else:
                name, sure = self._name(rest), sure and target in numbers
        elif rest:
            name = self._name(rest)
            if not name:
                return None
        if len(numbers) < 2:
            return None
        return (MergeAction(do="merge", categories=numbers, name=name),), sure

    def _split(
        self, numbers: tuple[int, ...], how: str, inside: Sequence[Unit]
    ) -> tuple[tuple[EditAction, ...], bool] | None:
        if len(numbers) != 1:
            return None
        text = _line(inside)
        counted = said.COUNTED.match(text)
        rest = _Slices(inside, text, 0).between(counted.end() if counted else 0, len(text) + 1)
        if how in {"by", "according to", "based on", "along", "depending on"} or not rest:
            return (SplitAction(do="split", category=numbers[0]),), True
        names = [self._name(chunk) for chunk in _chunks(rest)]
        if len(names) < 2 or not all(names):
            return None
        parts = tuple(NewPart(name=name) for name in names)
        return (SplitAction(do="split", category=numbers[0], parts=parts),), all(
            len(name.split()) < 6 for name in names
        )

    def _add(
        self, named: Sequence[Unit], under: str | None, slices: "_Slices", match: re.Match[str]
    ) -> tuple[tuple[EditAction, ...], bool] | None:
        text = _line(named)
        below = said.PARENT.match(text)
        if under is None and below is not None:
            under = below["under"]
            named = _Slices(named, text, 0).between(0, below.end("name"))
        parents = self._resolve(under) if under else (0,)
        if len(parents) != 1 or not named or (len(named) == 1 and named[0].mention is not None):
            return None
        raw = self.message[named[0].start : named[-1].end]
        # "add two cups of flour" is no category; "add a topic for flour" is.
        told = any(
            unit.text in {"CAT", "BELOW", "one", "another", "new", "under", "below", "Q"} for unit in slices.units
        )
        name, *gloss = said.GLOSS.split(raw, maxsplit=1) if named[0].text != "Q" else [raw]
        if not told and _NO_CATEGORY.search(raw):
            return None
        several = [chunk for chunk in _chunks(named) if _line(chunk) not in {"add one", "add IT", "create one"}]
        plural = any(self.message[unit.start : unit.end].lower().endswith("s") for unit in slices.units if unit.text in {"CAT", "BELOW"})
        if not gloss and len(several) > 1 and (plural or any(unit.text == "," for unit in named)):
            names = [self._name(chunk) for chunk in several]
            if not all(names):
                return None
            adds = tuple(AddAction(do="add", name=each, under=parents[0]) for each in names)
            return adds, plural and len(several) == 2
        clean = _clean(name) if gloss else self._name(named)
        if not clean or len(clean.split()) > _LONGEST_NAME:
            return None
        description = _clean(gloss[0].rstrip(" )")) if gloss else ""
        if description:
            description = f"{description.rstrip('.')}."
        add = AddAction(do="add", name=clean, description=description[:400], under=parents[0])
        return (add,), told and len(clean.split()) < 6

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
            (token.start for token in self.tokens if token.text in {"it", "them", "that", "this", "those", "these", "both"}
             and any(mention.start < self.tokens.index(token) for mention in self.mentions)),
            len(self.message),
        )
        for mention in self.mentions:
            if mention.sure is not None and self.tokens[mention.start].start < pronoun:
                yield mention.sure + 1

    def _name(self, units: Sequence[Unit]) -> str:
        """A new name as it was typed; empty where the words are none."""
        units = [unit for unit in units if unit.text not in {":", "-", ">"}] if len(units) == 1 else list(units)
        while units and (units[0].text in said.FILL or units[0].text in {":", "-", ",", "=", ">", "like", "to", "as"}):
            units.pop(0)
        quotes = [unit for unit in units if unit.text == "Q"]
        if len(quotes) == 1:
            return normalise_name(self.message[quotes[0].start : quotes[0].end])
        if not units or units[0].text in {"IT", "THEM", "something", "anything", "whatever", "sth", "better", "not"}:
            return ""
        name = _clean(self.message[units[0].start : units[-1].end])
        if name.lower() in {"one", "it", "me", "us"}:
            return ""
        return name if len(name.split()) <= _LONGEST_NAME else ""

    def _text(self, units: Sequence[Unit]) -> str:
        return _clean(self.message[units[0].start : units[-1].end]) if units else ""


class _Slices:
    """Finds the units that a part of a line was made of."""

    def __init__(self, units: Sequence[Unit], line: str, offset: int) -> None:
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


def _line(units: Sequence[Unit]) -> str:
    return " ".join(unit.text for unit in units if unit.text not in said.FILL)


def _clean(text: str) -> str:
    """A name without what trails after it; with a capital where it has none at all."""
    former = ""
    while former != text:
        former, text = text, normalise_name(said.TRAIL.sub("", text).strip(" \t.!?,;"))
    return text[:1].upper() + text[1:] if text == text.lower() else text


def _chunks(units: Sequence[Unit]) -> list[list[Unit]]:
    """Units between separators, without what introduces a part."""
    chunks: list[list[Unit]] = [[]]
    for unit in units:
        if unit.text in _SEPARATORS:
            chunks.append([])
        elif chunks[-1] or unit.text not in {"one", "another", "for", "about", "called", "named", "with", "other"}:
            chunks[-1].append(unit)
    return [chunk for chunk in chunks if chunk]


def _sentences(units: Sequence[Unit], message: str) -> Iterator[tuple[tuple[Unit, ...], str]]:
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


def _cut(sentence: Sequence[Unit]) -> list[tuple[Unit, ...]]:
    """A sentence in clauses: a new one begins where, after a joint, something is asked for."""
    cuts = [0]
    for place, unit in enumerate(sentence):
        if place and unit.text in _JOINTS and place > cuts[-1]:
            rest = _line(sentence[place:])
            body = said.LEAD.sub("", rest)
            word = body.split(" ", 1)[0]
            asks = said.ASKS.match(rest) or said.REFUSES.match(rest)
            fresh = word in said.VERBS or re.match(r"@\d+ (?:should|can|could|must|needs to|has to)\b", body)
            if (fresh or (asks and unit.text in {",", "but", "-", "–"})) and body != rest:
                cuts.append(place)
            elif asks and unit.text in {",", "but"}:
                cuts.append(place)
    # Joints in a row (", and also") open one clause.
    cuts = [cut for place, cut in enumerate(cuts) if place == 0 or cut - cuts[place - 1] > 1 or cuts[place - 1] == 0]
    return [tuple(sentence[a:b]) for a, b in zip(cuts, [*cuts[1:], len(sentence)], strict=True)]


def _meant(taxonomy: Taxonomy, before: Sequence[str]) -> tuple[tuple[int, ...], bool]:
    """Numbers of what was spoken of last, and whether it was to be merged.

    After an edit numbers may have moved, so that only names count there.
    """
    for text in reversed(before):
        tokens = tokenise(text)
        words = {token.text for token in tokens}
        edits = bool(words & said.VERBS)
        numbers = [
            mention.sure + 1
            for mention in find_mentions(tokens, taxonomy, said.VERBS | said.INFLECTED)
            if mention.sure is not None and not (edits and mention.is_number)
        ]
        if numbers:
            merges = bool(words & {"merge", "combine", "join", "together", "unite", "one"}) and edits
            return tuple(dict.fromkeys(numbers)), merges and len(numbers) > 1
    return (), False
