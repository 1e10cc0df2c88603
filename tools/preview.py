"""What edits would do, shown before they are applied: sentences, the texts they touch, an example of each, the cost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..taxonomy.apply import AppliedEdit, apply
from ..taxonomy.edits import Add, Merge, Move, Redefine, Remove, Split
from ..taxonomy.values import Taxonomy
from ..taxonomy.version import Version
from .edit_wording import word_version
from .plain import shorten

WIDTH = 100
"""Characters of an example."""


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """One edit that would be applied.

    Attributes:
        op: "add", "redefine", "merge", "split", "remove" or "move".
        text: the sentence, names in quotes.
        detail: the description that comes with it, or what a split's parts would get, or "".
        documents: texts that it touches, where they are when its turn comes.
        example: the beginning of one of them, on one line; "" where there is none.
    """

    op: str
    text: str
    detail: str
    documents: int
    example: str


@dataclass(frozen=True, slots=True)
class Preview:
    """A proposal: what would be changed, what would not and why, and what it would cost.

    Attributes:
        lines: the edits in order of application.
        refused: (sentence, reason) of each edit that cannot be applied.
        calls: LLM calls that follow from it.
        tokens: about how many tokens these take.
        note: what the counts are of, or "".
    """

    lines: tuple[PreviewLine, ...]
    refused: tuple[tuple[str, str], ...]
    calls: int
    tokens: int
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """JSON types, for the state."""
        values = asdict(self)
        return {**values, "lines": list(values["lines"]), "refused": [list(pair) for pair in self.refused]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Preview":
        """What `to_dict` gave."""
        lines = tuple(PreviewLine(**line) for line in values["lines"])
        refused = tuple((str(text), str(reason)) for text, reason in values["refused"])
        return cls(lines, refused, values["calls"], values["tokens"], values.get("note", ""))


def preview(
    before: Version,
    after: Version,
    *,
    members: Mapping[str | None, Sequence[int]],
    text_of: Callable[[int], str],
    calls: int,
    tokens_per_call: float,
    note: str = "",
) -> Preview:
    """Show what leads from one version to its child.

    Args:
        before: the parent.
        after: the child; its edits and refusals are shown.
        members: numbers of the documents by category id, of the parent's categories; also, where that is known, of
            those that the child creates. Each document stands once among the parent's. None has the undefined.
        text_of: a document's text by number.
        calls: LLM calls that applying it brings about.
        tokens_per_call: what one of them takes.
        note: what to say about the counts.
    """
    worded, refused = word_version(after, before.taxonomy)
    steps = apply(before.taxonomy, after.edits, origin=before.id).applied
    ledger = _Ledger(before.taxonomy, after.taxonomy, members)
    lines = []
    for line, step in zip(worded, steps, strict=True):
        touched = ledger.touched(step)
        lines.append(
            PreviewLine(
                op=line.op,
                text=line.text,
                detail=ledger.parts(step) or line.detail,
                documents=len(touched),
                example=ledger.example(step, touched, text_of),
            )
        )
        ledger.follow(step)
    return Preview(
        lines=tuple(lines),
        refused=tuple((line.text, reason) for line, reason in refused),
        calls=calls,
        tokens=round(calls * tokens_per_call),
        note=note,
    )


class _Ledger:
    """Where the documents are, edit by edit: after "merge A and B", the texts of B are A's."""

    def __init__(
        self, before: Taxonomy, after: Taxonomy, members: Mapping[str | None, Sequence[int]]
    ) -> None:
        self._members = members
        self._where = {category.id: list(members.get(category.id, ())) for category in before}
        self._parent = {category.id: category.parent for category in before}
        self._exemplars = {category.id: category.exemplars for category in (*after, *before)}

    def touched(self, step: AppliedEdit) -> list[int]:
        """The documents of the categories that an edit is about, those below them included."""
        edit = step.edit
        match edit:
            case Add():
                return list(self._members.get(step.ids_born[0], ()))
            case Merge():
                chosen = set(edit.ids)
            case Redefine() | Split() | Remove() | Move():
                chosen = {edit.id}
        if not isinstance(edit, Remove):  # what is below a removed category stays
            chosen |= {child for child, parent in self._parent.items() if parent in chosen}
        return [number for category in self._where if category in chosen for number in self._where[category]]

    def parts(self, step: AppliedEdit) -> str:
        """What each part of a split would get, as far as that is known."""
        if not isinstance(step.edit, Split):
            return ""
        return "; ".join(
            f"“{part.name}” {len(self._members[born]):,}" if born in self._members else f"“{part.name}”"
            for part, born in zip(step.edit.parts, step.ids_born, strict=True)
        )

    def example(self, step: AppliedEdit, touched: Sequence[int], text_of: Callable[[int], str]) -> str:
        """One that shows the category well, where one of its exemplars is among them; else the first."""
        if not touched:
            return ""
        among = set(touched)
        shown = [
            number
            for category in (*step.ids_touched, *step.ids_born)
            for number in self._exemplars.get(category, ())
            if number in among
        ]
        return shorten(text_of((shown or touched)[0]), WIDTH)

    def follow(self, step: AppliedEdit) -> None:
        """Let an edit move the documents and the categories."""
        edit = step.edit
        match edit:
            case Add():
                self._where[step.ids_born[0]] = list(self._members.get(step.ids_born[0], ()))
                self._parent[step.ids_born[0]] = edit.parent
            case Merge():
                kept, *others = edit.ids
                for other in others:
                    self._where[kept] = self._where[kept] + self._where.pop(other)
                    del self._parent[other]
                self._parent = {
                    child: kept if parent in others else parent for child, parent in self._parent.items()
                }
                if self._parent[kept] == kept:  # it was below one that it takes in
                    self._parent[kept] = None
            case Split():
                above = self._parent.pop(edit.id)
                del self._where[edit.id]
                for born in step.ids_born:
                    self._where[born] = list(self._members.get(born, ()))
                    self._parent[born] = above
            case Remove():
                del self._where[edit.id], self._parent[edit.id]
                self._parent = {
                    child: None if parent == edit.id else parent for child, parent in self._parent.items()
                }
            case Move():
                self._parent[edit.id] = edit.parent
            case Redefine():
                pass
