"""`tnt fork`: a new run from a step of another."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from ..taxonomy.errors import SettingsError
from .console import say
from .work import resume_command


def fork_run(workspace: Path, run: str, *, at: int | None, name: str | None, changes: Sequence[str]) -> None:
    """Fork, and say how the new run goes on."""
    from ..graph.fork import fork
    from ..graph.history import forked_from
    from ..graph.run import list_runs

    new = fork(workspace, run, at=at, name=name, **_settings(changes))
    row = next(row for row in list_runs(workspace) if row.name == new)
    _, step = forked_from(row)
    moved = "" if at in (None, step) else f"; at step {at} the files of its outputs were being made"
    say(f"{new} begins where {run} stood at step {step}{moved}.")
    talk = shlex.join(["tnt", "chat", "-w", str(workspace), new])
    match row.status:
        case "awaiting":
            say(f"It waits for you: {talk}")
        case "done":
            say(f"It is finished and has no outputs of its own. To change it, and to have them made: {talk}")
        case _:
            say(f"To go on: {resume_command(workspace, new)}")


def _settings(changes: Sequence[str]) -> dict[str, str | None]:
    """``name=value`` pairs; the settings know what a value is to be."""
    settings: dict[str, str | None] = {}
    taken = {"workspace", "run", "at", "name"}
    for change in changes:
        name, equals, value = change.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or not name.isidentifier():
            raise SettingsError(
                f"--set wants SETTING=VALUE, as in --set max_categories=8, and not {change!r}"
            )
        if name in taken:
            raise SettingsError(f"there is no setting {name!r}; a fork is told so by an option of its own")
        settings[name] = None if value.strip().lower() in ("none", "null") else value.strip()
    return settings
