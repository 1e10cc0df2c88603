"""Progress: paces are right, a pipe is not flooded, a terminal shows bars, quiet shows nothing."""

import io
import threading
from dataclasses import dataclass

import pytest
from rich.console import Console
from tnt_llm.cli import progress
from tnt_llm.llm.answer import Usage


@dataclass
class Clock:
    """A clock that the test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def lines_of(stream: io.StringIO) -> list[str]:
    return stream.getvalue().splitlines()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def lines(stream: io.StringIO, clock: Clock) -> progress.Lines:
    return progress.Lines(Console(file=stream, width=500), clock)


def test_a_line_tells_count_rate_rest_and_tokens(
    lines: progress.Lines, stream: io.StringIO, clock: Clock
) -> None:
    with lines as report:
        report("labels", 0, 1200, Usage())
        clock.now = 10
        report("labels", 100, 1200, Usage(prompt_tokens=5000, completion_tokens=100))
    assert lines_of(stream) == ["labels 0/1,200", "labels 100/1,200, 10.0/s, 1 min 50 s left, 5,100 tokens"]


def test_what_an_earlier_process_did_is_not_speed(
    lines: progress.Lines, stream: io.StringIO, clock: Clock
) -> None:
    lines("labels", 900, 1000, Usage())
    clock.now = 10
    lines("labels", 910, 1000, Usage())
    assert lines_of(stream)[-1] == "labels 910/1,000, 1.0/s, 1 min 30 s left"


def test_many_reports_make_few_lines(lines: progress.Lines, stream: io.StringIO, clock: Clock) -> None:
    for done in range(1001):
        clock.now = done / 50
        lines("phrases", done, 1000, Usage())
    # 20 seconds: the first, then one in five seconds, and the last.
    assert [line.split()[1].rstrip(",") for line in lines_of(stream)] == [
        "0/1,000",
        "250/1,000",
        "500/1,000",
        "750/1,000",
        "1,000/1,000",
    ]


def test_the_end_of_a_stage_is_told_once(lines: progress.Lines, stream: io.StringIO) -> None:
    for _ in range(3):
        lines("train", 1, 1, Usage())
    assert lines_of(stream) == ["train 1/1"]


def test_a_stage_that_starts_over_is_paced_anew(
    lines: progress.Lines, stream: io.StringIO, clock: Clock
) -> None:
    lines("update", 0, 4, Usage())
    clock.now = 8
    lines("update", 4, 4, Usage())
    clock.now = 20
    lines("update", 0, 4, Usage())
    clock.now = 26
    lines("update", 3, 4, Usage())
    lines("update", 4, 4, Usage())
    assert lines_of(stream) == [
        "update 0/4",
        "update 4/4, 0.5/s",
        "update 0/4",
        "update 3/4, 0.5/s, 2 s left",
        "update 4/4, 0.7/s",
    ]


def test_an_unknown_total_is_left_out(lines: progress.Lines, stream: io.StringIO, clock: Clock) -> None:
    lines("classify", 0, 0, Usage())
    clock.now = 6
    lines("classify", 60_000, 0, Usage())
    assert lines_of(stream) == ["classify 0", "classify 60,000, 10,000/s"]


def test_threads_may_report_at_once(lines: progress.Lines, stream: io.StringIO) -> None:
    threads = [threading.Thread(target=lines, args=(f"stage {n}", 1, 1, Usage())) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(lines_of(stream)) == sorted(f"stage {n} 1/1" for n in range(16))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_are_read_at_a_glance(seconds: float, text: str) -> None:
    assert progress.duration(seconds) == text


def test_bars_show_stage_count_rate_and_tokens(stream: io.StringIO, clock: Clock) -> None:
    console = Console(file=stream, width=120, force_terminal=True, color_system=None)
    with progress.Bars(console, clock) as report:
        report("la[b]els\x1b[31m", 0, 200, Usage())
        clock.now = 10
        report("la[b]els\x1b[31m", 50, 200, Usage(prompt_tokens=1234))
        report("train", 1, 0, Usage())
    last = stream.getvalue().splitlines()
    row = next(line for line in reversed(last) if "50/200" in line)
    assert "la[b]els" in row
    assert "5.0/s, 30 s left" in row
    assert "1,234 tokens" in row
    assert any("train" in line for line in last)
    assert "\x1b[31m" not in stream.getvalue()


def test_quiet_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    with progress.reporter(quiet=True) as report:
        report("labels", 1, 2, Usage())
    assert capfd.readouterr() == ("", "")


def test_a_pipe_gets_lines_and_a_terminal_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "err", lambda: Console(file=io.StringIO()))
    assert isinstance(progress.reporter(quiet=False), progress.Lines)
    monkeypatch.setattr(progress, "err", lambda: Console(file=io.StringIO(), force_terminal=True))
    assert isinstance(progress.reporter(quiet=False), progress.Bars)
