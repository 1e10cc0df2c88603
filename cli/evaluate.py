"""`tnt evaluate`: how good a run is, as tables for people or as JSON."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..taxonomy.errors import Stopped
from .console import err, out, say, table
from .exit_codes import ExitCode
from .progress import reporter
from .signals import stop_on_signals

if TYPE_CHECKING:
    from ..tools.evaluation.evaluation import Evaluation, Section


def show_evaluation(workspace: Path, run: str, *, as_json: bool, **given: Any) -> int:
    """Measure a run, keep the result among its outputs, and print it; returns the exit code.

    Args:
        workspace: its directory.
        run: its name.
        as_json: for machines.
        given: what `Run.evaluate` takes.
    """
    from ..graph.record import RunRecord

    if given.get("judges"):
        with stop_on_signals() as stop, reporter(quiet=False) as progress:
            try:
                evaluation = RunRecord(workspace, run).evaluate(**given, progress=progress, stop=stop.event)
            except Stopped:
                say("Stopped; what judges answered is kept. The same command goes on.", to=err())
                return stop.exit_code
    else:
        evaluation = RunRecord(workspace, run).evaluate(**given)
    if as_json:
        # ASCII: what a document or a model wrote cannot reach a terminal as an escape sequence.
        out().file.write(json.dumps(evaluation.as_dict(), indent=2) + "\n")
    else:
        show_sections(evaluation)
    return ExitCode.DONE


def show_sections(evaluation: "Evaluation") -> None:
    """Print every section as a table: figures with their 95 % intervals and cases, then counts."""
    head = f"Run {evaluation.run}, version {evaluation.version}: {evaluation.documents:,} documents"
    say(head, style="bold")
    for section in evaluation:
        say(f"\n{section.title}", style="bold")
        _show(section)
    for note in evaluation.notes:
        say(f"note: {note}", style="dim", to=err())


def _show(section: "Section") -> None:
    from ..tools.evaluation.measures import FACTS, title_of

    rows = [
        (title_of(name), f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}", f"{figure.n:,}")
        for name, figure in section.figures.items()
    ]
    if rows:
        table([("", False), ("Value", True), ("95 % interval", True), ("Cases", True)], rows)
    facts = {FACTS[name]: fact for name, fact in section.facts.items() if fact is not None}
    table([("", False), ("", False)], [(name, _worded(fact)) for name, fact in facts.items()])


def _worded(fact: str | int | float) -> str:
    return f"{fact:.3f}" if isinstance(fact, float) else f"{fact:,}" if isinstance(fact, int) else fact
