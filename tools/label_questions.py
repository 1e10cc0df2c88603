"""The two questions that a text is labelled by: one letter, or a category with a reason."""

from collections.abc import Callable, Sequence
from typing import Protocol

from ..llm.request import Request
from ..prompts.answers import LETTERS, Explained, schema_of
from ..prompts.prompt import load_prompt


class Option(Protocol):
    """What a text may be: a category, or a label of a classifier."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def description(self) -> str:
        """What belongs to it."""
        ...


def letter_question(stage: str, use_case: str, text: str, options: Sequence[Option]) -> Request:
    """Ask for the letter of one of at most 26 options, with the probabilities of all."""
    shown = [
        {"letter": letter, "name": option.name, "description": option.description}
        for letter, option in zip(LETTERS, options, strict=False)
    ]
    messages = load_prompt("label_fast").render(use_case=use_case, options=shown, text=text)
    return Request(stage, messages, max_tokens=1, top_logprobs=20)


def reason_question(stage: str, use_case: str, text: str, options: Sequence[Option]) -> Request:
    """Ask for the number of an option, 0 for none, for all that apply, and for a reason."""
    limits = {"minimum": 0, "maximum": len(options)}
    messages = load_prompt("label_explain").render(use_case=use_case, categories=options, text=text)
    schema = schema_of(Explained, primary=limits, all={"items": {"type": "integer", **limits}, "maxItems": 4})
    return Request(stage, messages, max_tokens=160, schema=schema)


def reason_reader(count: int) -> Callable[[str], Explained]:
    """What reads the answers to `reason_question` with so many options; a number beyond them is a ValueError."""

    def parse(text: str) -> Explained:
        explained = Explained.model_validate_json(text)
        unknown = [number for number in (explained.primary, *explained.all) if number > count]
        if unknown:
            raise ValueError(f"there is no category {unknown[0]}: the numbers go from 0 to {count}")
        return explained

    return parse
