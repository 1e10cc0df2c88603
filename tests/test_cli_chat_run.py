"""The chat at a real run, over a stub endpoint."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rule_model import RuleModel
from stub_endpoint import Status, StubEndpoint
from tnt_cli import Tnt
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.run import Run
from toy_runs import SMALL, messages, patch_all


class Typist:
    """Standard input whose lines may be preceded by something that happens."""

    def __init__(self, *lines: str | Callable[[], object]) -> None:
        self._lines = iter(lines)

    def isatty(self) -> bool:
        return False

    def readline(self) -> str:
        for line in self._lines:
            if isinstance(line, str):
                return f"{line}\n"
            line()
        return ""


@pytest.fixture
def rule(monkeypatch: pytest.MonkeyPatch) -> Iterator[RuleModel]:
    patch_all(monkeypatch)
    model = RuleModel()
    yield model
    assert not model.errors


@pytest.fixture
def waiting(rule: RuleModel, tmp_path: Path) -> Iterator[Run]:
    """A run that shows its taxonomy."""
    with StubEndpoint(rule) as stub:
        yield Run.start(messages(8), workspace=tmp_path, llm=stub.spec, **{**SMALL, "auto": False})


def test_a_run_is_merged_undone_split_and_approved_without_a_call_for_reading_commands(
    waiting: Run,
    rule: RuleModel,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    first, second = waiting.taxonomy.names[:2]
    lines = [
        "/mrge 1, 2",
        *("/merge 1, 2 into Both topics", "no", "/merge 1, 2 into Both topics", "yes", "/undo"),
        *("/rename 1 to Animals", "1", "/count"),
        *("/split Animals into Cats, Dogs", "yes", "/approve", "/approve"),
    ]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    result = Tnt(capfd)("chat", "-w", tmp_path)
    assert result.code == 0
    assert rule.count("plan") == 0
    assert "Did you mean /merge?" in result.out
    assert result.out.count("Proposed:") == 4
    merged = result.out.split("> yes")[1].split("> /undo")[0]
    assert "Both topics (changed)" in merged
    back = result.out.split("> /undo")[1].split("> /rename")[0]
    assert f"{first} (changed)" in back
    assert f"{second} (new)" in back
    assert waiting.taxonomy.names[:3] == ("Cats", "Dogs", second)
    assert result.out.count("Done:") == 1
    assert result.out.rstrip().endswith(
        "This taxonomy is approved already, and the results on disk are of it."
    )
    assert (tmp_path / "main" / "report.html").exists()


def test_an_endpoint_that_fails_under_way_ends_no_chat_and_can_be_gone_on_with(
    waiting: Run,
    rule: RuleModel,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    def fail() -> None:
        rule.overrides |= {"label_fast": Status(401), "plan": Status(401)}

    typist = Typist(
        *(fail, "please merge the first two", "/approve", "/undo"),
        rule.overrides.clear,
        *("/continue", "/count"),
    )
    monkeypatch.setattr(sys, "stdin", typist)
    result = Tnt(capfd)("chat", "-w", tmp_path)
    assert result.code == 0
    assert "Commands work without the LLM" in result.out
    assert "Error: " in result.err
    assert result.out.count("/continue goes on with it") == 2
    assert "Done: 4 categories, 32 texts labelled" in result.out.split("> /continue")[1]


def test_a_run_that_is_held_is_refused_with_the_name_of_the_holder(
    waiting: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("/undo\n"))
    with waiting.hold():
        for further in ((), ("--take-over",)):
            result = Tnt(capfd)("chat", "-w", tmp_path, *further)
            assert result.code == 1
            assert f"Process {os.getpid()}" in result.err


def test_a_chat_whose_user_is_away_can_be_taken_over_and_says_so_to_its_user(
    waiting: Run, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def somebody_comes() -> None:
        with Workspace.open(tmp_path) as tables:
            tables.database.execute("UPDATE leases SET expires = 0")
        with Run.open(tmp_path).hold(take_over=True):
            pass

    before = waiting.state["version"]
    monkeypatch.setattr(sys, "stdin", Typist("/count", somebody_comes, "/remove 1", "yes"))
    result = Tnt(capfd)("chat", "-w", tmp_path)
    assert result.code == 1
    assert "lost its hold" in result.err
    assert waiting.state["version"] == before
