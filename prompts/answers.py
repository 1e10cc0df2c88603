"""The parsers, one for each prompt: the model's text in, a value out, ValueError on anything else.

They are pure, and an ambiguous answer is an error: never silent, never "the first wins".
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from .quoting import quote

_SPACE = re.compile(r"\s+")
# What a model writes goes into later prompts, and a text may have talked it into writing a template's mark.
Name = Annotated[str, Field(min_length=2, max_length=80), AfterValidator(lambda text: quote(text, 20))]
Description = Annotated[
    str, Field(min_length=4, max_length=400), AfterValidator(lambda text: quote(text, 80))
]
Words = Annotated[str, Field(max_length=400), AfterValidator(lambda text: quote(text, 80))]
"""As `Name` and `Description`; an empty one leaves them as they are."""


class _Answer(BaseModel):
    # A model that adds a field has still answered; one that leaves one out has not.
    model_config = ConfigDict(frozen=True, extra="ignore")


class Named(_Answer):
    """Answer to ``name_group``."""

    name: Name
    description: Description


class Row(_Answer):
    """A row of the table in the answers to ``generate``, ``update`` and ``review``.

    Attributes:
        number: of the category in the old table that this one continues; 0 for a new one.
    """

    number: int = Field(default=0, ge=0)
    name: Name
    description: Description


class Table(_Answer):
    """Answer to ``generate``. A table without a row is no answer."""

    categories: tuple[Row, ...] = Field(min_length=1)


class RatedTable(_Answer):
    """Answer to ``update`` and ``review``: the paper's four parts."""

    rating: int = Field(ge=0, le=100)
    explanation: str
    suggestions: str
    categories: tuple[Row, ...] = Field(min_length=1)


class AddEdit(_Answer):
    """A new category."""

    op: Literal["add"]
    name: Name
    description: Description


class RedefineEdit(_Answer):
    """Other words for a category."""

    op: Literal["redefine"]
    category: int = Field(ge=1)
    name: Words | None = None
    description: Words | None = None


class MergeEdit(_Answer):
    """Several categories into one."""

    op: Literal["merge"]
    categories: tuple[int, ...] = Field(min_length=2)
    name: Words | None = None
    description: Words | None = None


class RemoveEdit(_Answer):
    """A category less."""

    op: Literal["remove"]
    category: int = Field(ge=1)


class Revision(_Answer):
    """Answer to ``revise``."""

    edits: tuple[Annotated[AddEdit | RedefineEdit | MergeEdit | RemoveEdit, Field(discriminator="op")], ...]


class Explained(_Answer):
    """Answer to ``label_explain``; 0 is none of the categories."""

    reason: str
    primary: int = Field(ge=0)
    all: tuple[int, ...] = ()


def parse_phrase(text: str) -> str:
    """The phrase: the first line, without quotes and a full stop.

    Raises:
        ValueError: nothing is left, or it is no phrase.
    """
    line = next((line for line in text.splitlines() if line.strip()), "")
    phrase = _SPACE.sub(" ", line.removeprefix("Subject:")).strip(" .\"'*`")
    if not phrase:
        raise ValueError("the answer is empty: name the subject in 2 to 4 words")
    if len(phrase.split()) > 12:
        raise ValueError("that is no name of 2 to 4 words: answer with the subject only")
    return phrase


def parse_summary(text: str) -> tuple[str, str]:
    """(phrase, summary).

    Raises:
        ValueError: either is missing, or there are two that differ.
    """
    # Whichever stands on the line after its mark counts too; the other's mark there means that it was left out.
    summaries = set(re.findall(r"Summary:\s*(?!Subject:)(\S[^\n]*)", text))
    subjects = set(re.findall(r"Subject:\s*(?!Summary:)(\S[^\n]*)", text))
    if len(summaries) != 1 or len(subjects) != 1:
        raise ValueError("answer in two lines, the first beginning 'Summary:', the second 'Subject:'")
    return parse_phrase(subjects.pop()), _SPACE.sub(" ", summaries.pop()).strip(" \"'*`")


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""What options are lettered with."""


def letter_distribution(top_logprobs: Sequence[tuple[str, float]], letters: str) -> dict[str, float]:
    """Probability of each letter from the alternatives of the first token; they sum to 1.

    Spellings of one letter ("A", " A", "a") count together; a letter that is not among the alternatives gets
    the probability of the rarest alternative, or less.

    Raises:
        ValueError: none of the letters is there, or what is reported are no logarithms of probabilities.
    """
    if not all(logprob < 1 for _, logprob in top_logprobs):
        raise ValueError("the alternatives of the first token have impossible probabilities")
    mass = dict.fromkeys(letters, 0.0)
    floor = math.exp(min((logprob for _, logprob in top_logprobs), default=0.0))
    for token, logprob in top_logprobs:
        letter = token.strip(" ().:\n").upper()
        if len(letter) == 1 and letter in mass:
            mass[letter] += math.exp(logprob)
    if not any(mass.values()):
        raise ValueError(f"none of the letters {letters} is among the alternatives of the first token")
    least = min(floor, *(value for value in mass.values() if value)) / 2
    whole = sum(value or least for value in mass.values())
    return {letter: (value or least) / whole for letter, value in mass.items()}


def parse_letter(text: str, letters: str) -> str:
    """The one letter that a text begins with: "B", "B.", "b) the second"; but not "A text" and not "A or B".

    Raises:
        ValueError: it begins with no letter of `letters`, or names two.
    """
    found = re.match(rf"\W*([{letters}{letters.lower()}])[ \t]*(?:[^\w ]|\Z)", text)
    if found is None or len({found.group(1).upper(), *re.findall(rf"\b[{letters}]\b", text)}) > 1:
        raise ValueError(f"answer with one of the letters {', '.join(letters)}")
    return found.group(1).upper()


def says_first(top_logprobs: Sequence[tuple[str, float]], text: str) -> bool | None:
    """Whether the answer to "A or B?" is A: by the likelier letter, where none is reported by the text.

    Returns:
        None where it is neither: what cannot be read is no opinion.
    """
    try:
        if not top_logprobs:
            return parse_letter(text, "AB") == "A"
        votes = letter_distribution(top_logprobs, "AB")
    except ValueError:
        return None
    return None if votes["A"] == votes["B"] else votes["A"] > votes["B"]


def schema_of(answer: type[BaseModel], **limits: Mapping[str, Any]) -> dict[str, Any]:
    """JSON schema of an answer, every field required and no other allowed, as strict endpoints want it.

    Args:
        answer: a class of this module.
        limits: by field, what to add to its schema (``maxItems``, ``maximum``, ...).
    """
    schema = answer.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        if "properties" in part:
            part["required"] = list(part["properties"])
            part["additionalProperties"] = False
            for field in part["properties"].values():
                field.pop("default", None)
                field.pop("title", None)
        part.pop("title", None)
        part.pop("description", None)
    for field, more in limits.items():
        schema["properties"][field] |= more
    return schema
