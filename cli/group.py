"""How a command of `tnt` ends when something goes wrong: messages and exit codes, at one place for all of them."""

import sys
import traceback
from typing import Any

import typer
from typer.core import TyperGroup

from ..taxonomy.errors import Pause, TntError
from .exit_codes import ExitCode, code_of


class Group(TyperGroup):
    """Turns errors into messages and exit codes."""

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # typer's own context, under two names
        """Call the command."""
        try:
            return super().invoke(ctx)
        except TntError as error:
            _explain(error, debug=bool(ctx.params.get("debug")))
            raise typer.Exit(code_of(error)) from error
        except (BrokenPipeError, typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if type(error).__module__.startswith("typer."):  # wrong usage: typer explains it and exits with 2
                raise
            _explain_unexpected(error, debug=bool(ctx.params.get("debug")))
            raise typer.Exit(ExitCode.ERROR) from error


def _explain(error: TntError, *, debug: bool) -> None:
    from .console import complain, err, say

    if isinstance(error, Pause):
        say(str(error), to=err())
    elif debug:
        traceback.print_exception(error, file=sys.stderr)
    else:
        complain("\n".join([f"Error: {error}", *getattr(error, "__notes__", [])]))


def _explain_unexpected(error: Exception, *, debug: bool) -> None:
    from .console import complain

    if debug:
        traceback.print_exception(error, file=sys.stderr)
        return
    complain(f"Error: {type(error).__name__}: {error}")
    complain(
        "This is a fault in tnt: `tnt --debug` with the same command shows where. "
        "What a run has finished is kept; `tnt resume` goes on from there."
    )
