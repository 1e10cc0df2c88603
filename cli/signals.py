"""Ctrl-C and SIGTERM ask a run to stop at the next committed answer; a second one ends it at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType

from .console import err, say


@dataclass
class StopRequest:
    """Whether, and by which signal, the run was asked to stop.

    Attributes:
        event: set once it was; the run watches it.
        signum: the signal, or 0.
    """

    event: threading.Event = field(default_factory=threading.Event)
    signum: int = 0

    @property
    def exit_code(self) -> int:
        """128 + the signal's number, as shells count."""
        return 128 + (self.signum or signal.SIGINT)


@contextmanager
def stop_on_signals(
    *, quiet: bool = False, until: str = "the answers in flight are in"
) -> Iterator[StopRequest]:
    """Catch SIGINT and SIGTERM while a run works; the handlers of before come back afterwards.

    Args:
        quiet: say nothing.
        until: what is still waited for, in words.
    """
    request = StopRequest()

    def handle(signum: int, _frame: FrameType | None) -> None:
        if request.event.is_set():
            # What was answered is committed already: a hard end loses the calls in flight and nothing else.
            os._exit(128 + signum)
        request.signum = signum
        request.event.set()
        if not quiet:
            say(f"Stopping as soon as {until}. Once more ends it at once.", to=err())

    before = {signum: signal.signal(signum, handle) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
