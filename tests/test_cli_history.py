"""The commands that look back, branch off and tidy up: what they print, pass on and exit with."""

import json
import re
import shutil
import sys
from types import ModuleType

import pytest
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_cli import Tnt
from tnt_llm.checkpoints.leases import lease
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.fork import fork
from tnt_llm.graph.history import at, history
from tnt_llm.graph.run import Run, list_runs
from toy_runs import SMALL, messages, patch_all

ESCAPE = "\x1b]0;owned\x07\x1b[31m"


@pytest.fixture
def tnt(capfd):
    return Tnt(capfd)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A run of two trials that was edited, undone and finished, with a hostile message; its endpoint is gone."""
    workspace = tmp_path_factory.mktemp("cli") / "work"
    model = RuleModel()
    with pytest.MonkeyPatch.context() as patch, StubEndpoint(model) as stub:
        patch_all(patch)
        run = Run.start(
            messages(8), workspace=workspace, llm=stub.spec, **{**SMALL, "auto": False, "trials": 2}
        )
        run.say("/merge 1, 2 into Both of them", yes=True)
        run.say(f"/instructions add be brief {ESCAPE}")
        run.undo()
        run.say("/merge 1, 2")
        run.drop()
        run.approve()
    assert not model.errors
    return workspace


@pytest.fixture
def work(original, tmp_path):
    return shutil.copytree(original, tmp_path / "work", symlinks=True)


def step_before(workspace, node, which=0):
    return [step.step for step in history(workspace) if node in step.next][which]


# --- tnt history


def test_history_is_a_line_a_checkpoint(tnt, original):
    steps = history(original)
    result = tnt("history", "-w", original)
    assert (result.code, result.err) == (0, "")
    title, *lines = result.out.splitlines()
    columns = "Step Time Node Trial Epoch Categories Edits Residual Score Tokens Marks"
    assert title.split() == columns.split()
    assert [int(line.split()[0]) for line in lines] == [step.step for step in steps]
    assert "input" in lines[0]
    assert re.search(r"\d  start .* 0 *$", lines[1])
    batch = next(line for line in lines if "taxonomy_updater" in line)
    assert re.search(r"taxonomy_updater +[12] +1\.1 +\d+ +\+\d+ +[01]\.\d\d +-?\d\.\d{3} +[\d,]+", batch)
    edit = next(line for line in lines if "apply_edits" in line)
    assert re.search(r"-[12]", edit)
    assert edit.rstrip().endswith("paused")
    assert sum(line.rstrip().endswith("approved") for line in lines) == 1
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d", lines[0])


def test_history_can_be_cut_and_read_by_machines(tnt, original):
    result = tnt("history", "-w", original, "--json", "--limit", 3)
    assert json.loads(result.out) == json.loads(
        json.dumps([step.to_dict() for step in history(original)[-3:]])
    )
    assert result.out.isascii()
    assert len(tnt("history", "-w", original, "--limit", 2).out.splitlines()) == 3


def test_history_of_a_run_that_has_not_begun_says_so(tnt, tmp_path):
    with Workspace.open(tmp_path, create=True) as tables:
        tables.runs.create("main", settings={}, graph_version=2, status="running")
    result = tnt("history", "-w", tmp_path)
    assert (result.code, result.out) == (0, "The run main has no checkpoints yet\n")
    assert json.loads(tnt("history", "-w", tmp_path, "--json").out) == []


def test_history_of_what_is_not_there_is_an_error(tnt, original, tmp_path):
    assert tnt("history", "-w", tmp_path).code == 1
    result = tnt("history", "-w", original, "other")
    assert (result.code, result.out) == (1, "")
    assert "Runs there: main" in result.err


# --- tnt show --at


def test_show_at_a_step_prints_the_whole_state_there(tnt, original):
    step = step_before(original, "await_user", 1)
    moment = at(original, step=step)
    result = tnt("show", "-w", original, "--at", step)
    assert result.code == 0
    assert f"Run main at step {step}, 20" in result.out
    assert "After: apply_edits" in result.out
    assert "Next: await_user" in result.out
    for number, category in enumerate(moment.taxonomy, 1):
        assert re.search(rf"{number} +{category.name} ", result.out)
    assert "Both of them" in result.out
    assert "32 read" in result.out
    assert re.search(r"Trial 2: \d minibatches, residual 0\.\d\d, score -?\d\.\d{3}, finished", result.out)
    assert "you: /merge 1, 2 into Both of them" in result.out
    assert moment.question in result.out


def test_show_at_a_step_of_the_loop_names_the_branches(tnt, original):
    step = step_before(original, "taxonomy_updater")
    result = tnt("show", "-w", original, "--at", step)
    assert "Next: taxonomy_updater 2 times" in result.out
    assert "No categories yet" in result.out
    assert "Trial 1: 0 minibatches, residual 1.00, active" in result.out


def test_show_at_a_proposal_prints_it(tnt, work):
    new = Run.open(work, fork(work, at=step_before(work, "confirm")))
    proposal = new.proposal
    result = tnt("show", "-w", work, new.name, "--at", history(work, new.name)[-1].step)
    assert "Next: confirm" in result.out
    assert proposal.lines[0].text in result.out
    assert new.question in result.out


def test_show_at_the_end_and_at_the_beginning(tnt, original):
    last = history(original)[-1].step
    assert "Next: nothing, it is done" in tnt("show", "-w", original, "--at", last).out
    first = tnt("show", "-w", original, "--at", -1).out
    assert "Next: start" in first
    assert "After:" not in first


def test_no_escape_reaches_the_terminal(tnt, original):
    last = history(original)[-1].step
    plain = tnt("show", "-w", original, "--at", last)
    assert "Instruction 1: be brief" in plain.out
    assert "you: /instructions add be brief" in plain.out
    told = tnt("show", "-w", original, "--at", last, "--json")
    for text in (plain.out, told.out):
        assert "\x1b" not in text
        assert "\x07" not in text


def test_show_at_a_step_as_json(tnt, original):
    step = step_before(original, "await_user", 1)
    told = json.loads(tnt("show", "-w", original, "main", "--at", step, "--json").out)
    assert told == json.loads(json.dumps(at(original, step=step).to_dict()))
    assert {"step", "categories", "messages", "next", "question", "state"} <= set(told)


def test_show_at_a_step_that_is_not_there_is_an_error(tnt, original):
    result = tnt("show", "-w", original, "--at", 999)
    assert result.code == 1
    assert "no step 999" in result.err


# --- tnt fork, tnt runs


def test_fork_says_where_the_new_run_begins_and_how_it_goes_on(tnt, work):
    waits, works = step_before(work, "await_user"), step_before(work, "taxonomy_updater")
    result = tnt("fork", "-w", work, "--at", waits)
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines() == [
        f"main-2 begins where main stood at step {waits}.",
        f"It waits for you: tnt chat -w {work} main-2",
    ]
    result = tnt("fork", "-w", work, "main", "--at", works, "--name", "few", "--set", "max-categories=3")
    assert result.out.splitlines() == [
        f"few begins where main stood at step {works}.",
        f"To go on: tnt resume -w {work} few",
    ]
    assert Run.open(work, "few").settings.max_categories == 3
    assert "finished and has no outputs of its own" in tnt("fork", "-w", work).out
    publishing, trained = step_before(work, "publish"), step_before(work, "train_classifier")
    assert (
        f"at step {trained}; at step {publishing} the files of its outputs were being made."
        in tnt("fork", "-w", work, "--at", publishing).out
    )


def test_settings_of_a_fork_are_read_from_pairs(tnt, work):
    step = step_before(work, "await_user")
    pairs = ("--set", "budget_tokens = 500", "--set", "auto=true", "--set", "temperature=0.2")
    assert tnt("fork", "-w", work, "--at", step, *pairs).code == 0
    settings = Run.open(work, "main-2").settings
    assert (settings.budget_tokens, settings.auto, settings.temperature) == (500, True, 0.2)
    assert tnt("fork", "-w", work, "main-2", "--set", "budget_tokens=none").code == 0
    assert Run.open(work, "main-3").settings.budget_tokens is None


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("max_categories", "--set wants SETTING=VALUE"),
        ("=8", "--set wants SETTING=VALUE"),
        ("max categories=8", "--set wants SETTING=VALUE"),
        ("max_categorie=8", "Settings: max_categories"),
        ("max_categories=lots", "make no sense"),
        ("use_case=other", "have been read"),
        ("at=3", "no setting 'at'"),
        ("workspace=x", "no setting 'workspace'"),
    ],
)
def test_a_setting_that_cannot_be_set_is_wrong_usage(tnt, work, pair, said):
    result = tnt("fork", "-w", work, "--set", pair)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
    assert len(list_runs(work)) == 1


def test_runs_are_a_tree(tnt, work):
    step = step_before(work, "await_user")
    with Workspace.open(work) as tables:
        tables.runs.create("second", settings={}, graph_version=2, status="done")
    tnt("fork", "-w", work, "--at", step, "--name", "a")
    tnt("fork", "-w", work, "a", "--name", "b")
    tnt("fork", "-w", work, "--at", step + 1, "--name", "c")
    _, *lines = tnt("runs", "-w", work).out.splitlines()
    assert [re.match(r" *\S+", line)[0] for line in lines] == ["main", "  a", "    b", "  c", "second"]
    assert f"main at step {step}" in lines[1]
    assert f"a at step {step}" in lines[2]
    assert " at step " not in lines[0] + lines[4]


# --- tnt prune


def test_prune_says_what_it_freed(tnt, work):
    count = len(history(work))
    result = tnt("prune", "-w", work, "--keep-last", 2)
    assert result.code == 0
    told = re.fullmatch(r"(\d+) checkpoints of main dropped, 2 kept: ([\d,]+) bytes freed\. .*\n", result.out)
    assert int(told[1]) == count - 2
    assert int(told[2].replace(",", "")) > 0
    assert len(history(work)) == 2


def test_prune_refuses_a_run_in_use(tnt, work):
    with Workspace.open(work) as tables, lease(tables.database, "main"):
        result = tnt("prune", "-w", work)
    assert (result.code, result.out) == (1, "")
    assert "main" in result.err
    assert tnt("prune", "-w", work, "--keep-last", 0).code == 2


# --- tnt graph, and what is passed on


def test_graph_is_mermaid(tnt):
    result = tnt("graph")
    assert result.code == 0
    assert "graph TD;" in result.out
    for line in ("await_user --> plan;", "taxonomy_updater --> schedule;"):
        assert line in result.out


def fake(monkeypatch, module, name):
    """Puts a function in the place of a module's; what it was called with comes back."""
    calls = []

    def called(*args, **kwargs):
        calls.append((args, kwargs))
        return 3

    stand_in = ModuleType(module)
    setattr(stand_in, name, called)
    monkeypatch.setitem(sys.modules, module, stand_in)
    return calls


def test_chat_is_passed_on_and_ends_with_its_code(tnt, monkeypatch, tmp_path):
    calls = fake(monkeypatch, "tnt_llm.cli.chat", "chat")
    assert tnt("chat", "-w", tmp_path).code == 3
    tnt("chat", "-w", tmp_path, "other", "--yes", "--take-over", "--llm", "embedded", "--quiet")
    plain = {"yes": False, "take_over": False, "llm": None, "quiet": False}
    assert calls == [
        ((tmp_path, "main"), plain),
        ((tmp_path, "other"), {"yes": True, "take_over": True, "llm": "embedded", "quiet": True}),
    ]


def test_diff_takes_two_points_and_before_them_a_run(tnt, monkeypatch, tmp_path):
    calls = fake(monkeypatch, "tnt_llm.cli.diff", "show_diff")
    for points in (["3"], ["3", "5"], ["other", "3", "-"]):
        assert tnt("diff", "-w", tmp_path, *points).code == 0
    assert [args[1:] for args, _ in calls] == [("main", "3", "-"), ("main", "3", "5"), ("other", "3", "-")]
    assert tnt("diff", "-w", tmp_path, "a", "b", "--json").code == 0
    assert calls[-1][1] == {"as_json": True}
    assert tnt("diff", "-w", tmp_path, "1", "2", "3", "4").code == 2
    assert tnt("diff", "-w", tmp_path).code == 2


def test_pause_every_reaches_the_run(tnt, monkeypatch):
    calls = fake(monkeypatch, "tnt_llm.cli.work", "start")
    tnt("run", "c.csv", "-w", "ws", "--use-case", "why", "--pause-every", 2)
    assert calls[0][1]["settings"] == {"auto": False, "pause_every": 2}
