"""`tnt history` and `tnt show --at`: what a run went through."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .chat_view import show_categories, show_proposal
from .console import out, say, table

if TYPE_CHECKING:
    from ..graph.history import Moment, Step

START = "__start__"
"""LangGraph's name for where a graph is entered."""


def show_history(workspace: Path, run: str, *, limit: int | None, as_json: bool) -> None:
    """Print the checkpoints of a run, for people or as JSON."""
    from ..graph.history import history

    steps = history(workspace, run, limit=limit)
    if as_json:
        out().file.write(json.dumps([step.to_dict() for step in steps], indent=2) + "\n")
        return
    if not steps:
        say(f"The run {run} has no checkpoints yet")
        return
    titles = (
        ("Step", True),
        ("Time", False),
        ("Node", False),
        ("Trial", True),
        ("Epoch", True),
        ("Categories", True),
        ("Edits", False),
        ("Residual", True),
        ("Score", True),
        ("Tokens", True),
        ("Marks", False),
    )
    table(titles, map(_row, steps))


def show_moment(workspace: Path, run: str, step: int, *, as_json: bool) -> None:
    """Print a run as it stood at a step, for people or as JSON."""
    from ..graph.history import at

    moment = at(workspace, run, step)
    if as_json:
        # ASCII: what a document or a model wrote cannot reach a terminal as an escape sequence.
        out().file.write(json.dumps(moment.to_dict(), indent=2) + "\n")
        return
    say(f"Run {moment.run} at step {moment.step}, {local_time(moment.time)}", style="bold")
    if moment.node:
        say(f"After: {moment.node}")
    say(f"Next: {_names(moment.next) or 'nothing, it is done'}")
    show_categories(moment.taxonomy, {})
    _show_progress(moment)
    for message in moment.messages:
        say(f"{'you' if message['role'] == 'user' else message['role']}: {message['text']}")
    if moment.proposal:
        from ..tools.preview import Preview

        show_proposal(Preview.from_dict(moment.proposal))
    if moment.question:
        say(f"\n{moment.question}")


def local_time(time: str) -> str:
    """An ISO 8601 moment as people here read it."""
    return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _row(step: "Step") -> tuple[str, ...]:
    epoch = "" if step.epoch is None else f"{step.epoch}.{step.batch}"
    return (
        str(step.step),
        local_time(step.time),
        step.node.replace(START, "start") or ("input" if START in step.next else "-"),
        "" if step.trial is None else str(step.trial + 1),
        epoch,
        "" if step.categories is None else str(step.categories),
        " ".join(f"{sign}{count}" for sign, count in zip("+~-", step.edits, strict=True) if count),
        "" if step.residual is None else f"{step.residual:.2f}",
        "" if step.score is None else f"{step.score:.3f}",
        f"{step.tokens:,}",
        ", ".join(step.marks),
    )


def _names(nodes: tuple[str, ...]) -> str:
    """Like ``reviewer 3 times``."""
    counts = {node: nodes.count(node) for node in nodes}
    return ", ".join(
        node.replace(START, "start") + (f" {count} times" if count > 1 else "")
        for node, count in counts.items()
    )


def _show_progress(moment: "Moment") -> None:
    values = moment.values
    counts = ", ".join(f"{count:,} {name}" for name, count in values.get("counts", {}).items())
    if counts:
        say(f"Texts: {counts}")
    for trial in values.get("trials", {}).values():
        score = "" if trial["score"] is None else f", score {trial['score']:.3f}"
        say(
            f"Trial {trial['index'] + 1}: {len(trial['path'])} minibatches, residual {trial['residual']:.2f}{score}, "
            f"{'active' if trial['active'] else 'finished'}"
        )
    for number, instruction in enumerate(values.get("instructions", []), 1):
        say(f"Instruction {number}: {instruction['text']}")
