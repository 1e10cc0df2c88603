"""Looking back: each checkpoint a line that says what LangGraph itself says, one as a whole, and quickly."""

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from checkpoints_made import make_history
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_llm.checkpoints.history import open_thread
from tnt_llm.checkpoints.saver import open_saver
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.build import build_graph
from tnt_llm.graph.history import Step, at, history
from tnt_llm.graph.run import Run
from tnt_llm.taxonomy.errors import RunNotFoundError, RunStateError, WorkspaceError
from toy_runs import SMALL, messages, patch_all


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two trials of two epochs, a pause, an edit, an undo, an approval; only looked at."""
    model = RuleModel()
    with pytest.MonkeyPatch.context() as patch, StubEndpoint(model) as stub:
        patch_all(patch)
        run = Run.start(
            messages(8),
            workspace=tmp_path_factory.mktemp("past"),
            llm=stub.spec,
            **{**SMALL, "auto": False, "trials": 2, "epochs": 2, "patience": 9},
        )
        run.say("/merge 1, 2 into Both of them", yes=True)
        run.say("/undo")
        run.approve()
    assert not model.errors
    return run


@pytest.fixture(scope="module")
def steps(run):
    return history(run.path.parent)


def nodes(steps):
    return [step.node for step in steps]


def step_of(steps, node, which=0):
    return [step for step in steps if step.node == node][which]


def test_every_checkpoint_is_a_line_the_newest_last(run, steps):
    numbers = [step.step for step in steps]
    assert numbers == list(range(-1, len(steps) - 1))
    assert [step.time for step in steps] == sorted(step.time for step in steps)
    assert steps[-1].next == ()
    assert nodes(steps)[:3] == ["", "__start__", "summarizer"]
    assert nodes(steps)[-7:] == [
        "labeler",
        "settle_labels",
        "clean_labels",
        "active_round",
        "train_classifier",
        "classify_rest",
        "publish",
    ]


def test_what_comes_next_is_what_langgraph_says(run, steps):
    with Workspace.open(run.path.parent) as tables:
        thread = tables.runs.get("main").thread_id
        path = tables.checkpoints_path
    with open_saver(path) as saver:
        graph = build_graph().compile(checkpointer=saver)
        told = list(graph.get_state_history({"configurable": {"thread_id": thread}}))[::-1]
    assert [step.next for step in steps] == [snapshot.next for snapshot in told]
    assert [step.step for step in steps] == [snapshot.metadata["step"] for snapshot in told]
    assert [step.checkpoint_id for step in steps] == [
        snapshot.config["configurable"]["checkpoint_id"] for snapshot in told
    ]
    assert [step.time for step in steps] == [snapshot.created_at for snapshot in told]


def test_limit_gives_the_newest_lines_the_very_same(run, steps):
    for limit in (1, 3, len(steps), len(steps) + 7):
        assert history(run.path.parent, limit=limit) == steps[-limit:]
    assert history(run.path.parent, limit=0) == []


def test_a_minibatch_tells_its_trial_place_and_measures(run, steps):
    lines = [step for step in steps if step.node == "taxonomy_updater"]
    state = run.state
    paths = {trial["index"]: trial["path"] for trial in state["trials"].values()}
    rounds = max(map(len, paths.values()))
    assert len(lines) == rounds
    places = [(line.epoch, line.batch) for line in lines]
    assert places[0] == (1, 1)
    assert places == sorted(set(places))
    assert {epoch for epoch, _ in places} == {1, 2}
    for place, line in enumerate(lines):
        row = paths[line.trial][place]
        assert (line.categories, line.residual, line.score) == (row[1], row[2], row[3])
        best = max(path[place][3] for path in paths.values())
        assert line.score == best


def test_the_first_minibatch_adds_all_its_categories(steps):
    line = step_of(steps, "taxonomy_updater")
    assert line.categories
    assert line.edits == (line.categories, 0, 0)


def test_edits_are_told_where_they_happen_and_nowhere_else(steps):
    edit = step_of(steps, "apply_edits")
    before = steps[steps.index(edit) - 1]
    assert edit.categories == before.categories - 1
    added, changed, gone = edit.edits
    assert (added - gone, bool(added or changed)) == (-1, True)
    undo = steps[[step.version for step in steps].index(before.version, steps.index(edit))]
    assert undo.node == "plan"
    assert undo.edits == (gone, changed, added)
    quiet = [s for s in steps if s.node in ("", "schedule", "selector", "await_user", "labeler", "publish")]
    assert {step.edits for step in quiet} == {(0, 0, 0)}


def test_pauses_and_the_approval_are_marked(steps):
    asked = [step for step in steps if "paused" in step.marks]
    assert {step.next for step in asked} == {("await_user",)}
    assert len(asked) == 3
    (approved,) = [step for step in steps if "approved" in step.marks]
    assert (approved.node, approved.next) == ("plan", ("labeler",))
    assert not any("forked" in step.marks for step in steps)


def test_a_run_that_goes_through_by_itself_is_not_marked(tmp_path, monkeypatch):
    patch_all(monkeypatch)
    with StubEndpoint(RuleModel()) as stub:
        run = Run.start(messages(8), workspace=tmp_path / "work", llm=stub.spec, **SMALL)
    assert {step.marks for step in history(run.path.parent)} == {()}


def test_tokens_grow_to_what_the_run_has_used(run, steps):
    tokens = [step.tokens for step in steps]
    assert tokens == sorted(tokens)
    assert tokens[-1] == run.summary()["tokens"] > 0
    read = [step.tokens for step in steps if step.node == "summarizer"]
    assert [step.tokens for step in steps[:2]] == [0, 0]
    assert 0 < read[0] < read[-1] < tokens[-1]


def test_a_loop_that_pauses_tells_each_edit_once(tmp_path, monkeypatch):
    patch_all(monkeypatch)
    with StubEndpoint(RuleModel()) as stub:
        run = Run.start(
            messages(12),
            workspace=tmp_path / "work",
            llm=stub.spec,
            **{**SMALL, "auto": False, "epochs": 2, "pause_every": 1, "minibatch": 12},
        )
        run.say("/remove 1", yes=True)
        run.say("/continue")
    steps = history(run.path.parent)
    assert [step.next for step in steps if "paused" in step.marks] == [("await_user",)] * 3
    removed = [step for step in steps if step.edits[2]]
    assert removed[0].node == "apply_edits"
    assert removed[0].edits == (0, 0, 1)
    goes_on = next(step for step in steps if step.node == "plan" and step.next == ("schedule",))
    assert (goes_on.edits, goes_on.version) == ((0, 0, 0), removed[0].version)
    rounds = [step for step in steps if step.node == "taxonomy_updater"]
    assert [(step.epoch, step.batch) for step in rounds] == [(1, 1), (1, 2)]
    assert rounds[1].categories == removed[0].categories + rounds[1].edits[0] - rounds[1].edits[2]


def test_a_stage_that_is_done_anew_begins_at_the_first_minibatch(tmp_path, monkeypatch):
    patch_all(monkeypatch)
    with StubEndpoint(RuleModel()) as stub:
        run = Run.start(messages(8), workspace=tmp_path / "work", llm=stub.spec, **{**SMALL, "auto": False})
        run.say("/rerun loop", yes=True)
    rounds = [
        (step.epoch, step.batch) for step in history(run.path.parent) if step.node == "taxonomy_updater"
    ]
    assert rounds == 2 * rounds[: len(rounds) // 2]
    assert rounds[0] == (1, 1)


def test_history_can_be_read_while_the_run_writes(run, steps):
    with (
        closing(sqlite3.connect(run.path.parent / "checkpoints.sqlite")) as writer,
        Workspace.open(run.path.parent) as tables,
        tables.database.transaction(),
    ):
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM checkpoints")
        thread = tables.runs.get("main").thread_id
        with open_thread(tables.checkpoints_path, thread) as found:
            assert [step.step for step in found.steps()] == [step.step for step in steps]


def test_a_step_is_plain_json(steps):
    for step in steps:
        told = json.loads(json.dumps(step.to_dict()))
        assert set(told) == set(Step.__dataclass_fields__)
        assert tuple(told["edits"].values()) == step.edits


def test_a_moment_holds_what_the_state_held(run, steps):
    edit = step_of(steps, "apply_edits")
    moment = at(run.path.parent, "main", edit.step)
    assert (moment.version, moment.next, moment.node) == (edit.version, edit.next, "apply_edits")
    assert moment.values["version"] == edit.version
    assert len(moment.taxonomy) == edit.categories
    assert "Both of them" in {category.name for category in moment.taxonomy}
    assert not any(key.startswith(("branch:", "__")) for key in moment.values)
    assert moment.messages[0]["role"] == "user"
    assert moment.question
    assert json.loads(json.dumps(moment.to_dict()))["state"]["version"] == edit.version


def test_a_moment_agrees_with_its_line_at_every_step(run, steps):
    for step in steps:
        moment = at(run.path.parent, step=step.step)
        assert (moment.step, moment.node, moment.next, moment.version, moment.time) == (
            step.step,
            step.node,
            step.next,
            step.version,
            step.time,
        )
        assert len(moment.taxonomy) == (step.categories or 0)
        assert (moment.question is not None) == ("paused" in step.marks)


def test_no_step_means_the_newest(run, steps):
    moment = at(run.path.parent)
    assert moment.step == steps[-1].step
    assert moment.taxonomy == run.taxonomy
    assert moment.messages == tuple(run.conversation)
    assert moment.question is None


def test_the_proposal_of_a_pause_is_in_its_moment(tmp_path, monkeypatch):
    patch_all(monkeypatch)
    with StubEndpoint(RuleModel()) as stub:
        run = Run.start(messages(8), workspace=tmp_path / "work", llm=stub.spec, **{**SMALL, "auto": False})
        assert at(run.path.parent).proposal is None
        run.say("/remove 1")
    moment = at(run.path.parent)
    assert moment.proposal == run.proposal.to_dict()
    assert moment.question == run.question


def test_a_step_that_is_not_there_is_told_with_those_that_are(run, steps):
    with pytest.raises(RunStateError, match=rf"no step 999\. Steps there: -1 to {steps[-1].step}\."):
        at(run.path.parent, "main", 999)


def test_a_run_or_workspace_that_is_not_there_is_told(run, tmp_path):
    with pytest.raises(RunNotFoundError):
        history(run.path.parent, "other")
    with pytest.raises(WorkspaceError):
        history(tmp_path / "nowhere")


def test_a_run_without_checkpoints_has_no_history(tmp_path):
    with Workspace.open(tmp_path, create=True) as tables:
        tables.runs.create("main", settings={}, graph_version=2, status="running")
    assert history(tmp_path) == []
    with pytest.raises(RunStateError, match=r"no checkpoint\. Steps there: none yet"):
        at(tmp_path)
    with open_saver(tmp_path / "checkpoints.sqlite"):
        pass
    assert history(tmp_path) == history(tmp_path, limit=3) == []


def test_two_threads_in_one_file_are_told_apart(run):
    with (
        Workspace.open(run.path.parent) as tables,
        open_thread(tables.checkpoints_path, "somebody else's") as other,
    ):
        assert list(other.steps()) == [] == other.numbers()
        assert other.newest() is None is other.at(0) is other.get("x")
        assert other.asked() == set()


def test_five_hundred_checkpoints_are_listed_in_a_second_and_200_megabytes(tmp_path):
    make_history(tmp_path, checkpoints=500, categories=25, messages=100)
    code = (
        "import json, sys, time\n"
        "from tnt_llm.graph.history import history\n"
        "before = time.process_time()\n"  # other processes may be busy
        "steps = history(sys.argv[1])\n"
        "seconds = time.process_time() - before\n"
        # Not ru_maxrss: a child begins with what its parent has used.
        "told = dict(line.split(':') for line in open('/proc/self/status') if 'VmHWM' in line)\n"
        "kilobytes = int(told['VmHWM'].split()[0])\n"
        "print(json.dumps([len(steps), steps[-1].categories, sum(step.edits != (0, 0, 0) for step in steps), "
        "seconds, kilobytes / 1024]))"
    )
    # Tracing every line takes longer than the lines do.
    untraced = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    child = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        env=untraced,
    )
    assert child.returncode == 0, child.stderr
    count, categories, edited, seconds, megabytes = json.loads(child.stdout)
    assert (count, categories) == (500, 25)
    assert edited > 200
    assert seconds < 1
    assert megabytes < 200
