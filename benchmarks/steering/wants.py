"""What a message should come to, and whether a plan is that. Nothing here talks to an LLM."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from tnt_llm.taxonomy.edits import Add, Edit, Merge, Move, Redefine, Remove, Split
from tnt_llm.taxonomy.names import same_name
from tnt_llm.taxonomy.plan import Plan
from tnt_llm.taxonomy.values import Taxonomy

FOLDER = Path(__file__).parent
HALVES = {"dev": FOLDER / "dev.jsonl", "held-out": FOLDER / "held_out.jsonl"}
KINDS = (
    "rename",
    "merge",
    "split",
    "add",
    "remove",
    "move",
    "two",
    "constraint",
    "question",
    "approval",
    "nonsense",
    "injection",
)


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a half.

    Attributes:
        id: unique in both halves.
        text: what the user types.
        before: the conversation so far, as the state keeps it.
        kind: of `KINDS`.
        wants: what is wanted, and what is as good.
    """

    id: str
    text: str
    before: tuple[dict[str, Any], ...]
    kind: str
    wants: tuple[Mapping[str, Any], ...]

    @property
    def is_edit_request(self) -> bool:
        """Whether an edit is wanted."""
        return bool(self.wants[0]["edits"])


@dataclass(frozen=True, slots=True)
class Named:
    """One edit of a plan, categories by name.

    Attributes:
        op: as in the algebra.
        categories: that it is about.
        name: of the new category, the new name, or the one that a merge leaves; None where there is none.
        parent: of a new or moved category; None is the top.
        parts: names of a split's parts; none when they are still to be found.
    """

    op: str
    categories: frozenset[str]
    name: str | None = None
    parent: str | None = None
    parts: tuple[str, ...] = ()


def read_taxonomy() -> Taxonomy:
    """The taxonomy that all the messages are about."""
    return Taxonomy.model_validate_json((FOLDER / "taxonomy.json").read_bytes())


def read_half(half: str) -> list[Message]:
    """The messages of `dev` or `held-out`."""
    return [_message(json.loads(line)) for line in HALVES[half].read_text(encoding="utf-8").splitlines()]


def _message(line: Mapping[str, Any]) -> Message:
    turn, before = 0, []
    for said in line["before"]:
        turn += said["role"] == "user"
        before.append({**said, "turn": turn})
    wants = line["wants"]
    return Message(
        id=line["id"],
        text=line["message"],
        before=tuple(before),
        kind=line["kind"],
        wants=(wants, *wants.get("or", ())),
    )


def has_edit(plan: Plan) -> bool:
    """Whether anything would change, whatever the intent says."""
    return bool(plan.edits) or plan.split is not None


def is_right(message: Message, plan: Plan, taxonomy: Taxonomy) -> bool:
    """Whether an edit request got its edits, and nothing more; whether anything else got none."""
    if not message.is_edit_request:
        return not has_edit(plan)
    found = name_edits(plan, taxonomy)
    return plan.intent.value == "edit" and any(_same(wants["edits"], found) for wants in message.wants)


def is_understood(message: Message, plan: Plan, taxonomy: Taxonomy) -> bool:
    """Whether the plan is right, and its intent with what belongs to it as well."""
    return is_right(message, plan, taxonomy) and any(
        _intends(wants, plan, taxonomy) for wants in message.wants
    )


def name_edits(plan: Plan, taxonomy: Taxonomy) -> tuple[Named, ...]:
    """The edits of a plan with names for ids."""

    def name(reference: str) -> str:
        for category in taxonomy:
            if category.id == reference:
                return category.name
        for category in taxonomy:
            if same_name(category.name, reference):
                return category.name
        return reference

    edits = tuple(_name_edit(edit, name) for edit in plan.edits)
    return edits if plan.split is None else (*edits, Named("split", frozenset([name(plan.split)])))


def _name_edit(edit: Edit, name: Any) -> Named:
    match edit:
        case Add():
            return Named("add", frozenset(), edit.name, name(edit.parent) if edit.parent else None)
        case Redefine():
            return Named("redefine", frozenset([name(edit.id)]), edit.name)
        case Merge():
            return Named("merge", frozenset(map(name, edit.ids)), edit.name or name(edit.ids[0]))
        case Split():
            return Named("split", frozenset([name(edit.id)]), parts=tuple(part.name for part in edit.parts))
        case Remove():
            return Named("remove", frozenset([name(edit.id)]))
        case Move():
            return Named(
                "move", frozenset([name(edit.id)]), parent=name(edit.parent) if edit.parent else None
            )


def _same(wanted: Sequence[Mapping[str, Any]], found: Sequence[Named]) -> bool:
    return len(wanted) == len(found) and any(
        all(_fits(want, edit) for want, edit in zip(wanted, order, strict=True))
        for order in permutations(found)
    )


def _fits(want: Mapping[str, Any], edit: Named) -> bool:
    if want["op"] != edit.op or frozenset(want["categories"]) != edit.categories:
        return False
    if "name" in want and not _says(want["name"], edit.name):
        return False
    if "parent" in want and want["parent"] != edit.parent:
        return False
    parts = want.get("parts")
    if parts is None:
        return True
    return len(parts) == len(edit.parts) and any(
        all(_says(pattern, part) for pattern, part in zip(parts, order, strict=True))
        for order in permutations(edit.parts)
    )


def _says(pattern: str, text: str | None) -> bool:
    return text is not None and re.search(pattern, text, re.IGNORECASE) is not None


def _intends(wants: Mapping[str, Any], plan: Plan, taxonomy: Taxonomy) -> bool:
    if wants["intent"] != plan.intent.value:
        return False
    question, instruction = plan.question, plan.instruction
    if "about" in wants:
        if question is None or question.about.value != wants["about"]:
            return False
        names = {category.id: category.name for category in taxonomy}
        asked = None if question.category is None else names.get(question.category, question.category)
        return asked == wants.get("category") and question.document == wants.get("document")
    if wants["intent"] == "constrain":
        return (
            instruction is not None
            and instruction.max_categories == wants.get("max_categories")
            and instruction.changes_purpose == wants.get("changes_purpose", False)
            and ("language" not in wants or _says(f"^({wants['language']})$", instruction.language))
        )
    return True
