"""The state that is checkpointed: plain JSON types, and nothing that grows with the corpus.

Documents, phrases, labels, models and lists of document numbers stay out: they are in the workspace's tables, and
the state says how far the work on them is.
"""

from typing import Annotated, Any

from typing_extensions import TypedDict  # Studio draws its forms from it; typing's cannot before Python 3.12

SUMMARIZE, LOOP, AWAIT, LABEL, SETTLE, DONE = "summarize", "loop", "await", "label", "settle", "done"


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


class Finalist(TypedDict):
    """A trial's best version after review."""

    version: str
    score: float


def _update(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Branches that run side by side each write their own key."""
    return {**old, **new}


class State(TypedDict, total=False):
    """State of a run.

    Attributes:
        phase: what comes next; decides where a finished thread that is entered again goes.
        corpus: fingerprint of the corpus.
        counts: how many documents are read, labelled and the like.
        trials: by index, as text.
        finalists: by the same.
        version: id of the taxonomy that was chosen.
        chosen: index of its trial.
        label_style: the style in use; an endpoint without logprobs turns `fast` into `explain`.
    """

    phase: str
    corpus: str
    counts: Annotated[dict[str, int], _update]
    trials: Annotated[dict[str, Trial], _update]
    finalists: Annotated[dict[str, Finalist], _update]
    version: str
    chosen: int
    label_style: str


class Branch(TypedDict):
    """What a branch of the graph gets: one trial."""

    trial: Trial
