"""LangGraph's checkpoints: durable, resumable after a kill, plain types only, storage faults told."""

import signal
import sqlite3
import subprocess
import sys
from typing import TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from pydantic import BaseModel
from tnt_llm.checkpoints.saver import checkpoint_bytes, open_saver
from tnt_llm.taxonomy.errors import StorageError, TntError

CONFIG = {"configurable": {"thread_id": "t"}}


class State(TypedDict, total=False):
    count: int
    answer: str
    kept: object


def graph_of(saver, node):
    builder = StateGraph(State)
    builder.add_node("node", node)
    builder.add_edge(START, "node")
    builder.add_edge("node", END)
    return builder.compile(checkpointer=saver)


def test_a_pause_outlives_the_process_that_opened_it(tmp_path):
    path = tmp_path / "checkpoints.sqlite"

    def ask(state):
        return {"answer": interrupt("which?")}

    with open_saver(path) as saver:
        graph_of(saver, ask).invoke({"count": 1}, CONFIG, durability="sync")
    with open_saver(path) as saver:
        graph = graph_of(saver, ask)
        assert [task.interrupts[0].value for task in graph.get_state(CONFIG).tasks] == ["which?"]
        assert graph.invoke(Command(resume="that"), CONFIG, durability="sync") == {
            "count": 1,
            "answer": "that",
        }


def test_supersteps_done_before_a_kill_are_not_done_again(tmp_path):
    code = """
import os, sys
from pathlib import Path
from typing import TypedDict
from langgraph.graph import START, StateGraph
from tnt_llm.checkpoints.saver import open_saver
class State(TypedDict, total=False):
    count: int
def step(state):
    with open(sys.argv[2], "a") as log:
        log.write("step\\n")
    if state["count"] == 3 and sys.argv[3] == "kill":
        os.kill(os.getpid(), 9)
    return {"count": state["count"] + 1}
builder = StateGraph(State)
builder.add_node("step", step)
builder.add_edge(START, "step")
builder.add_conditional_edges("step", lambda s: "step" if s["count"] < 6 else "__end__", ["step", "__end__"])
with open_saver(Path(sys.argv[1])) as saver:
    graph = builder.compile(checkpointer=saver)
    config = {"configurable": {"thread_id": "t"}}
    out = graph.invoke({"count": 0} if sys.argv[3] == "kill" else None, config, durability="sync")
    print(out["count"])
"""
    arguments = [sys.executable, "-c", code, str(tmp_path / "c.sqlite"), str(tmp_path / "log")]
    assert subprocess.run([*arguments, "kill"], check=False).returncode == -signal.SIGKILL
    resumed = subprocess.run([*arguments, "go on"], capture_output=True, text=True, check=True)
    assert resumed.stdout == "6\n"
    assert (tmp_path / "log").read_text().count("step") == 6 + 1  # the one that was in flight is done again


class Shape(BaseModel):
    sides: int


def test_a_class_of_ours_comes_back_as_plain_values(tmp_path):
    with open_saver(tmp_path / "c.sqlite") as saver:
        graph = graph_of(saver, lambda state: {"kept": Shape(sides=3)})
        graph.invoke({"count": 1}, CONFIG, durability="sync")
        assert graph.get_state(CONFIG).values["kept"] == {"sides": 3}


def test_what_only_pickle_could_store_is_refused(tmp_path):
    with open_saver(tmp_path / "c.sqlite") as saver:
        graph = graph_of(saver, lambda state: {"kept": object()})
        with pytest.raises(TypeError, match="not msgpack serializable"):
            graph.invoke({"count": 1}, CONFIG, durability="sync")


def test_commits_are_flushed_to_the_disk_and_the_log_is_kept_small(tmp_path):
    with open_saver(tmp_path / "c.sqlite") as saver:
        assert saver.conn.execute("PRAGMA synchronous").fetchone() == (2,)
        assert saver.conn.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert saver.conn.execute("PRAGMA wal_autocheckpoint").fetchone() == (256,)


def test_a_full_disk_met_by_langgraph_is_told_as_ours(tmp_path):
    def work():
        with open_saver(tmp_path / "c.sqlite") as saver:
            graph = graph_of(saver, lambda state: {"kept": "x" * 1_000_000})
            pages = saver.conn.execute("PRAGMA page_count").fetchone()[0]
            saver.conn.execute(f"PRAGMA max_page_count = {pages + 4}")
            graph.invoke({"count": 1}, CONFIG, durability="sync")

    with pytest.raises(StorageError, match=r"no room left.*tnt resume"):
        work()


def test_other_errors_of_the_block_pass_through(tmp_path):
    with pytest.raises(TntError, match="the graph's own"), open_saver(tmp_path / "c.sqlite"):
        raise TntError("the graph's own")


def test_a_file_that_is_no_database_is_told(tmp_path):
    (tmp_path / "c.sqlite").write_bytes(b"not a database " * 500)
    with pytest.raises(StorageError, match="damaged"), open_saver(tmp_path / "c.sqlite"):
        pass


def test_the_file_is_closed_after_the_block(tmp_path):
    with open_saver(tmp_path / "c.sqlite") as saver:
        pass
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        saver.conn.execute("SELECT 1")


def test_bytes_count_the_file_and_its_log(tmp_path):
    path = tmp_path / "c.sqlite"
    assert checkpoint_bytes(path) == 0
    path.write_bytes(b"x" * 10)
    (tmp_path / "c.sqlite-wal").write_bytes(b"x" * 5)
    assert checkpoint_bytes(path) == 15
