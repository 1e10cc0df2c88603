"""Settle the labels: raw votes become one label a document, without asking anybody; what needs none is carried over."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from langgraph.runtime import Runtime

from ..checkpoints.checks import Check, Verdict
from ..checkpoints.labels import LabelRow, Source
from ..classifiers.features import Vectors
from ..taxonomy.values import Taxonomy
from ..taxonomy.version import Version
from ..tools.evidence import Placement
from ..tools.settle import settle
from .context import Context
from .labeler import Carried, carry, plan_asks, prior_sample, read_votes, rows_of
from .settings import Cleaning, LabelStyle
from .state import SETTLE, State


def settle_labels(state: State, runtime: Runtime[Context]) -> State:
    """Write the label rows of the label sample; documents whose calls failed get none, the classifier labels them."""
    context, workspace = runtime.context, runtime.context.workspace
    path = workspace.versions.path(state["version"])
    version, style = path[-1].id, LabelStyle(state["label_style"])
    carried = carry(context, path)
    new: list[LabelRow] = []
    if carried.ask:
        settled = _by_letters if style is LabelStyle.FAST else _by_reasons
        placement = context.reading.place(path[-1].taxonomy, context.label_numbers())
        asked = set(carried.ask)
        new = [row for row in settled(context, path, placement) if row.number in asked]
    with workspace.database.transaction():
        workspace.labels.put_many(context.run, version, [*carried.kept, *new])
        _note(context, version, carried, new)
    return {"phase": SETTLE, "counts": {"labelled": len(carried.kept) + len(new)}}


def _note(context: Context, version: str, carried: Carried, new: Iterable[LabelRow]) -> None:
    """Have new labels looked at; what was found about those that are carried over holds on."""
    checks = context.workspace.checks
    if context.settings.cleaning is not Cleaning.OFF:
        checks.add(context.run, version, [Check(row, Verdict.OPEN) for row in new])
    if carried.since is None or carried.since == version:
        return
    found = checks.get(context.run, carried.since, Verdict.DROPPED)
    checks.copy(context.run, carried.since, version, [row.number for row in carried.kept])
    checks.add(context.run, version, [replace(found[row.number], label=row) for row in carried.dropped])


def _by_letters(context: Context, path: Sequence[Version], placement: Placement) -> Iterable[LabelRow]:
    settings, version, taxonomy = context.settings, path[-1].id, path[-1].taxonomy
    leaves, numbers = taxonomy.leaves, context.label_numbers()
    asks = plan_asks(context, path, LabelStyle.FAST)
    outcome = settle(
        [read_votes(context, version, ask, taxonomy) for ask in asks],
        placement,
        rows_of(numbers, prior_sample(context, taxonomy)),
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
    numbers = context.label_numbers()
    (ask,) = plan_asks(context, path, LabelStyle.EXPLAIN)
    rows = {number: row for row, number in enumerate(numbers)}
    for number, text in sorted(context.workspace.votes.get(path[-1].id, ask.id).items()):
        vote = json.loads(text)
        if vote and number in rows:
            yield reasoned(number, vote, context, path[-1].taxonomy, placement.similarities[rows[number]])


def reasoned(
    number: int, vote: Mapping[str, Any], context: Context, taxonomy: Taxonomy, similarities: Vectors
) -> LabelRow:
    """The label of a document that the LLM has given with a reason.

    Args:
        number: of the document.
        vote: "primary", "all" and "reason", as `labeler.ask_reasons` gives them.
        context: of the run.
        taxonomy: that the ids are of.
        similarities: float32 [k], of the document with each leaf.
    """
    shares = np.exp(similarities.astype(np.float64) / context.settings.temperature)
    columns = {leaf.id: column for column, leaf in enumerate(taxonomy.leaves)}
    primary = vote["primary"]
    # The model gives no probability: half of it is its word, half what the embedding makes of it.
    agreed = float(shares[columns[primary]] / shares.sum()) if primary else 0.5
    return LabelRow(
        number=number,
        primary=primary,
        all=tuple(vote["all"]),
        confidence=round(0.5 + agreed / 2, 4),
        source=Source.LLM,
        reason=vote["reason"],
    )
