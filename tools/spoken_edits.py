"""The edits that a message's own words ask for, where they are put in one of the ways that people put them.

A message is cut into clauses, and a clause into units; `spoken_patterns` says what is asked for, and what stands where
a new name goes is taken from the message as it was typed. A clause that no pattern fits whole is left open, for the
model's reading of it. Nothing here acts: `understand` compares it with what the model has read.
Numbers of categories count from 1.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from ..prompts.plan import AddAction, MergeAction, RenameAction
from ..taxonomy.values import Taxonomy
from . import spoken_patterns as said
from .mentions import Mention, Token, find_mentions, tokenise
from .spoken_matches import EditAction, Matches
from .spoken_units import Slices, Unit, cut, line_of, sentences, units_of

_POLITE: Final = re.compile(r"\b(?:can|could|would|will) (?:you|we|u)\b|\bplease\b")
_PLACES_IT: Final = re.compile(
    r"(?:(?:and|,|then)\s)*(?:put|move|place|nest) (?:IT|that) (?:under|below|beneath|inside|in|into) @(\d+)$"
)
_NAMES_IT: Final = re.compile(r"(?:and\s|,\s|then\s)*(?:call|name|rename)\s(?:IT|THEM|result|new one)\s")


class Kind(StrEnum):
    """What a clause is."""

    EDIT = "edit"
    OPEN = "open"
    QUESTION = "question"
    NEGATED = "negated"
    NOISE = "noise"


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
            clause.kind is Kind.NOISE or (clause.kind is Kind.EDIT and clause.is_plain)
            for clause in self.clauses
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
        self.tokens = tokenise(message)
        self.mentions = find_mentions(self.tokens, taxonomy, said.VERBS | said.INFLECTED)
        self.meant, was_merge = _meant(taxonomy, before)
        self._asked = Matches(
            message,
            taxonomy,
            self.tokens,
            self.mentions,
            meant=self.meant,
            was_merge=was_merge,
            favoured=favoured,
        )

    def read(self) -> Spoken:
        clauses: list[Clause] = []
        for sentence, end in sentences(units_of(self.message, self.tokens, self.mentions), self.message):
            pieces = cut(sentence)
            supposed = self._supposes(pieces[0], end)
            while pieces:
                clause = self._clause(pieces.pop(0), end)
                if pieces and (placed := self._placed_later(clause, line_of(pieces[0]))):
                    clause = placed
                    pieces.pop(0)
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
                if supposed and (supposed == "if" or not _POLITE.search(clause.line)):
                    clause = replace(clause, kind=Kind.QUESTION, edits=())
                clauses = self._named_later(clauses, clause)
        return Spoken(self.message, self.tokens, tuple(clauses), self.mentions, self.meant)

    def _supposes(self, units: Sequence[Unit], end: str) -> str:
        """How a sentence asks or supposes from its beginning to its end; empty where it does not."""
        first = self._clause(units, end)
        if end != "?" or first.kind is not Kind.QUESTION:
            return ""
        return "if" if re.match(r"(?:and |but |so )*(?:if|suppose|imagine|assume)\b", first.line) else "asks"

    def _named_later(self, clauses: list[Clause], clause: Clause) -> list[Clause]:
        """With "merge 1 and 2 and call it X" the second clause names what the first makes."""
        at = max((place for place, each in enumerate(clauses) if each.edits), default=None)
        if at is None or not _NAMES_IT.match(clause.line):
            return [*clauses, clause]
        name = next((edit.name for edit in clause.edits if isinstance(edit, RenameAction)), "")
        name = name or self._last_name(clause)
        former = clauses[at]
        made = former.edits[-1]
        if not isinstance(made, MergeAction) or not name:
            return [*clauses, clause]
        edits = (*former.edits[:-1], made.model_copy(update={"name": name}))
        clauses[at] = replace(former, units=(*former.units, *clause.units), edits=edits)
        return clauses

    def _placed_later(self, clause: Clause, line: str) -> Clause | None:
        """With "add X and put it under 1" the second clause says where the first one's category goes."""
        found = _PLACES_IT.match(line)
        made = clause.edits[-1] if clause.edits else None
        if found is None or not isinstance(made, AddAction) or made.under:
            return None
        return replace(clause, edits=(*clause.edits[:-1], made.model_copy(update={"under": int(found[1])})))

    def _last_name(self, clause: Clause) -> str:
        units = [unit for unit in clause.units if unit.text not in said.FILL]
        at = next((place for place, unit in enumerate(units) if unit.text in {"IT", "THEM", "result"}), None)
        return "" if at is None else self._asked.name(units[at + 1 :])

    # --- clauses

    def _clause(self, units: Sequence[Unit], end: str) -> Clause:
        told = tuple(units)
        line = line_of(told)
        if all(unit.text in said.NOISE or unit.text in said.FILL for unit in told):
            return Clause(told, line, Kind.NOISE)
        if said.ASKS.match(line):
            return Clause(told, line, Kind.QUESTION)
        if said.REFUSES.match(line) or said.UNWANTED.search(line):
            return Clause(told, line, Kind.NEGATED)
        lead = said.LEAD.match(line)
        offset = lead.end() if lead else 0
        body = re.sub(r"(?:\s(?:,|and|-|:|\(|\)))+$", "", line[offset:])
        polite = lead is not None and re.search(r"\b(?:can|could|would|will)\b", lead[0]) is not None
        asked = end == "?" and not polite
        pairs = self._asked.pairs(told, line)
        if pairs:
            return Clause(told, line, Kind.EDIT, pairs, not asked)
        short = said.REASON.sub("", body)
        for op, plain, pattern in said.PATTERNS:
            match = pattern.match(body if op in {"add", "describe", "extend"} else short)
            if match is None:
                continue
            found = self._asked.edits_of(op, match, Slices(told, offset))
            if found is not None:
                edits, sure = found
                return Clause(told, line, Kind.EDIT, edits, plain and sure and not asked)
        return Clause(told, line, Kind.OPEN, is_plain=False)


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
