"""What a long run shows while it works: bars on a terminal, a line now and then in a pipe, or nothing.

Each is a callable ``(stage, done, total, usage)`` and a context manager; any thread may call it.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from .console import clean, err, say

EVERY = 5.0
"""Seconds between two plain lines."""


class _Usage(Protocol):
    """What is read of llm's `Usage`."""

    @property
    def tokens(self) -> int: ...


class Reporter(Protocol):
    """Takes progress between `__enter__` and `__exit__`."""

    def __call__(self, stage: str, done: int, total: int, usage: _Usage) -> None:
        """Report that `done` of `total` in `stage` are finished, and what the run has used so far."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def reporter(*, quiet: bool) -> Reporter:
    """The reporter that fits standard error."""
    if quiet:
        return Silent()
    console = err()
    return Bars(console) if console.is_terminal else Lines(console)


@dataclass
class Pace:
    """How fast one stage goes, counted from what was done when it was first heard of.

    Attributes:
        started: when, in seconds of the clock.
        first: how many were done then: work of an earlier process is not speed of this one.
        done: how many are done now.
        total: of how many; 0 when unknown.
        now: the time of the last report.
    """

    started: float
    first: int
    done: int
    total: int
    now: float

    @property
    def rate(self) -> float | None:
        """Finished per second, or None before the first."""
        seconds = self.now - self.started
        return (self.done - self.first) / seconds if seconds > 0 and self.done > self.first else None

    @property
    def left(self) -> float | None:
        """Seconds until the stage is finished at this rate, or None."""
        if self.rate is None or self.total <= self.done:
            return None
        return (self.total - self.done) / self.rate

    @property
    def text(self) -> str:
        """Rate and remaining time, as far as known."""
        parts = []
        if self.rate is not None:
            parts.append(f"{self.rate:.1f}/s" if self.rate < 100 else f"{self.rate:,.0f}/s")
        if self.left is not None:
            parts.append(f"{duration(self.left)} left")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Like 42 s, 3 min 20 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


class _Paced:
    """Keeps the pace of each stage, behind a lock."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._lock = threading.Lock()
        self._paces: dict[str, Pace] = {}

    def __call__(self, stage: str, done: int, total: int, usage: _Usage) -> None:
        with self._lock:
            now = self._clock()
            pace = self._paces.get(stage)
            if pace is None or done < pace.done:  # a stage that starts over is a new one
                pace = self._paces[stage] = Pace(now, done, done, total, now)
            pace.done, pace.total, pace.now = done, total, now
            self._show(stage, pace, usage.tokens)

    def _show(self, stage: str, pace: Pace, tokens: int) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""


class Silent:
    """Shows nothing."""

    def __call__(self, stage: str, done: int, total: int, usage: _Usage) -> None:
        """Drop the report."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""


class Lines(_Paced):
    """A line when a stage begins or ends, and every `EVERY` seconds in between."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(console, clock)
        self._stage = ""
        self._shown = float("-inf")
        self._ended: set[str] = set()

    def _show(self, stage: str, pace: Pace, tokens: int) -> None:
        is_end = pace.done >= pace.total > 0
        is_news = stage != self._stage or (is_end and stage not in self._ended)
        if not is_news and pace.now - self._shown < EVERY:
            return
        if is_end:
            self._ended.add(stage)
        else:
            self._ended.discard(stage)
        self._stage, self._shown = stage, pace.now
        count = f"{pace.done:,}/{pace.total:,}" if pace.total else f"{pace.done:,}"
        parts = [f"{stage} {count}", pace.text, f"{tokens:,} tokens" if tokens else ""]
        say(", ".join(part for part in parts if part), to=self._console)


class Bars(_Paced):
    """One bar per stage, below each other, redrawn in place."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(console, clock)
        self._tasks: dict[str, TaskID] = {}
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
            TextColumn("{task.fields[tokens]}", style="dim"),
            console=console,
            get_time=clock,
        )

    def _show(self, stage: str, pace: Pace, tokens: int) -> None:
        used = f"{tokens:,} tokens" if tokens else ""
        if stage not in self._tasks:
            # Description goes through markup: escape what a stage name might hold.
            self._tasks[stage] = self._progress.add_task(_plain(stage), total=None, pace="", tokens="")
        self._progress.update(
            self._tasks[stage], completed=pace.done, total=pace.total or None, pace=pace.text, tokens=used
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bars as they stand."""
        self._progress.stop()


def _plain(text: str) -> str:
    return Text(clean(text)).markup
