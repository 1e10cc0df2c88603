"""Actions that a message asks for, made into a plan: numbers become ids, empty texts none, and nothing takes all."""

from collections.abc import Sequence
from typing import Final, assert_never

from ..prompts.plan import (
    Action,
    AddAction,
    AskAction,
    DescribeAction,
    LiftAction,
    MergeAction,
    MoveAction,
    NothingAction,
    RemoveAction,
    RenameAction,
    RerunAction,
    RuleAction,
    SplitAction,
    StepAction,
)
from ..taxonomy.edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from ..taxonomy.names import normalise_name, one_line, quoted
from ..taxonomy.plan import Instruction, Intent, Plan, Question
from ..taxonomy.values import Taxonomy
from .spoken_matches import EditAction

EDITS: Final = (RenameAction, DescribeAction, MergeAction, SplitAction, AddAction, RemoveAction, MoveAction)
_FEW: Final = 3
"""Categories up to which editing all of them is an edit like any other."""
NOTHING_READ: Final = (
    "No request about the categories was found in that, and nothing was changed. Say what you want with a category's "
    'number or name, as in "merge 1 and 4", or use a command: /help lists them.'
)
NOT_ALL: Final = (
    "That would take all categories at once, which no message does; nothing was changed. Name those that you mean, by "
    "number or name: /remove 2, or /merge 1, 4 into NAME. /rerun loop builds the taxonomy anew."
)


class PlanMaker:
    """Turns actions into a plan: numbers to ids, empty texts to none."""

    def __init__(self, taxonomy: Taxonomy, message: str) -> None:
        self._taxonomy = taxonomy
        self._message = message
        self._new: list[str] = []
        self._split: str | None = None
        self._notes: list[str] = []

    def plan(self, actions: Sequence[Action]) -> Plan:
        """The edits, all of them; else the first thing that is asked for."""
        wanted = [action for action in actions if isinstance(action, EDITS)]
        others = [action for action in actions if not isinstance(action, (*EDITS, NothingAction))]
        edits: list[Edit] = []
        for action in wanted:
            edit = self._edit(action)
            if edit is not None:
                edits.append(edit)
        if self._takes_all(edits):
            return Plan(intent=Intent.UNCLEAR, reply=NOT_ALL)
        if edits or self._split:
            if others:
                self._notes.append(
                    "Only the edits were read from that; say the rest in a message of its own."
                )
            return Plan(
                intent=Intent.EDIT, reply=" ".join(self._notes), edits=tuple(edits), split=self._split
            )
        if others:
            plan = self._other(others[0])
            if plan is not None:
                return plan
        said = next(
            (action.reply for action in actions if isinstance(action, NothingAction) and action.reply), ""
        )
        return Plan(intent=Intent.UNCLEAR, reply=" ".join(self._notes) or said or NOTHING_READ)

    def _other(self, action: Action) -> Plan | None:
        match action:
            case AskAction():
                question = Question(
                    about=action.about,
                    category=self._id(action.category),
                    document=action.text or None if action.about.value == "why" else None,
                    text=action.text or None if action.about.value == "near" else None,
                    count=action.count or None,
                )
                return Plan(intent=Intent.ASK, question=question)
            case RuleAction():
                text = one_line(action.text) or one_line(self._message)
                instruction = Instruction(
                    text=text,
                    max_categories=action.most or None,
                    language=action.language.strip() or None,
                    changes_purpose=action.purpose,
                )
                return Plan(intent=Intent.CONSTRAIN, instruction=instruction)
            case LiftAction():
                return Plan(intent=Intent.LIFT, lift=action.rule)
            case RerunAction():
                return Plan(intent=Intent.RERUN, stage=action.stage)
            case StepAction():
                return Plan(intent=Intent(action.do))
        return None

    def _edit(self, action: EditAction) -> Edit | None:
        match action:
            case RenameAction():
                return self._redefine(action.category, name=normalise_name(action.name))
            case DescribeAction():
                return self._redefine(action.category, description=one_line(action.description))
            case MergeAction():
                ids = [found for number in dict.fromkeys(action.categories) if (found := self._id(number))]
                return (
                    Merge(ids=tuple(ids), name=normalise_name(action.name) or None) if len(ids) > 1 else None
                )
            case SplitAction():
                return self._parts(action)
            case AddAction():
                return self._add(action)
            case RemoveAction():
                found = self._id(action.category)
                return None if found is None else Remove(id=found)
            case MoveAction():
                found, parent = self._id(action.category), self._id(action.under)
                if found is None or (action.under and parent is None) or found == parent:
                    return None
                return Move(id=found, parent=parent)
        assert_never(action)

    def _redefine(self, number: int, *, name: str = "", description: str = "") -> Edit | None:
        found = self._id(number)
        if found is None or not (name or description):
            return None
        return Redefine(id=found, name=name or None, description=description or None)

    def _add(self, action: AddAction) -> Edit | None:
        name = normalise_name(action.name)
        parent = self._id(action.under)
        if not name:
            return None
        self._new.append(name)
        return Add(name=name, description=_described(name, action.description), parent=parent)

    def _parts(self, action: SplitAction) -> Edit | None:
        found = self._id(action.category)
        named = [(name, part.description) for part in action.parts if (name := normalise_name(part.name))]
        if found is None:
            return None
        if len(named) > 1:
            self._new += [name for name, _ in named]
            return Split(
                id=found,
                parts=tuple(Part(name=name, description=_described(name, text)) for name, text in named),
            )
        if self._split is not None and self._split != found:
            self._notes.append(
                f"{quoted(self._taxonomy[found].name)} was left out: parts are found for one category at a time."
            )
            return None
        self._split = found
        return None

    def _id(self, number: int) -> str | None:
        """Id of a category, or the name of one that an earlier action makes; None for 0 and unknown ones."""
        if 1 <= number <= len(self._taxonomy):
            return self._taxonomy.ids[number - 1]
        place = number - len(self._taxonomy) - 1
        if number and 0 <= place < len(self._new):
            return self._new[place]
        if number:
            self._notes.append(f"There is no category {number}.")
        return None

    def _takes_all(self, edits: Sequence[Edit]) -> bool:
        """Whether nothing would be left of the taxonomy as it is."""
        gone: set[str] = set()
        for edit in edits:
            if isinstance(edit, Remove):
                gone.add(edit.id)
            elif isinstance(edit, Merge) and len(edit.ids) >= len(self._taxonomy) > _FEW:
                return True
        return len(self._taxonomy) > 1 and len(gone & set(self._taxonomy.ids)) == len(self._taxonomy)


def _described(name: str, description: str) -> str:
    return one_line(description) or f"Texts about {name}."
