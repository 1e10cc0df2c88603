"""A round of active learning: documents of the whole corpus that a first student is unsure of join the label sample."""

import numpy as np
from langgraph.runtime import Runtime

from ..checkpoints.labels import Source
from ..tools.active import choose_unsure
from .context import Context
from .state import LABEL, SETTLE, State

STAGE = "choose"
POOL = 10_000
"""Documents that are looked at, drawn at random from the different ones."""


def active_round(state: State, runtime: Runtime[Context]) -> State:
    """Choose what the LLM is asked about next, once a round; go on to training after the last.

    The student is a plain logistic regression on the vectors of the texts, fitted here to the labels there are. It is
    the choice that is kept: a round that was chosen is not chosen again.
    """
    context = runtime.context
    rounds, done = context.settings.active_rounds, state["counts"].get("rounds", 0)
    if done >= rounds:
        return {"phase": SETTLE}
    table = context.workspace.rounds
    if not table.get(context.run, done + 1):
        context.report(STAGE, done, rounds)
        table.put(context.run, done + 1, _unsure(context, state["version"], done + 1))
    if not table.get(context.run, done + 1):
        return {"phase": SETTLE, "counts": {"rounds": rounds}}
    context.report(STAGE, done + 1, rounds)
    return {"phase": LABEL, "counts": {"rounds": done + 1}}


def _unsure(context: Context, version: str, number: int) -> list[int]:
    """Numbers of the documents of a round (from 1)."""
    reading, settings, workspace = context.reading, context.settings, context.workspace
    count = settings.active_batch or max(1, len(reading.label_sample) // 4)
    asked = set(context.label_numbers())
    drawn = workspace.documents.sample(POOL, settings.seed)
    # The same ones in every round: they are encoded once.
    everything = sorted({*drawn, *reading.sample})
    vectors = reading.plain(everything)
    rows = {other: row for row, other in enumerate(everything)}
    pool = [other for other in drawn if other not in asked]
    known = {
        other: row.primary
        for other, row in workspace.labels.of(context.run, version, sorted(asked)).items()
        if row.source is not Source.STUDENT and other in rows
    }
    names = {name: place for place, name in enumerate(sorted({*known.values()}, key=str))}
    chosen = choose_unsure(
        vectors[[rows[other] for other in pool]],
        vectors[[rows[other] for other in known]],
        np.array([names[name] for name in known.values()], dtype=np.int64),
        count,
        seed=settings.seed + number,
    )
    return [pool[row] for row in chosen]
