"""The state that is checkpointed: plain JSON types, and nothing that grows with the corpus.

Documents, phrases, labels, models and lists of document numbers stay out: they are in the workspace's tables, and
the state says how far the work on them is.
"""

from operator import add
from typing import Annotated, Any

from typing_extensions import TypedDict  # Studio draws its forms from it; typing's cannot before Python 3.12

SUMMARIZE, LOOP, AWAIT, LABEL, SETTLE, DONE = "summarize", "loop", "await", "label", "settle", "done"
CLEAN, NOVEL = "clean", "novel"
PLAN, ANSWER, CONFIRM, APPLY = "plan", "answer", "confirm", "apply"
"""Within a turn of the conversation."""


class Trial(TypedDict):
    """One loop over minibatches.

    Attributes:
        index: from 0.
        seed: of its shuffles and draws.
        epoch: from 0.
        batch: minibatch of the epoch that comes next, from 0.
        version: id of its newest version.
        residual: share of held-out documents that fit no category of it.
        score: of its newest version; None before the first.
        best: id of its best version so far.
        best_score: of that; None before the first.
        quiet: minibatches in a row that changed little.
        active: whether there is more to do.
        rating: the model's own 0-100, in `paper` style; None else.
        path: one row a minibatch: [epoch, categories, residual, score].
    """

    index: int
    seed: int
    epoch: int
    batch: int
    version: str
    residual: float
    score: float | None
    best: str
    best_score: float | None
    quiet: int
    active: bool
    rating: int | None
    path: list[list[float]]


def new_trial(index: int, seed: int, version: str) -> Trial:
    """A trial before its first minibatch.

    Args:
        index: from 0.
        seed: the run's.
        version: id of the version that it begins with.
    """
    return Trial(
        index=index,
        seed=seed + index,
        epoch=0,
        batch=0,
        version=version,
        residual=1.0,
        score=None,
        best=version,
        best_score=None,
        quiet=0,
        active=True,
        rating=None,
        path=[],
    )


class Finalist(TypedDict):
    """A trial's best version after review."""

    version: str
    score: float


class Said(TypedDict):
    """What came back for a question.

    Attributes:
        turn: number of the question.
        say: the user's words, or a command.
        yes: apply what they come to without asking again.
    """

    turn: int
    say: str
    yes: bool


class Message(TypedDict):
    """One message of the conversation.

    Attributes:
        role: "user" or "tnt".
        text: what was said.
        turn: number of the question that it belongs to.
    """

    role: str
    text: str
    turn: int


def _update(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Branches that run side by side each write their own key; None takes a key away."""
    return {key: value for key, value in {**old, **new}.items() if value is not None}


class State(TypedDict, total=False):
    """State of a run.

    Attributes:
        phase: what comes next; decides where a finished thread that is entered again goes.
        corpus: fingerprint of the corpus.
        counts: how many documents are read, labelled and the like, and how many rounds of active learning are chosen.
        trials: by index, as text.
        finalists: by the same.
        base: id of the taxonomy that the loop begins with, in a run that goes on from another.
        version: id of the taxonomy that was chosen.
        chosen: index of its trial.
        label_style: the style in use; an endpoint without logprobs turns `fast` into `explain`.
        paused_at: minibatches of a trial that were done at the last pause of the loop.
        turn: number of the question that was asked last; 0 before the first.
        said: what came back for it.
        plan: what that comes to (`taxonomy.plan.Plan`).
        proposal: the edits of the plan as the user is shown them (`tools.preview.Preview`); {} for none.
        kept: numbers, from 1, of those edits that the user wants; all where it is empty.
        messages: the conversation.
        instructions: standing wishes (`taxonomy.plan.Instruction`), which every prompt carries.
        read_with: those among them with which the subjects were read.
        trail: ids of the versions that the user had before this one, the newest last.
        redo: ids of versions that were undone, the newest last.
        edition: number of the outputs that are being made or were made last.
        published: id of the version that the outputs on disk are of.
    """

    phase: str
    corpus: str
    counts: Annotated[dict[str, int], _update]
    trials: Annotated[dict[str, Trial], _update]
    finalists: Annotated[dict[str, Finalist], _update]
    base: str
    version: str
    chosen: int
    label_style: str
    paused_at: int
    turn: int
    said: Said
    plan: dict[str, Any]
    proposal: dict[str, Any]
    kept: list[int]
    messages: Annotated[list[Message], add]
    instructions: list[dict[str, Any]]
    read_with: list[dict[str, Any]]
    trail: list[str]
    redo: list[str]
    edition: int
    published: str


class Branch(TypedDict):
    """What a branch of the graph gets: one trial, and what else its node needs of the state."""

    trial: Trial
    instructions: list[dict[str, Any]]
    read_with: list[dict[str, Any]]
