"""`tnt update`: go on from a finished run with new texts."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .console import err, say
from .work import conclude, resume_command, say_model, working

if TYPE_CHECKING:
    from ..graph.run import Run


def update_run(
    source: str,
    *,
    workspace: Path,
    run: str,
    name: str | None,
    text_column: str,
    id_column: str | None,
    llm: str | None,
    quiet: bool,
    settings: Mapping[str, Any],
) -> int:
    """Add texts, begin a run that goes on from another, work until it is done or paused; returns the exit code."""
    from ..graph.run import Run
    from ..graph.update import begin_update

    made = begin_update(
        workspace,
        run,
        source,
        name=name,
        text_column=text_column,
        id_column=id_column,
        llm=llm,
        **settings,
    )
    if not quiet:
        say(f"{made} goes on from {run}. If it is stopped: {resume_command(workspace, made)}", to=err())
    with working(workspace, made, quiet=quiet) as (progress, stop):
        begun = Run.open(workspace, made, progress=progress, stop=stop.event)
        say_model(begun.model.text, begun.model.reason, quiet=quiet)
        begun.resume()
    return conclude(begun, workspace, stop, quiet=quiet)


def show_proposed(run: "Run", workspace: Path) -> None:
    """Of a run that goes on from another, print what it would change; of others nothing."""
    origin = run.updated_from
    if origin is None:
        return
    from .diff import show_diff

    counts = run.state.get("counts", {})
    say(
        f"\n{counts.get('novel', 0):,} of {counts.get('compared', 0):,} different new texts are unlike what "
        f"{origin[0]} knows. What would change:"
    )
    show_diff(workspace, run.name, origin[1], "-", as_json=False)


def say_if_nothing_new(run: "Run") -> None:
    """Of a finished run that goes on from another, say where nothing was new."""
    if run.updated_from is not None and run.state.get("counts", {}).get("novel") == 0:
        say(
            "Nothing new stood out: the taxonomy is as it was. The classifier that was there labelled the new texts."
        )
