"""LangGraph's development server serves the graph: a thread goes through its interrupts over HTTP.

It needs ``pip install "langgraph-cli[inmem]"``, which tnt does not; the test is skipped without it.
"""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient
from rule_model import RuleModel
from source_tree import ROOT
from stub_endpoint import StubEndpoint
from tnt_llm.graph.history import history
from tnt_llm.graph.run import Run, RunStatus
from toy_runs import SMALL, messages

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("langgraph_cli") is None
        or importlib.util.find_spec("langgraph_api") is None,
        reason='the development server is not installed: pip install "langgraph-cli[inmem]"',
    ),
]

PATIENCE = 180.0


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A run that waits for its user, with an endpoint that answers by rule."""
    model = RuleModel()
    with StubEndpoint(model) as stub:
        workspace = tmp_path_factory.mktemp("studio") / "work"
        yield Run.start(messages(8), workspace=workspace, llm=stub.spec, **{**SMALL, "auto": False})
    assert not model.errors


@pytest.fixture(scope="module")
def server(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncLangGraphClient]:
    """The server, as docs/studio.md starts it, on a free port; what it keeps goes to a folder of its own."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--no-browser", "--no-reload", "--port", str(port), "--config", str(ROOT / "langgraph.json")]
    environment = {
        **os.environ,
        "TNT_LLM_WORKSPACE": str(run.path.parent),
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGSMITH_TRACING": "false",
    }
    log = folder / "log"
    with log.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "langgraph_cli", "dev", *options],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=told,
            start_new_session=True,
        )
    try:
        _wait_for(port, process, log)
        with get_sync_client(url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
            yield client
    finally:
        os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    pytest.fail(f"the server does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def go(server: SyncLangGraphClient, thread: str, **given: Any) -> dict[str, Any]:
    """Let a thread go on until it waits or ends; its state then."""
    server.runs.wait(thread, "tnt", config={"recursion_limit": 1000}, **given)
    return dict(server.threads.get_state(thread))


def asked(state: dict[str, Any]) -> dict[str, Any]:
    """What the thread waits to be told."""
    (interrupt,) = [each for task in state["tasks"] for each in task["interrupts"]]
    return dict(interrupt["value"])


def say(turn: int, text: str) -> dict[str, Any]:
    return {"resume": {"turn": turn, "say": text}}


def test_a_thread_goes_through_its_interrupts_over_http(server: SyncLangGraphClient, run: Run) -> None:
    steps = history(run.path.parent)
    thread = server.threads.create()["thread_id"]

    state = go(server, thread, input={"phase": "summarize"})
    assert state["next"] == ["await_user"]
    assert asked(state)["turn"] == 1
    # What `tnt run` has asked is not asked again, and gives the same.
    assert state["values"]["version"] == run.state["version"]

    state = go(server, thread, command=say(7, "/merge 1, 2 into Both"))
    assert state["next"] == ["await_user"]
    assert "the open one is 1" in asked(state)["refused"]

    state = go(server, thread, command=say(1, "/merge 1, 2 into Both"))
    assert state["next"] == ["confirm"]
    assert asked(state)["proposal"]["lines"]

    state = go(server, thread, command=say(2, "yes"))
    assert state["next"] == ["await_user"]
    assert state["values"]["version"] != run.state["version"]

    state = go(server, thread, command=say(3, "/approve"))
    assert state["next"] == []
    assert state["values"]["published"] == state["values"]["version"]
    assert len(run.labels) == len(messages(8))

    # The thread is the server's own: what `tnt` knows of the run has not moved.
    assert history(run.path.parent) == steps
    assert run.status is RunStatus.AWAITING
