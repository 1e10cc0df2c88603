"""The exit codes of `tnt`. A run that a signal stopped ends with 128 + the signal's number: 130 or 143."""

from enum import IntEnum

from ..taxonomy.errors import BudgetReached, Pause, SettingsError, Stopped, TntError


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    AWAITING = 3
    BUDGET = 4


def code_of(error: TntError) -> int:
    """The exit code for an error that ended a command."""
    match error:
        case BudgetReached():
            return ExitCode.BUDGET
        case Stopped():
            return 128 + error.signum
        case Pause():
            return ExitCode.AWAITING
        case SettingsError():
            return ExitCode.USAGE
        case _:
            return ExitCode.ERROR
