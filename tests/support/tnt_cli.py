"""Call `tnt` in this process, as a shell would."""

from dataclasses import dataclass

import pytest
from tnt_llm.cli.main import app


@dataclass(frozen=True)
class Result:
    """Exit code and the two streams."""

    code: int
    out: str
    err: str


class Tnt:
    """Calls the app with arguments."""

    def __init__(self, capfd: pytest.CaptureFixture[str]) -> None:
        self._capfd = capfd

    def __call__(self, *args: object) -> Result:
        self._capfd.readouterr()
        with pytest.raises(SystemExit) as exit_:
            app([str(arg) for arg in args], prog_name="tnt")
        streams = self._capfd.readouterr()
        return Result(int(exit_.value.code or 0), streams.out, streams.err)
