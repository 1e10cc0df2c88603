"""Each command: what it passes on, what it prints where, and the code it exits with."""

import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tnt_llm
from fake_graph import FakeGraph
from tnt_cli import Tnt
from tnt_llm.llm.answer import Usage
from tnt_llm.taxonomy import errors
from tnt_llm.taxonomy.values import Taxonomy

STARTED: dict[str, Any] = {"parent": None, "settings": {}}
RUN = ("run", "corpus.csv", "-w", "ws", "--use-case", "why people write")


@pytest.fixture
def tnt(capfd: pytest.CaptureFixture[str]) -> Tnt:
    return Tnt(capfd)


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> FakeGraph:
    return FakeGraph().install(monkeypatch)


def test_run_passes_on_only_what_was_given(tnt: Tnt, graph: FakeGraph) -> None:
    assert tnt(*RUN).code == 0
    given = graph.settings
    assert given.pop("progress") is not None
    assert given.pop("stop").is_set() is False
    assert given == {
        "corpus": "corpus.csv",
        "name": "main",
        "use_case": "why people write",
        "llm": None,
        "text_column": "text",
        "id_column": None,
        "auto": False,
    }


def test_every_option_of_run_reaches_the_run(tnt: Tnt, graph: FakeGraph) -> None:
    options = {
        "--name": "second",
        "--text-column": "body",
        "--id-column": "key",
        "--max-categories": 12,
        "--sample": 300,
        "--label-sample": 120,
        "--minibatch": 50,
        "--epochs": 2,
        "--trials": 3,
        "--update": "paper",
        "--labels": "explain",
        "--max-words": 80,
        "--llm": "http://127.0.0.1:1/v1#m",
        "--seed": 0,
        "--budget-tokens": 9000,
    }
    flat = [str(part) for pair in options.items() for part in pair]
    assert tnt(*RUN, *flat, "--auto").code == 0
    for option, value in options.items():
        assert graph.settings[option[2:].replace("-", "_")] == value
    assert graph.settings["auto"] is True


def test_the_first_line_says_which_llm_and_why(
    tnt: Tnt, graph: FakeGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tnt(*RUN).err.splitlines()[0]
    assert first == "LLM: embedded (no other LLM is named and OPENAI_API_KEY is not set)"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    err = tnt(*RUN).err
    assert "OPENAI_API_KEY is set" in err.splitlines()[0]
    assert "sk-secret" not in err


def test_a_finished_run_says_where_the_report_is(tnt: Tnt, graph: FakeGraph) -> None:
    out = tnt(*RUN).out
    assert "Done: 3 categories, 40 texts labelled, 4 of them (10 %) undefined." in out
    assert str(Path("ws/main/report.html")) in out
    assert "tnt classify INPUT -c ws/main/classifier -o OUT.csv" in out


def test_a_paused_run_shows_taxonomy_question_and_how_to_go_on(tnt: Tnt, graph: FakeGraph) -> None:
    graph.status, graph.question = "awaiting", "Is this \x1b[2Jright?"
    result = tnt(*RUN)
    assert result.code == 3
    assert "Broken lock" in result.out
    assert "Is this right?" in result.out
    assert "tnt resume -w ws --approve" in result.out


@pytest.mark.parametrize(
    ("status", "code", "hint"),
    [
        ("budget", 4, "tnt resume -w ws --budget-tokens N"),
        ("stopped", 130, "tnt resume -w ws\n"),
        ("failed", 1, "tnt resume -w ws\n"),
    ],
)
def test_a_run_that_did_not_end_tells_the_command_that_goes_on(
    tnt: Tnt, graph: FakeGraph, status: str, code: int, hint: str
) -> None:
    graph.status = status
    result = tnt(*RUN)
    assert result.code == code
    assert result.out == ""
    assert hint in result.err


def test_the_command_to_go_on_is_fit_for_a_shell(tnt: Tnt, graph: FakeGraph) -> None:
    graph.status = "stopped"
    err = tnt("run", "c.csv", "-w", "my files", "--use-case", "x", "--name", "second").err
    assert "tnt resume -w 'my files' second" in err


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_reaches_the_run_and_the_exit_code(
    tnt: Tnt, graph: FakeGraph, signum: int, code: int
) -> None:
    def during(given: dict[str, Any]) -> None:
        os.kill(os.getpid(), signum)
        assert given["stop"].wait(5)

    graph.during, graph.status = during, "stopped"
    assert tnt(*RUN).code == code


def test_progress_goes_to_standard_error(tnt: Tnt, graph: FakeGraph) -> None:
    graph.during = lambda given: given["progress"]("phrases", 5, 40, Usage(prompt_tokens=70))
    result = tnt(*RUN)
    assert "phrases 5/40, 70 tokens" in result.err
    assert "phrases" not in result.out


@pytest.mark.parametrize("status", ["done", "awaiting", "budget", "stopped"])
def test_quiet_prints_nothing(tnt: Tnt, graph: FakeGraph, status: str) -> None:
    graph.during = lambda given: given["progress"]("phrases", 5, 40, Usage())
    graph.status = status
    result = tnt(*RUN, "--quiet")
    assert (result.out, result.err) == ("", "")


def test_resume_goes_on_and_approve_approves(tnt: Tnt, graph: FakeGraph) -> None:
    assert tnt("resume", "-w", "ws").code == 0
    assert tnt("resume", "-w", "ws", "second", "--approve", "--llm", "embedded").code == 0
    assert [verb for verb, _ in graph.asked] == ["open", "resume", "open", "approve"]
    assert graph.asked[2][1]["name"] == "second"
    assert graph.asked[2][1]["llm"] == "embedded"


def test_resume_says_which_llm_before_it_works(tnt: Tnt, graph: FakeGraph) -> None:
    graph.during = lambda given: given["progress"]("phrases", 1, 2, Usage())
    lines = tnt("resume", "-w", "ws").err.splitlines()
    assert lines[:2] == ["LLM: embedded (named)", "phrases 1/2"]


def test_resume_passes_a_larger_budget_on(tnt: Tnt, graph: FakeGraph) -> None:
    tnt("resume", "-w", "ws")
    tnt("resume", "-w", "ws", "--budget-tokens", 5)
    assert "budget_tokens" not in graph.asked[0][1]
    assert graph.asked[2][1]["budget_tokens"] == 5


def test_a_resumed_run_may_still_wait(tnt: Tnt, graph: FakeGraph) -> None:
    graph.status, graph.question = "awaiting", "Is this right?"
    result = tnt("resume", "-w", "ws")
    assert result.code == 3
    assert "Is this right?" in result.out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.CorpusError("no column text"), 1),
        (errors.RunExistsError("main is there"), 1),
        (errors.SettingsError("epochs is 0"), 2),
        (errors.BudgetReached("spent"), 4),
        (errors.Stopped("stopped", signum=15), 143),
        (errors.Pause("waits"), 3),
    ],
)
def test_an_error_is_a_message_and_a_code_without_a_traceback(
    tnt: Tnt, graph: FakeGraph, error: errors.TntError, code: int
) -> None:
    graph.error = error
    result = tnt(*RUN)
    assert result.code == code
    assert result.out == ""
    assert str(error) in result.err
    assert "Traceback" not in result.err


def test_an_error_of_the_endpoint_tells_how_to_go_on_where_there_is_a_run(tnt: Tnt, graph: FakeGraph) -> None:
    graph.error = errors.EndpointError("401: the key is refused")
    assert "tnt resume" not in tnt(*RUN).err
    graph.rows = [SimpleNamespace(name="main")]
    assert "To go on: tnt resume -w ws" in tnt(*RUN).err


def test_an_unreadable_workspace_does_not_hide_the_error(
    tnt: Tnt, graph: FakeGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(workspace: Path) -> list[object]:
        raise errors.StorageError("unreadable")

    graph.error = errors.StorageError("the disk is full")
    monkeypatch.setattr(sys.modules["tnt_llm.graph.run"], "list_runs", broken)
    result = tnt(*RUN)
    assert result.code == 1
    assert "the disk is full" in result.err


def test_debug_shows_the_traceback_of_an_error(tnt: Tnt, graph: FakeGraph) -> None:
    graph.error = errors.CorpusError("no column text")
    result = tnt("--debug", *RUN)
    assert result.code == 1
    assert "Traceback" in result.err


def test_an_unexpected_error_is_short_and_names_debug(tnt: Tnt, graph: FakeGraph) -> None:
    graph.error = RuntimeError("boom \x1b[31m")
    result = tnt(*RUN)
    assert result.code == 1
    assert "RuntimeError: boom" in result.err
    assert "tnt --debug" in result.err
    assert "Traceback" not in result.err
    assert "\x1b" not in result.err
    assert "Traceback" in tnt("--debug", *RUN).err


def test_a_reader_that_leaves_is_no_fault_of_ours(tnt: Tnt, graph: FakeGraph) -> None:
    graph.error = BrokenPipeError(32, "Broken pipe")
    result = tnt(*RUN)
    assert result.code == 1
    assert "fault" not in result.err


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("nonsense",),
        ("run", "corpus.csv"),
        (*RUN, "--update", "sideways"),
        (*RUN, "--epochs", "0"),
        (*RUN, "--sample", "many"),
        (*RUN, "--llm", "no such model"),
        ("show",),
    ],
)
def test_wrong_usage_exits_with_two(tnt: Tnt, graph: FakeGraph, args: tuple[str, ...]) -> None:
    result = tnt(*args)
    assert result.code == 2
    assert result.out + result.err
    assert not graph.asked


def test_version_and_help(tnt: Tnt) -> None:
    assert tnt("--version").out == f"tnt {tnt_llm.__version__}\n"
    for args in ([], ["run"], ["resume"], ["show"], ["runs"], ["classify"], ["doctor"]):
        result = tnt(*args, "--help")
        assert result.code == 0
        assert "Usage: tnt" in result.out
        assert tnt(*args, "-h").out == result.out


def test_show_prints_status_taxonomy_usage_and_question(tnt: Tnt, graph: FakeGraph) -> None:
    graph.status, graph.question = "awaiting", "Is this right?"
    graph.usage = {"phrases": Usage(calls=40, prompt_tokens=1234, completion_tokens=99, seconds=3.2)}
    graph.failures = [object(), object()]
    result = tnt("show", "-w", "ws")
    assert result.code == 0
    assert "Run main: awaiting" in result.out
    assert "Use case: why people write" in result.out
    rows = [line.split() for line in result.out.splitlines()]
    assert ["2", "Late", "refund", "1,200", "Money", "that", "has", "not", "come", "back."] in rows
    assert ["phrases", "40", "1,234", "0", "99", "3"] in rows
    assert "2 failures, listed in the report" in result.out
    assert "Is this right?" in result.out


def test_show_of_a_finished_run_tells_the_coverage(tnt: Tnt, graph: FakeGraph) -> None:
    out = tnt("show", "-w", "ws").out
    assert "3 categories, 40 texts labelled, 4 of them (10 %) undefined" in out
    assert "failures" not in out


def test_a_pause_without_a_question_tells_how_to_go_on(tnt: Tnt, graph: FakeGraph) -> None:
    graph.status = "awaiting"
    assert tnt("resume", "-w", "ws").out.endswith("To go on with this taxonomy: tnt resume -w ws --approve\n")


def test_show_of_a_young_run_is_short(tnt: Tnt, graph: FakeGraph) -> None:
    graph.status, graph.taxonomy = "running", Taxonomy()
    out = tnt("show", "-w", "ws").out
    assert "No taxonomy yet" in out
    assert "texts labelled" not in out


def test_show_json_is_json_and_nothing_else(tnt: Tnt, graph: FakeGraph) -> None:
    graph.summary["note"] = "\x9b31m é"
    result = tnt("show", "-w", "ws", "--json")
    assert json.loads(result.out) == graph.summary
    assert result.out.isascii()
    assert result.err == ""


def test_runs_lists_each_run_on_a_line(tnt: Tnt, graph: FakeGraph) -> None:
    assert "tnt run CORPUS -w ws" in tnt("runs", "-w", "ws").out
    graph.rows = [
        SimpleNamespace(name="main", status="done", created="2026-11-22 10:00", note="", **STARTED),
        SimpleNamespace(
            name="second", status="failed", created="2026-11-22 11:00", note="401:\nrefused", **STARTED
        ),
    ]
    lines = tnt("runs", "-w", "ws").out.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["main", "done"], ["second", "failed"]]
    assert lines[2].rstrip().endswith("401: refused")
