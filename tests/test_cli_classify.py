"""`tnt classify`: what it passes on, what it prints, and how it ends."""

import os
import signal
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tnt_cli import Tnt
from tnt_llm.taxonomy.errors import LeaseHeldError, Stopped

CLASSIFY = ("classify", "in.csv", "-c", "ws/main/classifier", "-o", "out.parquet")


@pytest.fixture
def tnt(capfd: pytest.CaptureFixture[str]) -> Tnt:
    return Tnt(capfd)


class FakeClassify:
    """Stands in for `classify`: keeps what it was given, tells of progress, and ends as it is told to."""

    def __init__(self) -> None:
        self.given: dict[str, Any] = {}
        self.summary = SimpleNamespace(
            documents=5000, undefined=12, seconds=3.0, resumed=0, abstained=0, documents_per_second=1666.7
        )
        self.during: Any = lambda: None

    def __call__(
        self, source: str, *, stop: threading.Event, on_progress: Any, on_total: Any, **rest: Any
    ) -> Any:
        self.given = rest | {"source": source}
        on_total(4096)
        on_progress(2048)
        self.during()
        if stop.is_set():
            stopped = Stopped("A signal.")
            stopped.add_note("2,048 rows are finished and kept in out.parquet.parts: the same call goes on.")
            raise stopped
        return self.summary


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeClassify:
    module = ModuleType("tnt_llm.classifiers.streaming")
    found = module.classify = FakeClassify()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tnt_llm.classifiers.streaming", module)
    return found


def test_what_is_given_is_passed_on_and_summed_up(tnt: Tnt, fake: FakeClassify) -> None:
    options = (
        "--text-column",
        "t",
        "--id-column",
        "key",
        "--workers",
        "3",
        "--agreement",
        "0.9",
        "--cache",
        "vec",
        "--restart",
    )
    result = tnt(*CLASSIFY, *options)
    assert result.code == 0
    assert fake.given == {
        "source": "in.csv",
        "classifier": Path("ws/main/classifier"),
        "out": Path("out.parquet"),
        "text_column": "t",
        "id_column": "key",
        "workers": 3,
        "agreement": 0.9,
        "cache": Path("vec"),
        "restart": True,
    }
    assert "classify 2,048/4,096" in result.err


def test_by_default_everything_is_chosen_by_classify(tnt: Tnt, fake: FakeClassify) -> None:
    result = tnt(*CLASSIFY)
    assert {
        name: fake.given[name]
        for name in ("text_column", "id_column", "workers", "agreement", "cache", "restart")
    } == {
        "text_column": "text",
        "id_column": None,
        "workers": None,
        "agreement": None,
        "cache": None,
        "restart": False,
    }
    assert result.out == "5,000 texts classified, 12 of them undefined, in 3 s (1,667/s): out.parquet\n"


def test_abstentions_and_rows_of_an_earlier_call_are_told(tnt: Tnt, fake: FakeClassify) -> None:
    fake.summary.abstained, fake.summary.resumed = 7, 1000
    out = tnt(*CLASSIFY, "--agreement", "0.9").out
    assert "12 of them undefined, 7 of those for lack of agreement, 1,000 by an earlier call, in" in out


def test_quietly_it_prints_nothing(tnt: Tnt, fake: FakeClassify) -> None:
    result = tnt(*CLASSIFY, "--quiet")
    assert (result.code, result.out, result.err) == (0, "", "")


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it_and_the_command_that_goes_on_is_told(
    tnt: Tnt, fake: FakeClassify, signum: int, code: int
) -> None:
    fake.during = lambda: os.kill(os.getpid(), signum)
    result = tnt("classify", "my file.csv", "-c", "c", "-o", "o.csv", "--text-column", "t", "--workers", "2")
    assert result.code == code
    assert result.out == ""
    assert "Stopped. 2,048 rows are finished and kept" in result.err
    assert "To go on: tnt classify 'my file.csv' -c c -o o.csv --text-column t --workers 2\n" in result.err


def test_an_error_is_told_with_what_is_kept(tnt: Tnt, fake: FakeClassify) -> None:
    def held() -> None:
        error = LeaseHeldError("Another process is writing out.parquet.")
        error.add_note("10 rows are finished.")
        raise error

    fake.during = held
    result = tnt(*CLASSIFY)
    assert result.code == 1
    assert "Another process is writing out.parquet.\n10 rows are finished." in result.err


@pytest.mark.parametrize("wrong", [("--workers", "0"), ("--agreement", "2")])
def test_numbers_that_make_no_sense_are_wrong_usage(
    tnt: Tnt, fake: FakeClassify, wrong: tuple[str, str]
) -> None:
    assert tnt(*CLASSIFY, *wrong).code == 2
    assert fake.given == {}
