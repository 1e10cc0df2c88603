"""Does a message give the right plan? Edit requests should give the right edits, anything else none.

    python -m benchmarks steering --half dev --llm embedded

The answers stay in the folder of the outcome, so that a second call asks only what a changed prompt makes new.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tnt_llm.taxonomy.errors import AnswerError, CallError
from tnt_llm.taxonomy.plan import Intent, Plan
from tnt_llm.taxonomy.values import Taxonomy

from benchmarks.steering.wants import (
    HALVES,
    KINDS,
    Message,
    has_edit,
    is_right,
    is_understood,
    read_half,
    read_taxonomy,
)

USE_CASE = "Understand what passengers contact the airline about, so that each message reaches the right support team"

Reader = Callable[[Taxonomy, Sequence[dict[str, Any]], str], Plan]
"""Taxonomy, what was said before and a message in, a plan out."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one message came to.

    Attributes:
        plan: what was read; `UNCLEAR` where the answer could not be had.
        is_right: the wanted edits and no other; for what is no edit request: no edit.
        is_understood: right, and so is the intent with its question or instruction.
        error: why there was no plan, or "".
    """

    message: Message
    plan: Plan
    is_right: bool
    is_understood: bool
    error: str = ""


def measure(read: Reader, messages: Iterable[Message], taxonomy: Taxonomy) -> list[Outcome]:
    """Read every message and judge its plan. An answer that cannot be read is a plan without edits."""
    outcomes = []
    for message in messages:
        error = ""
        try:
            plan = read(taxonomy, message.before, message.text)
        except (AnswerError, CallError) as fault:
            plan, error = Plan(intent=Intent.UNCLEAR), str(fault)
        right, understood = is_right(message, plan, taxonomy), is_understood(message, plan, taxonomy)
        outcomes.append(Outcome(message, plan, right, understood, error))
    return outcomes


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The figures of a half: what is asked for, and what it is made of."""
    requests = [outcome for outcome in outcomes if outcome.message.is_edit_request]
    others = [outcome for outcome in outcomes if not outcome.message.is_edit_request]
    return {
        "edit_requests": len(requests),
        "right": sum(outcome.is_right for outcome in requests),
        "share_right": round(sum(outcome.is_right for outcome in requests) / max(1, len(requests)), 3),
        "wrong_edits": sum(has_edit(outcome.plan) and not outcome.is_right for outcome in requests),
        "others": len(others),
        "others_with_an_edit": sum(has_edit(outcome.plan) for outcome in others),
        "others_understood": sum(outcome.is_understood for outcome in others),
        "errors": sum(bool(outcome.error) for outcome in outcomes),
        "kinds": {
            kind: [len(rows), sum(row.is_right for row in rows), sum(row.is_understood for row in rows)]
            for kind in KINDS
            if (rows := [outcome for outcome in outcomes if outcome.message.kind == kind])
        },
    }


def as_json(outcome: Outcome) -> dict[str, Any]:
    """One message with its plan and how it was judged."""
    return {
        "id": outcome.message.id,
        "kind": outcome.message.kind,
        "message": outcome.message.text,
        "right": outcome.is_right,
        "understood": outcome.is_understood,
        "error": outcome.error,
        "wants": list(outcome.message.wants),
        "plan": outcome.plan.model_dump(mode="json", exclude_defaults=True),
    }


def table(found: dict[str, Any]) -> str:
    """The figures for people."""
    requests = (
        f"edit requests with the right edits: {found['right']} of {found['edit_requests']} "
        f"({found['share_right']:.0%}); with wrong ones: {found['wrong_edits']}"
    )
    others = (
        f"other messages that gave an edit: {found['others_with_an_edit']} of {found['others']}; "
        f"understood: {found['others_understood']}"
    )
    rows = (f"| {kind} | {all_} | {right} | {read} |" for kind, (all_, right, read) in found["kinds"].items())
    return "\n".join(
        ["| kind | messages | right | understood |", "|---|---|---|---|", *rows, "", requests, others]
    )


def main(arguments: list[str]) -> None:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks steering", description=__doc__)
    parser.add_argument("--half", choices=HALVES, required=True)
    parser.add_argument("--llm", default="embedded")
    parser.add_argument("--out", type=Path, default=Path("bench/steering"))
    options = parser.parse_args(arguments)

    from tnt_llm.checkpoints.workspace import Workspace
    from tnt_llm.llm.answer import Usage
    from tnt_llm.llm.chat import Chat
    from tnt_llm.llm.spec import choose_model
    from tnt_llm.nodes.plan import read_message
    from tnt_llm.nodes.settings import Settings

    spec = choose_model(options.llm, os.environ)
    settings = Settings(use_case=USE_CASE).for_model(is_embedded=spec.is_embedded)
    began = time.monotonic()
    with Workspace.open(options.out / "answers", create=True) as tables:
        store = tables.answers.for_run(f"steering-{options.half}")
        with Chat.open(spec, store) as chat:
            outcomes = measure(
                lambda taxonomy, before, text: read_message(chat, settings, taxonomy, list(before), text),
                read_half(options.half),
                read_taxonomy(),
            )
            model = chat.id
        # All that was ever paid for this half in this folder, earlier prompts included.
        usage = sum((Usage(*row) for row in store.usage().values()), Usage())
    found = figures(outcomes)
    report = {
        "half": options.half,
        "llm": options.llm,
        "model": model,
        "seconds": round(time.monotonic() - began, 1),
        "paid_in_this_folder": {
            "calls": usage.calls,
            "prompt_tokens": usage.prompt_tokens,
            "cached_tokens": usage.cached_tokens,
            "completion_tokens": usage.completion_tokens,
        },
        **found,
        "messages": [as_json(outcome) for outcome in outcomes],
    }
    path = options.out / f"steering.{options.half}.json"
    path.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{options.half}, {model}, {report['seconds']} s")
    print(table(found))
    if options.half == "dev":
        for outcome in outcomes:
            if not outcome.is_understood:
                got = outcome.error or outcome.plan.model_dump_json(exclude_defaults=True)
                print(f"{outcome.message.id} {outcome.message.text!r}\n    {got}")
