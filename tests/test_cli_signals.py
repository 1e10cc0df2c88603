"""The first signal asks, the second ends; and the handlers of before come back."""

import os
import signal
import subprocess
import sys

import pytest
from tnt_llm.cli.signals import StopRequest, stop_on_signals

CHILD = """
import os, signal, sys, time
from tnt_llm.cli.signals import stop_on_signals
with stop_on_signals() as stop:
    os.kill(os.getpid(), signal.{name})
    assert stop.event.is_set()
    os.kill(os.getpid(), signal.{name})
    time.sleep(30)
sys.exit(7)
"""


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_first_signal_asks_the_run_to_stop(signum: int, code: int) -> None:
    with stop_on_signals() as stop:
        assert not stop.event.is_set()
        os.kill(os.getpid(), signum)
        assert stop.event.wait(5)
    assert stop.exit_code == code


def test_the_handlers_of_before_come_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with pytest.raises(ZeroDivisionError), stop_on_signals():
        raise ZeroDivisionError
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_stop_without_a_signal_counts_as_ctrl_c() -> None:
    assert StopRequest().exit_code == 130


def test_quiet_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    with stop_on_signals(quiet=True) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.event.wait(5)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_the_second_signal_ends_at_once(name: str, code: int) -> None:
    child = subprocess.run(
        [sys.executable, "-c", CHILD.format(name=name)], capture_output=True, text=True, timeout=60
    )
    assert child.returncode == code
    assert child.stderr.count("Stopping") == 1
