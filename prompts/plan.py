"""Answer to ``plan``: what a user's message asks for, as the model writes it, and the schema that bounds it.

Numbers stand for categories as the prompt lists them. Whether the message says so is not judged here.
"""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ..taxonomy.plan import About, Stage
from .quoting import quote

MOST_ACTIONS = 20
"""Actions that one message may come to."""
FEW_ACTIONS = 6
"""Actions that a small model may write: it goes on to the end of its room where it means all categories."""
MOST_NEW = 4
"""Categories that actions of the same answer add and a later one may refer to."""
_ENUMERATED = 120
"""Categories up to which a schema lists their numbers; endpoints bound how long an enumeration may be."""

Title = Annotated[str, Field(max_length=80), AfterValidator(lambda text: quote(text, 20))]
Sentence = Annotated[str, Field(max_length=400), AfterValidator(lambda text: quote(text, 80))]
Number = Annotated[int, Field(ge=1)]
Place = Annotated[int, Field(ge=0)]


class _Action(BaseModel):
    # A model that adds a field has still answered; one that leaves out what may be empty, too.
    model_config = ConfigDict(frozen=True, extra="ignore")


class RenameAction(_Action):
    """Another name for a category."""

    do: Literal["rename"]
    category: Number
    name: Title


class DescribeAction(_Action):
    """Another description for a category."""

    do: Literal["describe"]
    category: Number
    description: Sentence


class MergeAction(_Action):
    """Several categories into one; an empty name keeps the first one's."""

    do: Literal["merge"]
    categories: tuple[Number, ...]
    name: Title = ""


class NewPart(_Action):
    """One of the categories that another is split into."""

    name: Title
    description: Sentence = ""


class SplitAction(_Action):
    """One category into several; without parts, they are to be found in its texts."""

    do: Literal["split"]
    category: Number
    parts: tuple[NewPart, ...] = ()


class AddAction(_Action):
    """A new category; under 0 is at the top."""

    do: Literal["add"]
    name: Title
    description: Sentence = ""
    under: Place = 0


class RemoveAction(_Action):
    """A category less."""

    do: Literal["remove"]
    category: Number


class MoveAction(_Action):
    """A category below another; under 0 is at the top."""

    do: Literal["move"]
    category: Number
    under: Place


class AskAction(_Action):
    """A question; category 0 is none, text is what is looked for or a text's id, count 0 is not said."""

    do: Literal["ask"]
    about: About
    category: Place = 0
    text: Sentence = ""
    count: int = Field(default=0, ge=0, le=100)


class RuleAction(_Action):
    """A standing wish: a size (0 is none), a language, and whether it says by what texts are told apart."""

    do: Literal["rule"]
    text: Sentence
    most: int = Field(default=0, ge=0, le=1000)
    language: Title = ""
    purpose: bool = False


class LiftAction(_Action):
    """A standing wish less, by its number; 0 is all of them."""

    do: Literal["lift"]
    rule: Place


class StepAction(_Action):
    """What needs no more words."""

    do: Literal["undo", "redo", "approve", "continue"]


class RerunAction(_Action):
    """A stage of the run anew."""

    do: Literal["rerun"]
    stage: Stage


class NothingAction(_Action):
    """The message asks for none of these."""

    do: Literal["none"]
    reply: Sentence = ""


Action = Annotated[
    RenameAction
    | DescribeAction
    | MergeAction
    | SplitAction
    | AddAction
    | RemoveAction
    | MoveAction
    | AskAction
    | RuleAction
    | LiftAction
    | StepAction
    | RerunAction
    | NothingAction,
    Field(discriminator="do"),
]


class Planned(BaseModel):
    """Answer to ``plan``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    actions: tuple[Action, ...] = Field(max_length=MOST_ACTIONS)


def plan_schema(count: int, *, most: int = FEW_ACTIONS) -> dict[str, Any]:
    """JSON schema of the answer: operations, and the numbers of `count` categories, are enumerated; `most` actions.

    Written out rather than derived: every field is required and no other allowed, as strict endpoints want it, the
    action's kind comes first, and actions upon categories are left out where there are none.
    """
    title: dict[str, Any] = {"type": "string", "maxLength": 80}
    sentence: dict[str, Any] = {"type": "string", "maxLength": 300}
    place = {"$ref": "#/$defs/place"}
    number = {"$ref": "#/$defs/number"}
    part = _closed({"name": title, "description": sentence})
    kinds: list[dict[str, Any]] = [
        _action("add", name=title, description=sentence, under=place),
        _action(
            "ask",
            about={"type": "string", "enum": [about.value for about in About]},
            category=_range(0, count),
            text=sentence,
            count={"type": "integer", "minimum": 0, "maximum": 100},
        ),
        _action(
            "rule",
            text=sentence,
            most={"type": "integer", "minimum": 0, "maximum": 1000},
            language=title,
            purpose={"type": "boolean"},
        ),
        _action("lift", rule={"type": "integer", "minimum": 0, "maximum": 99}),
        _action("undo"),
        _action("redo"),
        _action("approve"),
        _action("continue"),
        _action("rerun", stage={"type": "string", "enum": [stage.value for stage in Stage]}),
        _action("none", reply=sentence),
    ]
    definitions = {"place": _range(0, count + MOST_NEW)}
    if count:
        definitions["number"] = _range(1, count)
        kinds = [
            _action("rename", category=number, name=title),
            _action("describe", category=number, description=sentence),
            _action(
                "split", category=number, parts={"type": "array", "items": part, "minItems": 0, "maxItems": 8}
            ),
            _action("remove", category=number),
            _action("move", category=number, under=place),
            *kinds,
        ]
    if count > 1:
        several = {"type": "array", "items": number, "minItems": 2, "maxItems": min(count, 20)}
        kinds = [_action("merge", categories=several, name=title), *kinds]
    actions = {"type": "array", "items": {"anyOf": kinds}, "minItems": 1, "maxItems": most}
    return {**_closed({"actions": actions}), "$defs": definitions}


def _action(do: str, **fields: dict[str, Any]) -> dict[str, Any]:
    return _closed({"do": {"type": "string", "enum": [do]}, **fields})


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _range(least: int, most: int) -> dict[str, Any]:
    if most - least < _ENUMERATED:
        return {"type": "integer", "enum": list(range(least, most + 1))}
    return {"type": "integer", "minimum": least, "maximum": most}
