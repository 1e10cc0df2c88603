"""The labeler: the LLM labels the label sample, a slice a superstep; each vote is kept as it arrives.

`fast` asks for one letter and keeps the whole distribution; further letter orders are asked only about texts where
the first vote and the embedding disagree, and about the fixed sample that the letters' prior is estimated on.
`explain` asks for a primary label, all that apply, and a reason.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from langgraph.runtime import Runtime

from ..llm.answer import Answer
from ..llm.request import Request
from ..prompts.answers import Explained, letter_distribution, schema_of
from ..prompts.prompt import load_prompt
from ..taxonomy.errors import AnswerError, CallError
from ..taxonomy.values import Category, Taxonomy
from ..tools.settle import Distribution, balanced, contested
from .context import Context
from .settings import LabelStyle
from .state import LABEL, SETTLE, State

STAGE = "label"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_OPTIONS = 20
"""Letters that one prompt offers: endpoints report at most 20 alternatives of a token."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One pass over some documents.

    Attributes:
        id: what its votes are kept under.
        order: number of the letter order; 0 is the taxonomy's own.
        numbers: documents to ask about.
    """

    id: str
    order: int
    numbers: tuple[int, ...]


def labeler(state: State, runtime: Runtime[Context]) -> State:
    """Ask about one slice of what has not been asked."""
    context = runtime.context
    version = state["version"]
    taxonomy = context.workspace.versions.get(version).taxonomy
    style = LabelStyle(state.get("label_style") or context.settings.labels)
    asks = plan_asks(context, version, taxonomy, style)
    missing = [
        (ask, number)
        for ask in asks
        for number in context.workspace.votes.missing(version, ask.id, ask.numbers)
    ]
    everything = sum(len(ask.numbers) for ask in asks)
    context.report(STAGE, everything - len(missing), everything)
    if not missing:
        return {"phase": SETTLE, "label_style": str(style), "counts": {"asked": everything}}
    ask = missing[0][0]
    numbers = [number for other, number in missing if other == ask][: context.settings.slice]
    done = everything - len(missing)
    if style is LabelStyle.FAST:
        # Asked before the first vote alone: one odd answer later on must not change the style of the run.
        if not done and not _answers_in_letters(context, taxonomy, numbers[0], ask):
            return {"phase": LABEL, "label_style": str(LabelStyle.EXPLAIN)}
        votes = _ask_letters(context, taxonomy, ask, numbers)
    else:
        votes = _ask_reasons(context, taxonomy, numbers)
    for number, vote in votes:
        context.workspace.votes.put_many(version, ask.id, {number: vote})
        done += 1
        context.report(STAGE, done, everything)
    return {"phase": LABEL, "label_style": str(style), "counts": {"asked": done}}


def plan_asks(context: Context, version: str, taxonomy: Taxonomy, style: LabelStyle) -> list[Ask]:
    """The passes that are known by now; once the first is complete, the further letter orders follow from it."""
    numbers = context.reading.label_sample
    prompt = load_prompt("label_fast" if style is LabelStyle.FAST else "label_explain")
    purpose = context.reading.purpose
    first = Ask(f"{purpose}|{prompt.id}|0", 0, tuple(numbers))
    asks = [first]
    if style is LabelStyle.EXPLAIN or len(taxonomy.leaves) < 2:
        return asks
    if context.workspace.votes.missing(version, first.id, numbers):
        return asks
    placement = context.reading.place(taxonomy, numbers)
    votes = read_votes(context, version, first, taxonomy)
    fixed = balanced(placement, context.settings.balance)
    again = {*contested(votes, placement, fixed, prior_power=context.settings.prior_power), *fixed}
    asked = tuple(numbers[row] for row in sorted(again))
    return asks + [
        Ask(f"{purpose}|{prompt.id}|{order}", order, asked)
        for order in range(1, context.settings.orders or 1)
    ]


def read_votes(context: Context, version: str, ask: Ask, taxonomy: Taxonomy) -> dict[int, Distribution]:
    """Votes of a letter order by row of the label sample, float64 [k] over the leaves; failed ones left out."""
    columns = {leaf.id: column for column, leaf in enumerate(taxonomy.leaves)}
    rows = {number: row for row, number in enumerate(context.reading.label_sample)}
    votes: dict[int, Distribution] = {}
    for number, text in context.workspace.votes.get(version, ask.id).items():
        vote: Mapping[str, float] = json.loads(text)
        if vote and number in rows:
            distribution = np.full(len(columns), 1e-6)
            for category_id, share in vote.items():
                distribution[columns[category_id]] = max(share, 1e-6)
            votes[rows[number]] = distribution / distribution.sum()
    return votes


def _ask_letters(
    context: Context, taxonomy: Taxonomy, ask: Ask, numbers: Sequence[int]
) -> Iterator[tuple[int, str]]:
    """(number, distribution by category id as JSON) as they come; {} for one that failed."""
    options = _options(context, taxonomy, numbers, ask.order)
    requests = _letter_requests(context, numbers, options)
    for row, answer in context.chat.ask_all(requests):
        yield numbers[row], _read_letters(context, numbers[row], options[row], answer)


def _read_letters(
    context: Context, number: int, options: Sequence[Category], answer: Answer | CallError
) -> str:
    if isinstance(answer, CallError):
        context.fail(STAGE, number, answer)
        return "{}"
    letters = LETTERS[: len(options)]
    try:
        shares = letter_distribution(answer.top_logprobs, letters)
    except ValueError as error:
        context.workspace.failures.add(context.run, STAGE, number, str(error), answer.text)
        return "{}"
    return json.dumps(
        {category.id: round(shares[letter], 6) for letter, category in zip(letters, options, strict=True)}
    )


def _letter_requests(
    context: Context, numbers: Sequence[int], options: Sequence[Sequence[Category]]
) -> list[Request]:
    prompt = load_prompt("label_fast")
    return [
        Request(
            STAGE,
            prompt.render(
                use_case=context.settings.use_case,
                options=[
                    {"letter": letter, "name": category.name, "description": category.description}
                    for letter, category in zip(LETTERS, shown, strict=False)
                ],
                text=text,
            ),
            max_tokens=1,
            top_logprobs=20,
        )
        for text, shown in zip(context.reading.texts(numbers), options, strict=True)
    ]


def _options(
    context: Context, taxonomy: Taxonomy, numbers: Sequence[int], order: int
) -> list[list[Category]]:
    """What each document may be, in one of the letter orders; the nearest categories where there are many."""
    leaves = list(taxonomy.leaves)
    offered = [leaves] * len(numbers)
    if len(leaves) > MOST_OPTIONS:
        nearest = np.argsort(-context.reading.place(taxonomy, numbers).similarities, axis=1, kind="stable")
        offered = [[leaves[column] for column in sorted(row[:MOST_OPTIONS].tolist())] for row in nearest]
    if order == 0:
        return offered
    shuffled = np.random.default_rng([context.settings.seed, order]).permutation(
        min(len(leaves), MOST_OPTIONS)
    )
    return [[shown[column] for column in shuffled] for shown in offered]


def _answers_in_letters(context: Context, taxonomy: Taxonomy, number: int, ask: Ask) -> bool:
    """Whether the endpoint reports the alternatives of a token; found out with an answer that is needed anyway."""
    options = _options(context, taxonomy, [number], ask.order)
    try:
        answer = context.chat.ask(_letter_requests(context, [number], options)[0])
    except CallError:
        return True
    return bool(answer.top_logprobs)


def _ask_reasons(context: Context, taxonomy: Taxonomy, numbers: Sequence[int]) -> Iterator[tuple[int, str]]:
    """(number, {"primary", "all", "reason"} as JSON) as they come; {} for one that failed."""
    leaves = taxonomy.leaves
    prompt = load_prompt("label_explain")
    limits = {"minimum": 0, "maximum": len(leaves)}
    schema = schema_of(Explained, primary=limits, all={"items": {"type": "integer", **limits}, "maxItems": 4})
    requests = [
        Request(
            STAGE,
            prompt.render(use_case=context.settings.use_case, categories=leaves, text=text),
            max_tokens=160,
            schema=schema,
        )
        for text in context.reading.texts(numbers)
    ]

    def parse(text: str) -> Explained:
        explained = Explained.model_validate_json(text)
        unknown = [number for number in (explained.primary, *explained.all) if number > len(leaves)]
        if unknown:
            raise ValueError(f"there is no category {unknown[0]}: the numbers go from 0 to {len(leaves)}")
        return explained

    for row, explained in context.chat.parse_all(requests, parse):
        if isinstance(explained, (CallError, AnswerError)):
            context.fail(STAGE, numbers[row], explained)
            yield numbers[row], "{}"
            continue
        named = [explained.primary, *explained.all]
        ids = list(dict.fromkeys(leaves[place - 1].id for place in named if place))
        primary = leaves[explained.primary - 1].id if explained.primary else None
        yield (
            numbers[row],
            json.dumps({"primary": primary, "all": ids if primary else [], "reason": explained.reason}),
        )
