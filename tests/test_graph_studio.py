"""The factory that LangGraph Studio calls: found by langgraph.json, cheap to call, and able to run a run."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from rule_model import RuleModel
from source_tree import ROOT
from stub_endpoint import StubEndpoint
from tnt_llm.checkpoints.leases import lease
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph import studio
from tnt_llm.graph.build import build_graph
from tnt_llm.graph.run import Run, RunStatus
from tnt_llm.graph.studio import make_graph
from tnt_llm.taxonomy.errors import LeaseHeldError, RunNotFoundError, SettingsError, WorkspaceError
from toy_runs import SMALL, messages, patch_all

FACTORY = json.loads((ROOT / "langgraph.json").read_text())["graphs"]["tnt"]


@pytest.fixture
def at_exit(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What is to be done at the end of the server; done at the end of the test."""
    todo: list[Any] = []
    monkeypatch.setattr("atexit.register", todo.append)
    yield todo
    for close in todo:
        close()
    studio._opened.cache_clear()


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Run, StubEndpoint]]:
    """A run that waits for approval, with its endpoint."""
    patch_all(monkeypatch)
    model = RuleModel()
    with StubEndpoint(model) as stub:
        settings = {**SMALL, "auto": False}
        yield Run.start(messages(8), workspace=tmp_path / "work", llm=stub.spec, **settings), stub
    assert not model.errors


def configured(path: Path, **more: str) -> Any:
    return {"configurable": {"workspace": str(path), "thread_id": "studio", **more}, "recursion_limit": 1000}


def test_the_factory_is_where_langgraph_json_says() -> None:
    module, name = FACTORY.split(":")
    assert getattr(importlib.import_module(module), name) is make_graph
    assert list(signature(make_graph).parameters) == ["config"]


def test_the_factory_can_be_imported_from_anywhere_and_compiles_nothing_by_itself(tmp_path: Path) -> None:
    module, name = FACTORY.split(":")
    code = f"import sys, {module} as m; print(callable(m.{name}), 'torch' in sys.modules)"
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert child.stdout == "True False\n", child.stderr


@pytest.mark.parametrize("config", [{}, {"configurable": {}}, {"configurable": {"workspace": "nowhere"}}])
def test_the_graph_has_all_nodes_and_ways_and_no_checkpointer(config: Any) -> None:
    graph = make_graph(config)
    ours = build_graph().compile()
    assert graph.checkpointer is None
    assert set(graph.get_graph().nodes) == set(ours.get_graph().nodes)
    assert graph.get_graph().draw_mermaid() == ours.get_graph().draw_mermaid()
    assert {name: node.input_schema for name, node in graph.builder.nodes.items()} == {
        name: node.input_schema for name, node in ours.builder.nodes.items()
    }


def test_studio_can_draw_its_forms() -> None:
    """The server fails on a schema that pydantic cannot make, and gives the context to the graph as plain values."""
    graph = make_graph({})
    assert {"phase", "corpus", "trials"} <= set(graph.get_input_jsonschema()["properties"])
    context = graph.get_context_jsonschema()
    assert context is not None
    assert set(context["properties"]) == {"workspace", "run"}


def test_without_a_workspace_the_graph_says_that_it_is_for_looking_at() -> None:
    with pytest.raises(SettingsError, match=r"only for looking at.*TNT_LLM_WORKSPACE"):
        make_graph({}).invoke({"phase": "summarize"})


def test_a_workspace_or_run_that_is_not_there_is_told_when_a_node_runs(
    tmp_path: Path, at_exit: list[Any]
) -> None:
    with pytest.raises(WorkspaceError, match="not a workspace"):
        make_graph(configured(tmp_path)).invoke({"phase": "summarize"}, configured(tmp_path))
    Workspace.open(tmp_path, create=True).close()
    with pytest.raises(RunNotFoundError):
        make_graph(configured(tmp_path, run="other")).invoke({"phase": "summarize"}, configured(tmp_path))
    assert at_exit == []


@pytest.mark.parametrize("told_by", ["configurable", "environment"])
def test_a_run_is_replayed_from_its_stored_answers_paused_and_finished(
    waiting: tuple[Run, StubEndpoint], at_exit: list[Any], monkeypatch: pytest.MonkeyPatch, told_by: str
) -> None:
    run, stub = waiting
    workspace = run.path.parent
    config = configured(workspace)
    if told_by == "environment":
        monkeypatch.setenv("TNT_LLM_WORKSPACE", str(workspace))
        del config["configurable"]["workspace"]
    asked = stub.count
    graph = make_graph(config).copy(update={"checkpointer": InMemorySaver()})
    graph.invoke({"phase": "summarize"}, config, context=config["configurable"])
    (pause,) = graph.get_state(config).interrupts
    assert pause.value["turn"] == 1
    assert graph.get_state(config).values["version"] == run.state["version"]
    assert stub.count == asked
    graph.invoke(Command(resume="approve"), config, context=config["configurable"])
    (pause,) = graph.get_state(config).interrupts
    assert "an answer is" in pause.value["refused"]
    assert stub.count == asked
    approval = {"turn": 1, "say": "/approve"}
    graph.invoke(Command(resume=approval), config, context=config["configurable"])
    assert graph.get_state(config).values["phase"] == "done"
    assert stub.count > asked
    assert len(run.labels) == len(messages(8))


def test_a_run_in_use_is_refused_and_one_opened_here_is_held_until_the_end(
    waiting: tuple[Run, StubEndpoint], at_exit: list[Any]
) -> None:
    run, _ = waiting
    config = configured(run.path.parent)
    with Workspace.open(run.path.parent) as tables:
        with lease(tables.database, "main"), pytest.raises(LeaseHeldError):
            make_graph(config).invoke({"phase": "summarize"}, config)
        make_graph(config).invoke({"phase": "summarize"}, config)
        with pytest.raises(LeaseHeldError):
            run.approve()
        (close,) = at_exit
        close()
        at_exit.clear()
        assert run.approve().status is RunStatus.DONE
