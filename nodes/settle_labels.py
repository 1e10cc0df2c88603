"""Settle the labels: raw votes become one label a document, without asking anybody; what needs none is carried over."""

import json
from collections.abc import Iterable, Sequence

import numpy as np
from langgraph.runtime import Runtime

from ..checkpoints.labels import LabelRow, Source
from ..taxonomy.version import Version
from ..tools.evidence import Placement
from ..tools.settle import balanced, settle
from .context import Context
from .labeler import carry, plan_asks, read_votes
from .settings import LabelStyle
from .state import SETTLE, State


def settle_labels(state: State, runtime: Runtime[Context]) -> State:
    """Write the label rows of the label sample; documents whose calls failed get none, the classifier labels them."""
    context = runtime.context
    path = context.workspace.versions.path(state["version"])
    style = LabelStyle(state["label_style"])
    carried = carry(context, path)
    rows = list(carried.kept)
    if carried.ask:
        settled = _by_letters if style is LabelStyle.FAST else _by_reasons
        placement = context.reading.place(path[-1].taxonomy, context.reading.label_sample)
        asked = set(carried.ask)
        rows += [row for row in settled(context, path, placement) if row.number in asked]
    context.workspace.labels.put_many(context.run, path[-1].id, rows)
    return {"phase": SETTLE, "counts": {"labelled": len(rows)}}


def _by_letters(context: Context, path: Sequence[Version], placement: Placement) -> Iterable[LabelRow]:
    settings, version, taxonomy = context.settings, path[-1].id, path[-1].taxonomy
    leaves, numbers = taxonomy.leaves, context.reading.label_sample
    asks = plan_asks(context, path, LabelStyle.FAST)
    outcome = settle(
        [read_votes(context, version, ask, taxonomy) for ask in asks],
        placement,
        balanced(placement, settings.balance),
        prior_power=settings.prior_power,
        temperature=settings.temperature,
    )
    for row, label in outcome.items():
        yield LabelRow(
            number=numbers[row],
            primary=None if label.primary is None else leaves[label.primary].id,
            all=tuple(leaves[column].id for column in label.all),
            confidence=round(label.confidence, 4),
            source=Source.LLM,
        )


def _by_reasons(context: Context, path: Sequence[Version], placement: Placement) -> Iterable[LabelRow]:
    numbers = context.reading.label_sample
    columns = {leaf.id: column for column, leaf in enumerate(path[-1].taxonomy.leaves)}
    (ask,) = plan_asks(context, path, LabelStyle.EXPLAIN)
    shares = np.exp(placement.similarities / context.settings.temperature)
    shares /= shares.sum(axis=1, keepdims=True)
    rows = {number: row for row, number in enumerate(numbers)}
    for number, text in sorted(context.workspace.votes.get(path[-1].id, ask.id).items()):
        vote = json.loads(text)
        if not vote or number not in rows:
            continue
        primary = vote["primary"]
        # The model gives no probability: half of it is its word, half what the embedding makes of it.
        agreed = float(shares[rows[number], columns[primary]]) if primary else 0.5
        yield LabelRow(
            number=number,
            primary=primary,
            all=tuple(vote["all"]),
            confidence=round(0.5 + agreed / 2, 4),
            source=Source.LLM,
            reason=vote["reason"],
        )
