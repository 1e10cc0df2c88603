"""The labeler: the LLM labels the label sample, and what rounds of active learning have added to it.

It does so a slice a superstep, and each vote is kept as it arrives.

`fast` asks for one letter and keeps the whole distribution; further letter orders are asked only about texts where
the first vote and the embedding disagree, and about the fixed sample that the letters' prior is estimated on.
`explain` asks for a primary label, all that apply, and a reason.

Where an earlier version has labels, only what the edits since put in question is asked (`tools/relabel.py`).
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np
from langgraph.runtime import Runtime

from ..checkpoints.checks import Verdict
from ..checkpoints.labels import LabelRow, Source
from ..llm.answer import Answer
from ..llm.request import Request
from ..prompts.answers import LETTERS, letter_distribution
from ..prompts.prompt import load_prompt
from ..taxonomy.errors import AnswerError, CallError
from ..taxonomy.lineage import follow
from ..taxonomy.values import Category, Taxonomy
from ..taxonomy.version import Version
from ..tools.evidence import Rows
from ..tools.label_questions import letter_question, reason_question, reason_reader
from ..tools.relabel import plan_relabel
from ..tools.settle import Distribution, balanced, contested
from .context import Context
from .settings import LabelStyle
from .state import LABEL, SETTLE, State
from .summarizer import read_slice

STAGE = "label"
MOST_OPTIONS = len(LETTERS)
"""Categories that one prompt offers. Endpoints report at most 20 alternatives of a token: the rest are as good as
impossible. With all categories in it the prompt's beginning is the same for every text, and is read once."""


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


@dataclass(frozen=True, slots=True)
class Carried:
    """What becomes of the labels of an earlier version.

    Attributes:
        kept: rows that hold under the new one, by number, ascending.
        ask: numbers of the documents to ask about, ascending.
        dropped: rows that hold in the same way, but nothing is learnt from them: they had been found to be wrong.
        since: id of the version that the labels come from; None where there is none.
    """

    kept: tuple[LabelRow, ...]
    ask: tuple[int, ...]
    dropped: tuple[LabelRow, ...] = ()
    since: str | None = None


def labeler(state: State, runtime: Runtime[Context]) -> State:
    """Ask about one slice of what has not been asked."""
    context = runtime.context
    added = context.workspace.rounds.get(context.run)
    if context.workspace.phrases.missing(context.reading.purpose, added):
        # A model and a vector must see them as they see the sample: else the same words would get another label.
        read_slice(context, added)
        return {"phase": LABEL}
    path = context.workspace.versions.path(state["version"])
    version, taxonomy = path[-1].id, path[-1].taxonomy
    style = LabelStyle(state.get("label_style") or context.settings.labels)
    asks = plan_asks(context, path, style)
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
        votes = ask_reasons(context, taxonomy.leaves, numbers, stage=STAGE)
    for number, vote in votes:
        context.workspace.votes.put_many(version, ask.id, {number: vote})
        done += 1
        context.report(STAGE, done, everything)
    return {"phase": LABEL, "label_style": str(style), "counts": {"asked": done}}


def carry(context: Context, path: Sequence[Version]) -> Carried:
    """What the LLM labels: which documents keep their label under the last version of a path, and which are asked.

    The labels come from the nearest version on the path that the run has any of. Where there is none, everything
    is asked. A version that has its own keeps them, so doing it all again changes nothing.

    Args:
        path: from the first version, each the parent of the next; the last need not be in the tables.
    """
    numbers, labels = context.label_numbers(), context.workspace.labels
    labelled = labels.newest(context.run, (version.id for version in reversed(path)))
    if labelled is None:
        return Carried((), tuple(numbers))
    since = next(place for place, version in enumerate(path) if version.id == labelled)
    rows = {
        number: row
        for number, row in labels.of(context.run, labelled, numbers).items()
        if row.source is not Source.STUDENT  # what the classifier made of a text whose calls failed
    }
    dropped = {
        number: check.label
        for number, check in context.workspace.checks.get(context.run, labelled, Verdict.DROPPED).items()
        if number not in rows
    }
    taxonomy = path[-1].taxonomy
    placement = context.reading.place(taxonomy, numbers)
    nearest = {
        number: taxonomy.leaves[column].id if fits else None
        for number, column, fits in zip(numbers, placement.nearest, placement.fits, strict=True)
    }
    known = {number: row for number, row in (rows | dropped).items() if number in nearest}
    plan = plan_relabel(follow(path[since:]), known, nearest)
    return Carried(
        kept=tuple(row for row in plan.kept if row.number not in dropped),
        ask=plan.ask,
        dropped=tuple(row for row in plan.kept if row.number in dropped),
        since=labelled,
    )


def plan_asks(context: Context, path: Sequence[Version], style: LabelStyle) -> list[Ask]:
    """The passes that are known by now; once the first is complete, the further letter orders follow from it."""
    version, taxonomy = path[-1].id, path[-1].taxonomy
    numbers, asked = context.label_numbers(), carry(context, path).ask
    if not asked:
        return []
    way = way_of_asking(context, "label_fast" if style is LabelStyle.FAST else "label_explain")
    first = Ask(f"{way}|0", 0, asked)
    if style is LabelStyle.EXPLAIN or len(taxonomy.leaves) < 2:
        return [first]
    fixed = prior_sample(context, taxonomy)
    if len(asked) < len(numbers):
        # The letters' prior needs its sample also where few texts are asked.
        first = replace(first, numbers=tuple(sorted({*asked, *fixed})))
    if context.workspace.votes.missing(version, first.id, first.numbers):
        return [first]
    votes = read_votes(context, version, first, taxonomy)
    placement = context.reading.place(taxonomy, numbers)
    rows = rows_of(numbers, fixed)
    again = {*contested(votes, placement, rows, prior_power=context.settings.prior_power), *rows.tolist()}
    further = tuple(numbers[row] for row in sorted(again))
    return [first] + [
        Ask(f"{way}|{order}", order, further) for order in range(1, context.settings.orders or 1)
    ]


def way_of_asking(context: Context, prompt: str) -> str:
    """What votes of a prompt depend on beside the version."""
    # What was wished since the subjects were read is in the prompt too.
    task = blake2b(context.settings.use_case.encode(), digest_size=4).hexdigest()
    return f"{context.reading.purpose}|{task}|{load_prompt(prompt).id}"


def prior_sample(context: Context, taxonomy: Taxonomy) -> list[int]:
    """The fixed sample that the letters' prior is estimated on: the same ones, whatever rounds have added."""
    numbers = context.reading.label_sample
    rows = balanced(context.reading.place(taxonomy, numbers), context.settings.balance)
    return [numbers[row] for row in rows]


def rows_of(numbers: Sequence[int], some: Collection[int]) -> Rows:
    """Where some of the numbers stand among all, int64, ascending."""
    wanted = set(some)
    return np.array([row for row, number in enumerate(numbers) if number in wanted], dtype=np.int64)


def calls_ahead(context: Context, path: Sequence[Version], style: LabelStyle) -> int:
    """How many calls it takes to label the last version of a path, as far as that is known before the first.

    Of the further letter orders that is the prior's sample; how many texts are contested shows only then.

    Args:
        path: as in `carry`.
        style: how texts are labelled.
    """
    votes, version, taxonomy = context.workspace.votes, path[-1].id, path[-1].taxonomy
    asks = plan_asks(context, path, style)
    count = sum(len(votes.missing(version, ask.id, ask.numbers)) for ask in asks)
    if count and len(asks) == 1 and style is LabelStyle.FAST and len(taxonomy.leaves) > 1:
        count += len(prior_sample(context, taxonomy)) * ((context.settings.orders or 1) - 1)
    added = context.workspace.rounds.get(context.run)
    return count + len(context.workspace.phrases.missing(context.reading.purpose, added))


def read_votes(context: Context, version: str, ask: Ask, taxonomy: Taxonomy) -> dict[int, Distribution]:
    """Votes of a letter order by row of what is labelled, float64 [k] over the leaves; failed ones left out."""
    columns = {leaf.id: column for column, leaf in enumerate(taxonomy.leaves)}
    # Not what another run may have asked beside: what comes of the votes must not depend on it.
    asked = set(ask.numbers)
    rows = {number: row for row, number in enumerate(context.label_numbers()) if number in asked}
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
    return [
        letter_question(STAGE, context.settings.use_case, text, shown)
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


def ask_reasons(
    context: Context, leaves: Sequence[Category], numbers: Sequence[int], *, stage: str
) -> Iterator[tuple[int, str]]:
    """(number, {"primary", "all", "reason"} as JSON) as they come; {} for one that failed.

    Args:
        context: of the run.
        leaves: what each document may be, in the order in which the prompt lists them.
        numbers: documents to ask about.
        stage: line of the ledger that pays, and of the failures.
    """
    requests = [
        reason_question(stage, context.settings.use_case, text, leaves)
        for text in context.reading.texts(numbers)
    ]
    for row, explained in context.chat.parse_all(requests, reason_reader(len(leaves))):
        if isinstance(explained, (CallError, AnswerError)):
            context.fail(stage, numbers[row], explained)
            yield numbers[row], "{}"
            continue
        named = [explained.primary, *explained.all]
        ids = list(dict.fromkeys(leaves[place - 1].id for place in named if place))
        primary = leaves[explained.primary - 1].id if explained.primary else None
        yield (
            numbers[row],
            json.dumps({"primary": primary, "all": ids if primary else [], "reason": explained.reason}),
        )
