"""The chat at a real run, over a stub endpoint."""

import io
import sys
from pathlib import Path

import pytest
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_cli import Tnt
from tnt_llm.graph.run import Run
from toy_runs import SMALL, messages, patch_all


def test_a_real_run_is_merged_undone_split_and_approved_without_a_call_for_reading_commands(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    patch_all(monkeypatch)
    rule = RuleModel()
    with StubEndpoint(rule) as stub:
        begun = Run.start(messages(8), workspace=tmp_path, llm=stub.spec, **{**SMALL, "auto": False})
        first, second = begun.taxonomy.names[:2]
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
    assert not rule.errors
    assert "Did you mean /merge?" in result.out
    assert result.out.count("Proposed:") == 4
    merged = result.out.split("> yes")[1].split("> /undo")[0]
    assert "Both topics (changed)" in merged
    back = result.out.split("> /undo")[1].split("> /rename")[0]
    assert f"{first} (changed)" in back
    assert f"{second} (new)" in back
    assert Run.open(tmp_path).taxonomy.names[:3] == ("Cats", "Dogs", second)
    assert result.out.count("Done:") == 1
    assert result.out.rstrip().endswith(
        "This taxonomy is approved already, and the results on disk are of it."
    )
    assert (tmp_path / "main" / "report.html").exists()
