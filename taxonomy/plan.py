"""What a user wants of the taxonomy, as a value: read from free text by the LLM, or from a command by a parser.

A category is named by its id throughout; who reads a message sees to that.
"""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from .edits import Edit
from .values import Text


class Intent(StrEnum):
    """What a message is for."""

    EDIT = "edit"
    ASK = "ask"
    CONSTRAIN = "constrain"
    LIFT = "lift"
    UNDO = "undo"
    REDO = "redo"
    APPROVE = "approve"
    CONTINUE = "continue"
    RERUN = "rerun"
    UNCLEAR = "unclear"


class About(StrEnum):
    """What a question asks for."""

    COUNT = "count"
    TEXTS = "texts"
    WHY = "why"
    NEAR = "near"
    OVERLAP = "overlap"
    DIFFERENCE = "difference"
    INSTRUCTIONS = "instructions"
    TAXONOMY = "taxonomy"
    HELP = "help"


class Stage(StrEnum):
    """What can be done anew."""

    SUBJECTS = "subjects"
    LOOP = "loop"
    REVIEW = "review"


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Value):
    """A question that is answered from the data.

    Attributes:
        about: what it asks for.
        category: id of the category it is about, if any.
        document: the user's own id of a document (`WHY`).
        text: words to look for (`NEAR`).
        count: how many texts to show.
        versions: ids of two versions (`DIFFERENCE`); fewer mean the newest ones.
    """

    about: About
    category: Text | None = None
    document: Text | None = None
    text: Text | None = None
    count: int | None = None
    versions: tuple[Text, ...] = ()


class Instruction(_Value):
    """A standing wish that every later prompt carries.

    Attributes:
        text: in the user's words.
        max_categories: a size it sets, or None.
        language: a language it sets, or None.
        changes_purpose: it says by what the texts are to be told apart, so their subjects should be read anew.
    """

    text: Text
    max_categories: int | None = None
    language: Text | None = None
    changes_purpose: bool = False


class Plan(_Value):
    """What a message comes to.

    Attributes:
        intent: what it is for.
        reply: what to tell the user beside what is done; with `UNCLEAR`, why it was not understood and what to type.
        edits: the changes wanted (`EDIT`).
        split: id of a category whose parts are still to be found in its documents (`EDIT`).
        question: what is asked (`ASK`).
        instruction: what is wished (`CONSTRAIN`).
        lift: number of an instruction to drop, from 1; 0 for all of them (`LIFT`).
        stage: what to do anew (`RERUN`).
    """

    intent: Intent
    reply: Text = ""
    edits: tuple[Edit, ...] = ()
    split: Text | None = None
    question: Question | None = None
    instruction: Instruction | None = None
    lift: int | None = None
    stage: Stage | None = None
