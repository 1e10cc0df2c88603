"""`tnt show` and `tnt runs`: where runs stand."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import out, say, table

if TYPE_CHECKING:
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
    """Print the categories in order, children below their parents, with counts where there are labels."""
    taxonomy = run.taxonomy
    if not len(taxonomy):
        say("\nNo taxonomy yet")
        return
    counts = _counts(run.summary())
    rows = []
    for category in taxonomy:
        indent = "  " if category.parent else ""
        count = f"{counts[category.id]:,}" if category.id in counts else ""
        rows.append((indent + category.name, count, category.description))
    out().print()
    table([("Category", False), ("Texts", True), ("What belongs", False)], rows)
    out().print()


def show_runs(workspace: Path) -> None:
    """Print the runs of a workspace, a line each."""
    from ..graph.run import list_runs

    rows = list_runs(workspace)
    if not rows:
        say(f"No runs in {workspace} yet. To start one: tnt run CORPUS -w {workspace} --use-case TEXT")
        return
    table(
        [("Run", False), ("Status", False), ("Started", False), ("Note", False)],
        [(row.name, str(row.status), row.created, row.note) for row in rows],
    )


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
