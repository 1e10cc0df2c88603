"""Forking: a new run begins where another stood, asks only what differs, and leaves the other alone."""

import shutil

import pytest
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_llm.checkpoints.history import open_thread
from tnt_llm.checkpoints.labels import Source
from tnt_llm.checkpoints.leases import lease
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph import fork as forking
from tnt_llm.graph.fork import fork
from tnt_llm.graph.history import at, forked_from, history
from tnt_llm.graph.prune import prune
from tnt_llm.graph.run import Run, RunStatus, list_runs
from tnt_llm.nodes.settings import Settings
from tnt_llm.taxonomy.errors import (
    RunExistsError,
    RunNotFoundError,
    RunStateError,
    SettingsError,
    StorageError,
    VersionError,
)
from toy_runs import SMALL, messages, patch_all, rows


@pytest.fixture(scope="module")
def endpoint():
    model = RuleModel()
    with pytest.MonkeyPatch.context() as patch, StubEndpoint(model) as stub:
        patch_all(patch)
        yield stub
    assert not model.errors


@pytest.fixture(scope="module")
def original(tmp_path_factory, endpoint):
    """A finished run of two trials, with an edit, an undo and a proposal that was dropped before its approval."""
    workspace = tmp_path_factory.mktemp("original") / "work"
    run = Run.start(
        messages(8), workspace=workspace, llm=endpoint.spec, **{**SMALL, "auto": False, "trials": 2}
    )
    run.say("/merge 1, 2 into Both of them", yes=True)
    run.undo()
    run.say("/remove 1")
    run.drop()
    run.approve()
    assert run.status is RunStatus.DONE
    return workspace


@pytest.fixture
def work(original, tmp_path):
    """A copy of its workspace."""
    return shutil.copytree(original, tmp_path / "work", symlinks=True)


def step_before(workspace, node, which=0):
    """Number of a step that leads to a node."""
    return [step.step for step in history(workspace) if node in step.next][which]


def labels_of(workspace, run, version):
    with Workspace.open(workspace) as tables:
        return list(tables.labels.get(run, version))


def finished(run):
    """Bring a run to its end, whatever it needs for that."""
    run.resume()
    if run.status is RunStatus.AWAITING:
        if run.proposal:
            run.drop()
        run.approve()
    assert run.status is RunStatus.DONE
    return run


def test_a_fork_is_a_run_with_a_parent_and_the_step_it_came_from(work):
    step = step_before(work, "await_user")
    assert fork(work, at=step) == "main-2"
    main, new = list_runs(work)
    assert (main.parent, forked_from(main)) == (None, (None, None))
    assert (new.parent, forked_from(new)) == ("main", ("main", step))
    assert new.thread_id != main.thread_id
    assert new.settings["settings"] == main.settings["settings"]
    assert new.settings["model"] == main.settings["model"]
    marked = [each.step for each in history(work) if "forked" in each.marks]
    assert marked == [step]


def test_forks_are_numbered_and_their_forks_too(work):
    step = step_before(work, "await_user")
    assert [fork(work, at=step) for _ in range(2)] == ["main-2", "main-3"]
    assert fork(work, "main-2") == "main-4"
    (work / "main-5").mkdir()
    assert fork(work, at=step) == "main-6"
    assert fork(work, at=step, name="mine") == "mine"
    assert fork(work, "mine") == "mine-2"
    assert fork(work, "mine-2") == "mine-3"


def test_a_number_that_somebody_gave_a_run_is_part_of_its_name(work, endpoint):
    Run.start(messages(8), workspace=work, name="q-3", llm=endpoint.spec, **{**SMALL, "budget_tokens": 1})
    assert fork(work, "q-3") == "q-3-2"


def test_the_old_run_is_not_touched(work):
    def everything():
        with Workspace.open(work) as tables:
            thread = tables.runs.get("main").thread_id
        own = [
            f"SELECT * FROM runs WHERE name = 'main'",  # noqa: F541
            "SELECT * FROM run_versions WHERE run = 'main' ORDER BY id",
            "SELECT * FROM labels WHERE run = 'main' ORDER BY version, number",
            "SELECT * FROM ledger WHERE run = 'main'",
        ]
        threads = [
            f"SELECT * FROM checkpoints WHERE thread_id = '{thread}'",
            f"SELECT * FROM writes WHERE thread_id = '{thread}'",
        ]
        files = {path: path.read_bytes() for path in sorted((work / "main").rglob("*")) if path.is_file()}
        return (
            [rows(work / "workspace.sqlite", sql) for sql in own],
            [rows(work / "checkpoints.sqlite", sql) for sql in threads],
            files,
        )

    before = everything()
    new = Run.open(work, fork(work, at=step_before(work, "await_user"), max_categories=3))
    new.say("/remove 1", yes=True)
    new.approve()
    assert everything() == before


def test_a_question_is_open_again_though_the_old_run_answered_it(work):
    step = step_before(work, "await_user")
    new = Run.open(work, fork(work, at=step))
    there = at(work, step=step)
    assert new.status is RunStatus.AWAITING
    assert (new.question, new.turn) == (there.question, 1)
    assert new.taxonomy == there.taxonomy
    assert new.conversation == []
    assert new.resume().status is RunStatus.AWAITING


def test_a_proposal_that_was_dropped_can_be_taken_in_a_fork(work):
    step = step_before(work, "confirm")
    new = Run.open(work, fork(work, at=step))
    assert new.proposal is not None
    assert new.proposal.to_dict() == at(work, step=step).proposal
    turn = new.confirm()
    assert len(turn.taxonomy) == len(Run.open(work).taxonomy) - 1


def test_pending_branches_come_along_and_give_what_they_gave_without_a_call(work, endpoint):
    step = step_before(work, "taxonomy_updater")
    assert at(work, step=step).next == ("taxonomy_updater",) * 2
    new = Run.open(work, fork(work, at=step))
    assert new.status is RunStatus.STOPPED
    asked = endpoint.count
    assert new.resume().status is RunStatus.AWAITING
    assert endpoint.count == asked
    assert new.summary()["tokens"] == 0
    first = at(work, step=step_before(work, "await_user"))
    assert new.taxonomy == first.taxonomy
    assert new.state["version"] == first.version
    assert new.state["trials"] == first.values["trials"]


@pytest.mark.parametrize("node", ["__start__", "summarizer", "reviewer", "settle_labels", "train_classifier"])
def test_from_any_step_the_same_run_comes_out_and_nothing_is_asked(work, endpoint, node):
    old = Run.open(work)
    new = Run.open(work, fork(work, at=step_before(work, node)))
    asked = endpoint.count
    finished(new)
    assert endpoint.count == asked
    assert new.taxonomy == old.taxonomy
    assert new.labels.equals(old.labels)


@pytest.mark.parametrize("node", ["classify_rest", "publish"])
def test_while_outputs_are_made_a_fork_begins_before_the_files_that_are_not_its_own(work, endpoint, node):
    step = step_before(work, node)
    trained = step_before(work, "train_classifier")
    new = Run.open(work, fork(work, at=step))
    assert forked_from(list_runs(work)[-1]) == ("main", trained)
    asked = endpoint.count
    assert new.resume().status is RunStatus.DONE
    assert endpoint.count == asked
    assert new.labels.equals(Run.open(work).labels)
    assert new.classifier.predict(["football"]) == Run.open(work).classifier.predict(["football"])


def test_while_outputs_are_made_and_all_before_is_pruned_there_is_nothing_to_fork(work, monkeypatch):
    step = step_before(work, "publish")
    kept = sum(each.step >= step for each in history(work))
    prune(work, keep_last=kept)
    with pytest.raises(RunStateError, match=rf"at step {step} .* pruned: let it finish"):
        fork(work, at=step)
    assert [row.name for row in list_runs(work)] == ["main"]


def test_a_fork_of_a_finished_run_is_finished_and_makes_outputs_of_its_own_when_approved(work, endpoint):
    new = Run.open(work, fork(work))
    assert new.status is RunStatus.DONE
    assert "published" not in new.state
    with pytest.raises(RunStateError, match=r"no labels\.parquet yet"):
        _ = new.labels
    asked = endpoint.count
    assert new.say("/approve").status is RunStatus.DONE
    assert endpoint.count == asked
    assert new.labels.equals(Run.open(work).labels)
    assert Run.open(work).path.resolve() != new.path.resolve()


def test_only_what_differs_is_asked(work, endpoint):
    old = Run.open(work)
    new = Run.open(work, fork(work, at=step_before(work, "await_user")))
    new.say("/merge 1, 2 into Both of them", yes=True)
    asked = endpoint.count
    new.approve()
    label_calls = old.usage["label"].calls
    assert 0 <= endpoint.count - asked < label_calls
    assert len(new.taxonomy) == len(old.taxonomy) - 1
    assert {category.name for category in old.taxonomy} != {category.name for category in new.taxonomy}


def test_other_settings_hold_in_the_fork_alone(work, endpoint):
    before = Run.open(work).settings
    new = Run.open(
        work, fork(work, at=step_before(work, "taxonomy_updater"), max_categories="3", auto="true")
    )
    assert (new.settings.max_categories, new.settings.auto) == (3, True)
    assert new.resume().status is RunStatus.DONE
    assert 0 < len(new.taxonomy) <= 3
    assert Run.open(work).settings == before
    assert len(Run.open(work).taxonomy) > 3


def test_versions_on_the_way_come_along_and_no_other(work):
    step = step_before(work, "await_user", 1)  # after the merge
    moment = at(work, step=step)
    fork(work, at=step)
    with Workspace.open(work) as tables:
        wanted = set()
        state = moment.values
        named = [state["version"], *state["trail"]]
        named += [trial[key] for trial in state["trials"].values() for key in ("version", "best")]
        named += [finalist["version"] for finalist in state["finalists"].values()]
        for version in named:
            wanted |= {each.id for each in tables.versions.path(version)}
        old = [version.id for version in tables.versions.list("main")]
        new = [version.id for version in tables.versions.list("main-2")]
    assert new == [version for version in old if version in wanted]
    turn = Run.open(work, "main-2").undo()
    assert turn.taxonomy == at(work, step=step_before(work, "await_user")).taxonomy


def test_labels_of_the_sample_come_along_and_not_the_classifiers(work):
    version = Run.open(work).state["version"]
    fork(work, at=step_before(work, "await_user"))
    old, new = labels_of(work, "main", version), labels_of(work, "main-2", version)
    assert new == [row for row in old if row.source is not Source.STUDENT]
    assert 0 < len(new) < len(old)


def test_where_texts_are_to_be_labelled_otherwise_no_label_comes_along(work, endpoint):
    old = Run.open(work)
    new = Run.open(work, fork(work, at=step_before(work, "await_user"), labels="explain", label_sample=12))
    assert labels_of(work, new.name, old.state["version"]) == []
    asked = endpoint.count
    new.approve()
    assert endpoint.count - asked == 12
    sources = [row.source for row in labels_of(work, new.name, old.state["version"])]
    assert sources.count(Source.LLM) == 12


@pytest.mark.parametrize(
    ("node", "change", "reason"),
    [
        ("schedule", {"use_case": "something else"}, "have been read"),
        ("taxonomy_updater", {"language": "German"}, "have been read"),
        ("await_user", {"sample": 9}, "have been read"),
        ("await_user", {"seed": 1}, "have been read"),
        ("await_user", {"encoder": "tfidf"}, "have been read"),
        ("taxonomy_updater", {"trials": 5}, "loop over minibatches has begun"),
        ("await_user", {"minibatch": 9}, "loop over minibatches has begun"),
        ("settle_labels", {"labels": "explain"}, "labelled"),
        ("train_classifier", {"label_sample": 9}, "labelled"),
        ("settle_labels", {"cleaning": "off"}, "labelled"),
        ("clean_labels", {"active_rounds": 3}, "labelled"),
    ],
)
def test_what_contradicts_what_is_done_is_refused(work, node, change, reason):
    (name,) = change
    step = step_before(work, node)
    with pytest.raises(SettingsError, match=rf"{name} cannot change at step {step}: .*{reason}"):
        fork(work, at=step, **change)
    assert [row.name for row in list_runs(work)] == ["main"]
    with open_thread(work / "checkpoints.sqlite", "x"):
        threads = rows(work / "checkpoints.sqlite", "SELECT DISTINCT thread_id FROM checkpoints")
    assert len(threads) == 1


@pytest.mark.parametrize(
    ("node", "change"),
    [
        ("summarizer", {"use_case": "find out what they eat", "seed": 3, "sample": 20, "trials": 1}),
        ("schedule", {"minibatch": 9, "trials": 3}),
        ("taxonomy_updater", {"epochs": 3, "patience": 1, "max_categories": 4}),
        ("await_user", {"labels": "explain", "label_sample": 9, "temperature": 0.1}),
        ("train_classifier", {"budget_tokens": 5, "max_categories": 2, "auto": True}),
        ("await_user", {"seed": 0, "minibatch": 16}),  # as they are
    ],
)
def test_what_nothing_rests_on_yet_may_change(work, node, change):
    new = Run.open(work, fork(work, at=step_before(work, node), **change))
    settings = new.settings.model_dump(mode="json")
    assert {name: settings[name] for name in change} == change


def test_a_setting_left_open_is_filled_in_for_the_model(work):
    new = Run.open(work, fork(work, at=step_before(work, "summarizer"), sample=None, budget_tokens=None))
    assert new.settings.sample == 2000
    assert new.settings.budget_tokens is None


def test_every_setting_that_is_held_is_one(work):
    held = {*forking._READING, *forking._LOOP, *forking._LABELS}
    assert held <= set(Settings.model_fields)


def test_a_setting_that_does_not_exist_is_refused_with_the_nearest(work):
    with pytest.raises(SettingsError, match=r"no setting 'max_categorys'\. Settings: max_categories"):
        fork(work, max_categorys=8)
    with pytest.raises(SettingsError, match=r"no setting 'zzz'\. Settings: active_batch, "):
        fork(work, zzz=8)


def test_a_value_that_makes_no_sense_is_refused(work):
    with pytest.raises(SettingsError, match="make no sense: max_categories"):
        fork(work, max_categories="many")


def test_a_step_a_run_or_a_name_that_cannot_be_is_refused_and_nothing_is_left(work):
    with pytest.raises(RunStateError, match="no step 999"):
        fork(work, at=999)
    with pytest.raises(RunNotFoundError):
        fork(work, "other")
    with pytest.raises(RunExistsError):
        fork(work, name="main")
    with pytest.raises(SettingsError, match="cannot name a run"):
        fork(work, name="No name")
    assert len(list_runs(work)) == 1
    assert len(rows(work / "checkpoints.sqlite", "SELECT DISTINCT thread_id FROM checkpoints")) == 1


def test_a_disk_that_fails_leaves_no_run_without_a_thread(work, monkeypatch):
    def full(*args, **kwargs):
        raise StorageError("no room left")

    monkeypatch.setattr(forking, "begin_thread", full)
    with pytest.raises(StorageError):
        fork(work)
    assert [row.name for row in list_runs(work)] == ["main"]
    assert rows(work / "workspace.sqlite", "SELECT DISTINCT run FROM run_versions") == [("main",)]


def test_a_run_of_another_version_of_the_graph_is_refused(work):
    with Workspace.open(work) as tables:
        tables.database.execute("UPDATE runs SET graph_version = 1")
    with pytest.raises(VersionError, match="version 1 of the graph"):
        fork(work)


def test_a_run_that_is_at_work_can_be_forked(work):
    with Workspace.open(work) as tables, lease(tables.database, "main"):
        new = Run.open(work, fork(work, at=step_before(work, "await_user")))
        assert new.say("/remove 1", yes=True).status is RunStatus.AWAITING


def test_a_fork_has_a_history_of_its_own(work):
    step = step_before(work, "await_user")
    fork(work, at=step)
    (first,) = history(work, "main-2")
    assert (first.step, first.marks, first.node) == (step, ("paused",), "")
    assert first.version == at(work, step=step).version
    Run.open(work, "main-2").say("/remove 1", yes=True)
    assert [each.node for each in history(work, "main-2")] == ["", "await_user", "plan", "apply_edits"]
    assert fork(work, "main-2", at=step) == "main-3"
    assert [each.step for each in history(work, "main-2") if "forked" in each.marks] == [step]
    assert [each.step for each in history(work) if "forked" in each.marks] == [step]
