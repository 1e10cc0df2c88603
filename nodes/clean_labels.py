"""Cleaning: new labels that look wrong are asked about once more, or dropped, before anything is learnt from them.

Which ones those are is found once and kept (`tools/cleaning.py`); the answers come a slice a superstep, each kept as it
arrives; then all are judged at once. A label that a person gave is never touched.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from langgraph.runtime import Runtime

from ..checkpoints.checks import Check, Verdict
from ..checkpoints.labels import LabelRow, Source
from ..taxonomy.values import Taxonomy
from ..tools.cleaning import find_suspects, judge
from .context import Context
from .labeler import ask_reasons, way_of_asking
from .settings import Cleaning, LabelStyle
from .settle_labels import reasoned
from .state import CLEAN, SETTLE, State

STAGE = "clean"
SHARE = 0.1
"""Most of the new labels that are asked about once more."""
SHARE_EMBEDDED = 0.05
"""The same with the embedded LLM, which takes seconds to give a reason."""
SHARE_DROPPED = 0.2
"""Most of the new labels that are dropped without asking: it costs nothing, and helps up to there."""


def clean_labels(state: State, runtime: Runtime[Context]) -> State:
    """Find the suspects among the new labels, ask about one slice of them, or judge them when all is answered."""
    context, version = runtime.context, state["version"]
    if context.settings.cleaning is Cleaning.OFF:
        return {"phase": SETTLE}
    checks = context.workspace.checks
    if checks.get(context.run, version, Verdict.OPEN):
        _find(context, version, LabelStyle(state["label_style"]))
    suspects = checks.get(context.run, version, Verdict.SUSPECT)
    if not suspects:
        return {"phase": SETTLE, "counts": {"labelled": len(_labelled(context, version))}}
    taxonomy = context.workspace.versions.get(version).taxonomy
    votes: Mapping[int, str] = {}
    if context.settings.cleaning is Cleaning.ASK:
        missing = context.workspace.votes.missing(version, _ask(context), list(suspects))
        context.report(STAGE, len(suspects) - len(missing), len(suspects))
        if missing:
            _ask_slice(context, version, taxonomy, missing, len(suspects))
            return {"phase": CLEAN}
        votes = context.workspace.votes.get(version, _ask(context))
    _judge(context, version, list(_verdicts(context, taxonomy, suspects, votes)))
    return {"phase": SETTLE, "counts": {"labelled": len(_labelled(context, version))}}


def _labelled(context: Context, version: str) -> dict[int, LabelRow]:
    """What is learnt from: the settled labels, by number."""
    rows = context.workspace.labels.of(context.run, version, context.label_numbers())
    return {number: row for number, row in rows.items() if row.source is not Source.STUDENT}


def _find(context: Context, version: str, style: LabelStyle) -> None:
    """Tell the suspects among the open ones, and let the others pass."""
    checks, run = context.workspace.checks, context.run
    rows = _labelled(context, version)
    numbers = list(rows)
    opened = checks.get(run, version, Verdict.OPEN)

    def is_said(row: LabelRow) -> bool:
        # In fast style undefined is a matter of distance, which neighbours, however far, do not contradict.
        return row.primary is not None or style is LabelStyle.EXPLAIN

    names = sorted({row.primary for row in rows.values()}, key=str)
    places = {name: place for place, name in enumerate(names)}
    found = find_suspects(
        context.reading.vectors(numbers),
        np.array([places[rows[number].primary] for number in numbers], dtype=np.int64),
        candidates=[
            place
            for place, number in enumerate(numbers)
            if number in opened and rows[number].source is not Source.HUMAN and is_said(rows[number])
        ],
        share=_share(context),
        seed=context.settings.seed,
    )
    suspects = [
        Check(
            label=rows[numbers[suspect.row]],
            verdict=Verdict.SUSPECT,
            neighbours=names[suspect.neighbours],
            student=names[suspect.student],
            doubt=round(suspect.doubt, 4),
        )
        for suspect in found
    ]
    with context.workspace.database.transaction():
        checks.put_many(run, version, suspects)
        checks.remove(run, version, Verdict.OPEN)


def _share(context: Context) -> float:
    if context.settings.cleaning is Cleaning.DROP:
        return SHARE_DROPPED
    return SHARE_EMBEDDED if context.chat.is_embedded else SHARE


def _ask(context: Context) -> str:
    """What the second answers are kept under."""
    return f"{way_of_asking(context, 'label_explain')}|again"


def _ask_slice(
    context: Context, version: str, taxonomy: Taxonomy, missing: list[int], everything: int
) -> None:
    # In another order than before, so that it is another opinion also where the first came with a reason.
    leaves = taxonomy.leaves[::-1]
    done = everything - len(missing)
    for number, vote in ask_reasons(context, leaves, missing[: context.settings.slice], stage=STAGE):
        context.workspace.votes.put_many(version, _ask(context), {number: vote})
        done += 1
        context.report(STAGE, done, everything)


def _judge(context: Context, version: str, judged: Sequence[tuple[Check, LabelRow | None]]) -> None:
    """Put the verdicts, and the labels that come of them, into the tables."""
    dropped = [check.label.number for check, row in judged if row is None]
    with context.workspace.database.transaction():
        context.workspace.labels.put_many(context.run, version, [row for _, row in judged if row is not None])
        context.workspace.labels.remove(context.run, version, dropped)
        context.workspace.checks.put_many(context.run, version, [check for check, _ in judged])


def _verdicts(
    context: Context, taxonomy: Taxonomy, suspects: Mapping[int, Check], votes: Mapping[int, str]
) -> Iterator[tuple[Check, LabelRow | None]]:
    """The examinations as they end, each with the label that counts from now on; None where that is none."""
    similarities = context.reading.place(taxonomy, list(suspects)).similarities
    for (number, check), near in zip(suspects.items(), similarities, strict=True):
        vote = json.loads(votes.get(number, "{}"))
        if not vote:
            why = "" if context.settings.cleaning is Cleaning.DROP else "There was no second answer."
            yield replace(check, verdict=Verdict.DROPPED, reason=why), None
            continue
        answer, reason = vote["primary"], vote["reason"]
        verdict = judge(check.label.primary, answer, {check.neighbours, check.student})
        row = None
        if verdict is Verdict.KEPT:
            row = replace(check.label, reason=check.label.reason or reason)
        elif verdict is Verdict.CHANGED:
            row = reasoned(number, vote, context, taxonomy, near)
        yield replace(check, verdict=verdict, answer=answer, reason=reason, was_answered=True), row
