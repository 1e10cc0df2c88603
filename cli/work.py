"""The commands that work for long: start a run, go on with one."""

import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..taxonomy.errors import ModelError, StorageError, TntError
from .console import err, say
from .exit_codes import ExitCode
from .progress import Reporter, reporter
from .signals import StopRequest, stop_on_signals

if TYPE_CHECKING:
    from ..graph.run import Run


def start(
    corpus: str,
    *,
    workspace: Path,
    name: str,
    use_case: str,
    text_column: str,
    id_column: str | None,
    llm: str | None,
    quiet: bool,
    settings: Mapping[str, Any],
) -> int:
    """Start a run, work until it is done or paused, and return the exit code."""
    from ..llm.spec import choose_model

    model = choose_model(llm, os.environ)
    say_model(model.text, model.reason, quiet=quiet)
    with working(workspace, name, quiet=quiet) as (progress, stop):
        from ..graph.run import Run

        run = Run.start(
            corpus,
            use_case=use_case,
            workspace=workspace,
            name=name,
            llm=llm,
            text_column=text_column,
            id_column=id_column,
            progress=progress,
            stop=stop.event,
            **settings,
        )
    return conclude(run, workspace, stop, quiet=quiet)


def go_on(
    *, workspace: Path, name: str, approve: bool, llm: str | None, budget_tokens: int | None, quiet: bool
) -> int:
    """Go on with a run, work until it is done or paused, and return the exit code."""
    with working(workspace, name, quiet=quiet) as (progress, stop):
        from ..graph.run import Run

        changed = {} if budget_tokens is None else {"budget_tokens": budget_tokens}
        run = Run.open(workspace, name, llm=llm, progress=progress, stop=stop.event, **changed)
        say_model(run.model.text, run.model.reason, quiet=quiet)
        run = run.approve() if approve else run.resume()
    return conclude(run, workspace, stop, quiet=quiet)


@contextmanager
def working(workspace: Path, name: str, *, quiet: bool) -> Iterator[tuple[Reporter, StopRequest]]:
    """Progress and signals around the work of a run; where it breaks off, say how it goes on."""
    try:
        with stop_on_signals(quiet=quiet) as stop, reporter(quiet=quiet) as progress:
            yield progress, stop
    except (ModelError, StorageError) as error:
        if _exists(workspace, name):
            error.add_note(f"What is finished is kept. To go on: {resume_command(workspace, name)}")
        raise


def _exists(workspace: Path, name: str) -> bool:
    """Whether the run is there, as far as the workspace can still tell."""
    from ..graph.run import list_runs

    try:
        return any(row.name == name for row in list_runs(workspace))
    except TntError:
        return False


def say_model(text: str, reason: str, *, quiet: bool) -> None:
    """Say which LLM is used and why."""
    if not quiet:
        say(f"LLM: {text} ({reason})", to=err())


def conclude(run: "Run", workspace: Path, stop: StopRequest, *, quiet: bool) -> int:
    """Say how a run ended, and the command that goes on."""
    status = str(run.status)
    again = resume_command(workspace, run.name)
    if status == "done":
        if not quiet:
            from .update import say_if_nothing_new

            say_if_nothing_new(run)
            say_result(run)
        return ExitCode.DONE
    if status == "awaiting":
        if not quiet:
            from .show import show_taxonomy
            from .update import show_proposed

            show_taxonomy(run)
            show_proposed(run, workspace)
            if run.question:
                say(run.question)
            say(f"To ask about it and to change it: {chat_command(workspace, run.name)}")
            say(f"To go on with this taxonomy: {again} --approve")
        return ExitCode.AWAITING
    if status == "budget":
        _say_pause(
            f"The budget of tokens is used up. To go on with a larger one: {again} --budget-tokens N", quiet
        )
        return ExitCode.BUDGET
    if status == "stopped":
        _say_pause(f"Stopped; everything answered so far is kept. To go on: {again}", quiet)
        return stop.exit_code
    say(f"The run is {status}. To go on: {again}", style="red", to=err())
    return ExitCode.ERROR


def _say_pause(message: str, quiet: bool) -> None:
    if not quiet:
        say(message, to=err())


def say_result(run: "Run") -> None:
    """Say what a finished run came to, and where it is."""
    from .show import coverage_text

    say(f"Done: {coverage_text(run)}.")
    for warning in run.warnings:
        say(f"Mind: {warning}", style="yellow")
    say(f"The report: {run.path / 'report.html'}")
    say(f"To classify more: tnt classify INPUT -c {shlex.quote(str(run.path / 'classifier'))} -o OUT.csv")


def resume_command(workspace: Path, name: str) -> str:
    """The command that goes on with a run, fit for a shell."""
    return _command("resume", workspace, name)


def chat_command(workspace: Path, name: str) -> str:
    """The command that talks about a run, fit for a shell."""
    return _command("chat", workspace, name)


def _command(verb: str, workspace: Path, name: str) -> str:
    return shlex.join(["tnt", verb, "-w", str(workspace), *([] if name == "main" else [name])])
