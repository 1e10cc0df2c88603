"""`tnt show` and `tnt runs`: where runs stand; and `tnt graph`, the way they all take."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import out, say, table

if TYPE_CHECKING:
    from ..checkpoints.runs import RunRow
    from ..graph.run import Run


def show_run(workspace: Path, name: str, *, as_json: bool) -> None:
    """Print one run, for people or as JSON."""
    from ..graph.run import Run

    run = Run.open(workspace, name)
    if as_json:
        # ASCII: what a document or a model wrote cannot reach a terminal as an escape sequence.
        out().file.write(json.dumps(run.summary(), indent=2) + "\n")
        return
    say(f"Run {run.name}: {run.status}", style="bold")
    say(f"LLM: {run.model.text} ({run.model.reason})")
    say(f"Use case: {run.settings.use_case}")
    say(f"Folder: {run.path}")
    show_taxonomy(run)
    if str(run.status) == "done":
        say(f"\n{coverage_text(run)}")
    _show_usage(run)
    if failures := list(run.failures):
        say(f"\n{len(failures):,} failures, listed in the report")
    if run.question:
        say(f"\n{run.question}")


def show_taxonomy(run: "Run") -> None:
    """Print the categories with their numbers, with counts where there are labels."""
    from .chat_view import show_categories

    if not len(run.taxonomy):
        say("\nNo taxonomy yet")
        return
    show_categories(run.taxonomy, _counts(run.summary()))


def show_runs(workspace: Path) -> None:
    """Print the runs of a workspace, a line each, a fork below the run that it came from."""
    from ..graph.history import forked_from
    from ..graph.run import list_runs
    from ..graph.update import updated_from

    runs = list_runs(workspace)
    if not runs:
        say(f"No runs in {workspace} yet. To start one: tnt run CORPUS -w {workspace} --use-case TEXT")
        return
    rows = []
    for depth, row in _tree(runs):
        _, step = forked_from(row)
        begins = "" if step is None else f"{row.parent} at step {step}"
        if (origin := updated_from(row)) is not None and step is None:
            begins = f"{origin[0]}, with new texts"
        rows.append(("  " * depth + row.name, str(row.status), row.created, begins, row.note))
    titles = ("Run", "Status", "Started", "From", "Note")
    table([(title, False) for title in titles], rows)


def _tree(runs: Sequence["RunRow"]) -> Iterator[tuple[int, "RunRow"]]:
    """(depth, run): each run, and then its forks, in the order they were begun."""
    names = {row.name for row in runs}
    waiting = [(0, row) for row in reversed(runs) if row.parent not in names]
    while waiting:
        depth, row = waiting.pop()
        yield depth, row
        waiting += [(depth + 1, fork) for fork in reversed(runs) if fork.parent == row.name]


def show_graph() -> None:
    """Print the graph as Mermaid."""
    from ..graph.drawing import mermaid

    out().file.write(mermaid().rstrip() + "\n")


def coverage_text(run: "Run") -> str:
    """Like ``11 categories, 240 texts labelled, 24 of them (10 %) undefined``."""
    summary = run.summary()
    documents, undefined = int(summary.get("documents", 0)), int(summary.get("undefined", 0))
    share = f" ({undefined / documents:.0%})".replace("%", " %") if documents else ""
    labelled = f"{documents:,} texts labelled, {undefined:,} of them{share} undefined"
    return f"{len(run.taxonomy)} categories, {labelled}"


def _counts(summary: dict[str, Any]) -> dict[str, int]:
    """Texts per category id, empty before there are labels."""
    return dict(summary.get("counts") or {})


def _show_usage(run: "Run") -> None:
    usage = dict(run.usage)
    if not usage:
        return
    out().print()
    rows = [
        (
            stage,
            f"{used.calls:,}",
            f"{used.prompt_tokens:,}",
            f"{used.cached_tokens:,}",
            f"{used.completion_tokens:,}",
            f"{used.seconds:,.0f}",
        )
        for stage, used in usage.items()
    ]
    titles = ("Calls", "Prompt tokens", "of them cached", "Completion tokens", "Seconds")
    table([("Stage", False), *((title, True) for title in titles)], rows)
