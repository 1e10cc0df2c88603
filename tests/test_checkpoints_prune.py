"""Pruning: old checkpoints go and the room with them; whatever is pending goes on from what is kept."""

import operator
import sqlite3
from contextlib import closing
from typing import Annotated, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_llm.checkpoints.history import open_thread
from tnt_llm.checkpoints.leases import lease
from tnt_llm.checkpoints.saver import checkpoint_bytes, open_saver
from tnt_llm.checkpoints.threads import Pruned, begin_thread, prune_thread
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.history import at, history
from tnt_llm.graph.prune import prune
from tnt_llm.graph.run import Run, RunStatus
from tnt_llm.taxonomy.errors import LeaseHeldError, RunNotFoundError, RunStateError, StorageError
from toy_runs import SMALL, messages, patch_all, rows


def config(thread="t"):
    return {"configurable": {"thread_id": thread}}


class Count(TypedDict, total=False):
    count: int
    text: str
    answer: str


def counting(saver, *, until=8, asks=False):
    """A graph that counts, with a bulky state, and asks at the end if it is to."""

    def ask(state):
        return {"answer": interrupt("what now?")}

    builder = StateGraph(Count)
    builder.add_node("step", lambda state: {"count": state["count"] + 1, "text": f"{state['count']}" * 9_000})
    builder.add_node("ask", ask)
    builder.add_edge(START, "step")
    last = "ask" if asks else END
    builder.add_conditional_edges("step", lambda state: "step" if state["count"] < until else last)
    return builder.compile(checkpointer=saver)


def ids(path, thread="t"):
    with open_thread(path, thread) as found:
        return [step.id for step in found.steps()]


def test_the_newest_are_kept_and_the_room_is_given_back(tmp_path):
    path = tmp_path / "c.sqlite"
    with open_saver(path) as saver:
        counting(saver).invoke({"count": 0}, config())
    before, size = ids(path), checkpoint_bytes(path)
    pruned = prune_thread(path, "t", keep_last=3)
    assert pruned == Pruned(len(before) - 3, 3, size - checkpoint_bytes(path))
    assert pruned.freed > 40_000
    assert ids(path) == before[-3:]
    assert rows(path, f"SELECT count(*) FROM writes WHERE checkpoint_id < '{before[-3]}'") == [(0,)]
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


def test_pruning_again_drops_nothing(tmp_path):
    path = tmp_path / "c.sqlite"
    with open_saver(path) as saver:
        counting(saver).invoke({"count": 0}, config())
    prune_thread(path, "t")
    assert prune_thread(path, "t") == Pruned(0, 1, 0)
    assert prune_thread(path, "t", keep_last=100) == Pruned(0, 1, 0)


def test_another_thread_keeps_all_of_its_own(tmp_path):
    path = tmp_path / "c.sqlite"
    with open_saver(path) as saver:
        for thread in ("t", "other"):
            counting(saver).invoke({"count": 0}, config(thread))
    before = rows(path, "SELECT * FROM checkpoints WHERE thread_id = 'other'")
    writes = rows(path, "SELECT * FROM writes WHERE thread_id = 'other'")
    assert prune_thread(path, "t").kept == 1
    assert rows(path, "SELECT * FROM checkpoints WHERE thread_id = 'other'") == before
    assert rows(path, "SELECT * FROM writes WHERE thread_id = 'other'") == writes


def test_a_question_that_is_open_stays_so_and_can_be_answered(tmp_path):
    path = tmp_path / "c.sqlite"
    with open_saver(path) as saver:
        counting(saver, asks=True).invoke({"count": 0}, config())
    assert prune_thread(path, "t").kept == 1
    with open_saver(path) as saver:
        graph = counting(saver, asks=True)
        assert [each.value for each in graph.get_state(config()).interrupts] == ["what now?"]
        assert graph.invoke(Command(resume="go"), config())["answer"] == "go"


def test_a_thread_that_was_stopped_goes_on(tmp_path):
    path = tmp_path / "c.sqlite"
    with open_saver(path) as saver:
        counting(saver).invoke({"count": 0}, config(), interrupt_before=["step"])
        counting(saver).invoke(None, config(), interrupt_before=["step"])
    prune_thread(path, "t")
    with open_saver(path) as saver:
        assert counting(saver).invoke(None, config())["count"] == 8


class Parts(TypedDict, total=False):
    done: Annotated[list[int], operator.add]


def branching(saver, ran, broken=()):
    """A graph of three branches side by side, some of which break."""

    def part(number):
        ran.append(number)
        if number in broken:
            raise ConnectionError(f"branch {number}")
        return {"done": [number]}

    builder = StateGraph(Parts)
    builder.add_node("begin", lambda state: {})
    builder.add_node("part", part)
    builder.add_edge(START, "begin")
    builder.add_conditional_edges(
        "begin", lambda state: [Send("part", number) for number in (1, 2, 3)], ["part"]
    )
    return builder.compile(checkpointer=saver)


def broken_thread(path):
    with open_saver(path) as saver, pytest.raises(ConnectionError):
        branching(saver, [], broken=(3,)).invoke({"done": []}, config(), durability="sync")


def test_what_parallel_branches_have_finished_is_kept(tmp_path):
    path, ran = tmp_path / "c.sqlite", []
    broken_thread(path)
    prune_thread(path, "t")
    with open_saver(path) as saver:
        assert branching(saver, ran).invoke(None, config())["done"] == [1, 2, 3]
    assert ran == [3]


def test_a_thread_that_begins_from_a_checkpoint_runs_its_branches_itself(tmp_path):
    path, ran = tmp_path / "c.sqlite", []
    broken_thread(path)
    begin_thread(path, ids(path)[-1], "t", "new", without=("nothing of the kind",))
    with open_saver(path) as saver:
        graph = branching(saver, ran)
        assert graph.get_state(config("new")).next == ("part",) * 3
        assert graph.invoke(None, config("new"))["done"] == [1, 2, 3]
        assert sorted(ran) == [1, 2, 3]
        assert graph.invoke(None, config())["done"] == [1, 2, 3]
    assert sorted(ran) == [1, 2, 3, 3]


def test_keys_of_the_state_can_be_left_out_of_a_new_thread(tmp_path):
    path = tmp_path / "c.sqlite"
    with open_saver(path) as saver:
        counting(saver, asks=True).invoke({"count": 0}, config())
    begin_thread(path, ids(path)[-1], "t", "new", without=("text",))
    with open_saver(path) as saver:
        graph = counting(saver, asks=True)
        assert graph.get_state(config("new")).values == {"count": 8}
        assert "text" in graph.get_state(config()).values
        assert graph.invoke(Command(resume="go"), config("new")) == {"count": 8, "answer": "go"}


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    path = tmp_path / "c.sqlite"
    assert prune_thread(path, "t") == Pruned(0, 0, 0)
    assert not path.exists()


def test_the_newest_checkpoint_is_never_dropped(tmp_path):
    with pytest.raises(ValueError, match="keep_last is 0"):
        prune_thread(tmp_path / "c.sqlite", "t", keep_last=0)


def test_a_file_that_somebody_keeps_locked_is_told_and_nothing_is_lost(tmp_path, monkeypatch):
    path = tmp_path / "c.sqlite"
    with open_saver(path) as saver:
        counting(saver).invoke({"count": 0}, config())
    before = ids(path)
    monkeypatch.setattr("tnt_llm.checkpoints.saver._BUSY_SECONDS", 0.05)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="locked"):
            prune_thread(path, "t")
    assert ids(path) == before


# --- runs


@pytest.fixture
def waiting(tmp_path, monkeypatch):
    """A run that waits with a proposal."""
    patch_all(monkeypatch)
    model = RuleModel()
    with StubEndpoint(model) as stub:
        run = Run.start(messages(8), workspace=tmp_path / "work", llm=stub.spec, **{**SMALL, "auto": False})
        run.say("/merge 1, 2 into Both", yes=True)
        run.say("/remove 1")
        yield run
    assert not model.errors


def test_a_pruned_run_has_its_versions_and_goes_on_to_its_end(waiting):
    workspace = waiting.path.parent
    steps = history(workspace)
    with Workspace.open(workspace) as tables:
        versions = tables.versions.list("main")
    before = waiting.taxonomy
    pruned = prune(workspace)
    assert (pruned.dropped, pruned.kept) == (len(steps) - 1, 1)
    assert pruned.freed > 0
    with Workspace.open(workspace) as tables:
        assert tables.versions.list("main") == versions
    assert waiting.proposal is not None
    assert len(waiting.confirm().taxonomy) == len(before) - 1
    assert waiting.undo().taxonomy == before
    assert len(waiting.undo().taxonomy) == len(before) + 1
    assert waiting.approve().status is RunStatus.DONE
    counts = waiting.summary()["counts"]
    prune(workspace)
    assert waiting.summary()["counts"] == counts
    assert len(waiting.labels) == len(messages(8))


def test_what_is_pruned_is_no_longer_in_the_history(waiting):
    workspace = waiting.path.parent
    steps = history(workspace)
    prune(workspace, keep_last=2)
    kept = history(workspace)
    assert [step.step for step in kept] == [step.step for step in steps[-2:]]
    assert kept[1] == steps[-1]
    assert (kept[0].node, kept[0].version) == ("", steps[-2].version)
    with pytest.raises(RunStateError, match=rf"no step 0\. Steps there: {kept[0].step} to {kept[1].step}\."):
        at(workspace, step=0)
    assert at(workspace, step=kept[0].step).taxonomy == at(workspace, step=kept[1].step).taxonomy


def test_a_run_in_use_is_refused(waiting):
    workspace = waiting.path.parent
    steps = history(workspace)
    with waiting.hold(), pytest.raises(LeaseHeldError):
        prune(workspace)
    with Workspace.open(workspace) as tables, lease(tables.database, "main"), pytest.raises(LeaseHeldError):
        prune(workspace)
    assert history(workspace) == steps
    with pytest.raises(RunNotFoundError):
        prune(workspace, "other")
