"""Updating: a run goes on with new documents from where a finished one stands; the old one stays as it is."""

import json
import shutil

import pytest
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_llm.checkpoints.labels import Source
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.fork import fork
from tnt_llm.graph.history import forked_from
from tnt_llm.graph.run import Run, RunStatus, list_runs
from tnt_llm.graph.update import begin_update
from tnt_llm.taxonomy.errors import (
    CorpusError,
    RunExistsError,
    RunNotFoundError,
    RunStateError,
    SettingsError,
)
from toy_runs import SMALL, messages, patch_all, rows
from toy_texts import texts_about

ESCAPE = "\x1b]0;owned\x07\x1b[31m"
FEW = {"sample": 80, "label_sample": 40, "minibatch": 40, "max_categories": 8}


@pytest.fixture(scope="module")
def model():
    return RuleModel()


@pytest.fixture(scope="module")
def endpoint(model):
    with pytest.MonkeyPatch.context() as patch, StubEndpoint(model) as stub:
        patch_all(patch)
        yield stub
    assert not model.errors


@pytest.fixture(scope="module")
def original(tmp_path_factory, endpoint):
    """A finished run on four topics, 100 texts, 40 of them labelled by the LLM."""
    workspace = tmp_path_factory.mktemp("update") / "work"
    run = Run.start(messages(25), workspace=workspace, llm=endpoint.spec, **{**SMALL, **FEW})
    assert run.status is RunStatus.DONE
    return workspace


@pytest.fixture
def work(original, tmp_path):
    return shutil.copytree(original, tmp_path / "work", symlinks=True)


def news(seed=7, strange=16):
    """Texts like the old ones, and some on a topic that there was not."""
    known = messages(5, seed=seed)
    return [*known, *(f"strange {text}" for text in texts_about("strange", strange, seed))]


def labels_of(workspace, run, version):
    with Workspace.open(workspace) as tables:
        return {row.number: row for row in tables.labels.get(run, version)}


def outputs(workspace, run):
    return {
        path.relative_to(workspace / run): path.read_bytes()
        for path in sorted((workspace / run).rglob("*"))
        if path.is_file()
    }


def test_a_topic_that_is_new_is_proposed_and_the_old_labels_stay(work, model):
    main = Run.open(work)
    version, before = main.state["version"], main.labels.to_pydict()
    asked = len(model.asked)
    run = main.update(news())
    assert (run.name, run.status) == ("main-2", RunStatus.AWAITING)
    assert run.state["counts"]["novel"] >= 12
    comparison = run.diff(version)
    assert comparison.added
    assert not comparison.gone
    assert len(comparison.kept) == len(main.taxonomy)
    read = [values["text"] for name, values in model.asked[asked:] if name == "phrase"]
    assert 12 <= len(read) <= 20  # what is new, and not the rest
    asked = len(model.asked)
    run.approve()
    assert run.status is RunStatus.DONE
    table = run.labels.to_pydict()
    assert len(table["id"]) == 136
    assert table["id"][:100] == before["id"]
    old = [(table["primary"][row], before["primary"][row], before["confidence"][row]) for row in range(100)]
    changed = [pair for pair in old if pair[0] != pair[1]]
    assert all(was == "undefined" or confidence < 0.6 for _, was, confidence in changed)
    assert len(changed) <= 5
    names = {category.name for category in run.taxonomy.leaves}
    added = {category.name for category in comparison.added}
    assert set(table["primary"]) <= names | {"undefined"}
    assert sum(label in added for label in table["primary"][120:]) >= 10
    voted = [values["text"] for name, values in model.asked[asked:] if name == "label_fast"]
    assert (
        len(set(voted)) <= 16 + 3 * len(names) + 5
    )  # the new ones, the letters' prior, and what was unclear


def test_the_old_run_sees_its_own_documents_and_stays_as_it_was(work):
    main = Run.open(work)
    before = outputs(work, "main"), main.summary(), [str(step) for step in main.history()]
    run = main.update(news(), auto=True)
    assert run.status is RunStatus.DONE
    assert (outputs(work, "main"), main.summary(), [str(step) for step in main.history()]) == before
    assert main.summary()["documents"] == 100
    assert run.summary()["documents"] == 136
    told = main.say("/find nebula").reply
    assert "strange" not in told.lower()
    assert list_runs(work)[1].parent == "main"


def test_where_nothing_is_new_the_classifier_that_is_there_labels_without_a_call(work, model):
    main = Run.open(work)
    asked = len(model.asked)
    run = main.update(messages(5, seed=7))
    assert run.status is RunStatus.DONE
    assert len(model.asked) == asked
    assert run.state["counts"]["novel"] == 0
    assert run.state["version"] == main.state["version"]
    table, before = run.labels.to_pydict(), main.labels.to_pydict()
    assert len(table["id"]) == 120
    assert table["primary"][:100] == before["primary"]
    assert table["confidence"][:100] == before["confidence"]
    assert outputs(work, "main-2").keys() == outputs(work, "main").keys()


def test_copies_of_old_texts_get_their_label(work):
    main = Run.open(work)
    with Workspace.open(work) as tables:
        old = [document.text for document in tables.documents.get(range(100))]
    run = main.update([*old[::-1], "", " "])
    table, before = run.labels.to_pydict(), main.labels.to_pydict()
    assert table["primary"][100:200] == before["primary"][::-1]
    assert table["primary"][200:] == ["undefined"] * 2


def test_an_update_can_be_updated_and_main_twice(work):
    main = Run.open(work)
    first = main.update(news(), auto=True)
    strange = [f"opera {text}" for text in texts_about("cooking", 3)] + [
        f"opera violin aria {word} stage"
        for word in ["tenor", "soprano", "chorus", "ballet", "tutti", "encore", "libretto", "maestro"]
    ]
    second = first.update(strange, auto=True)
    assert (first.name, second.name) == ("main-2", "main-3")
    assert second.status is RunStatus.DONE
    assert len(second.labels) == 136 + len(strange)
    assert len(first.labels) == 136
    assert len(main.labels) == 100
    third = main.update(news(), auto=True)
    assert third.name == "main-4"
    assert len(third.labels) == 136  # the same documents, added once
    with Workspace.open(work) as tables:
        assert tables.database.execute("SELECT count(*) FROM documents") == [(136 + len(strange),)]


def test_the_updated_run_can_be_talked_to_undone_and_forked(work):
    run = Run.open(work).update(news())
    base = run.updated_from[1]
    assert "1" in run.say("/taxonomy").reply
    run.say("/rename 1 to Renamed by hand", yes=True)
    assert "Renamed by hand" in [category.name for category in run.taxonomy]
    run.undo()
    assert "Renamed by hand" not in [category.name for category in run.taxonomy]
    forked = Run.open(work, fork(work, run.name))
    assert forked_from(list_runs(work)[-1])[0] == "main-2"
    forked.approve()
    run.approve()
    assert forked.labels.to_pydict()["primary"] == run.labels.to_pydict()["primary"]
    assert run.at(run.history()[-1].step).version
    assert base != run.state["version"]


def test_wrong_updates_are_refused_and_change_nothing(work, tmp_path):
    main = Run.open(work)

    def everything():
        return [
            rows(work / "workspace.sqlite", f"SELECT count(*) FROM {table}")
            for table in ("documents", "runs", "labels", "run_documents", "run_versions")
        ]

    before = everything()
    empty = tmp_path / "empty.csv"
    empty.write_text("id,text\n")
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("id,words\n1,hello\n")
    for corpus, options, error in (
        (empty, {}, CorpusError),
        (wrong, {}, CorpusError),
        (tmp_path / "absent.csv", {}, CorpusError),
        (["x"], {"name": "main"}, RunExistsError),
        (["x"], {"seed": 3}, SettingsError),
        (["x"], {"max_categories": 1}, SettingsError),
    ):
        with pytest.raises(error):
            main.update(corpus, **options)
    with pytest.raises(RunNotFoundError):
        begin_update(work, "nobody", ["x"])
    assert everything() == before


def test_a_run_without_results_cannot_be_updated(tmp_path, endpoint):
    run = Run.start(messages(8), workspace=tmp_path / "work", llm=endpoint.spec, **{**SMALL, "auto": False})
    assert run.status is RunStatus.AWAITING
    with pytest.raises(RunStateError, match="awaiting and has no results yet"):
        run.update(["x"])
    with Workspace.open(tmp_path / "work") as tables:
        assert tables.documents.info.count == 32


def test_hostile_texts_break_nothing(work):
    run = Run.open(work).update(
        [*news(), f"strange quasar {ESCAPE} nebula", "=cmd|' /C calc'!A0 strange galaxy", "\0", "x" * 20_000],
        auto=True,
    )
    assert run.status is RunStatus.DONE
    assert len(run.labels) == 140
    assert json.dumps(run.summary())
    with Workspace.open(work) as tables:
        version = run.state["version"]
        taught = {row.source for row in tables.labels.taught(run.name, version)}
    assert Source.STUDENT not in taught
    assert len(labels_of(work, run.name, version)) == 140


def test_labels_of_the_classifier_follow_a_merge_and_are_still_not_learnt_from(work):
    main = Run.open(work)
    before = main.labels.to_pydict()
    run = main.update(news())
    first, second = (category.name for category in run.taxonomy.leaves[:2])
    run.say("/merge 1, 2 into Both of them", yes=True)
    run.approve()
    assert run.status is RunStatus.DONE
    after = run.labels.to_pydict()
    merged = [row for row in range(100) if before["primary"][row] in (first, second)]
    assert len(merged) >= 20
    assert {after["primary"][row] for row in merged} == {"Both of them"}
    assert {after["confidence"][row] == before["confidence"][row] for row in merged} == {True}
    by_classifier = [row for row in merged if before["source"][row] == "student"]
    assert by_classifier
    assert {after["source"][row] for row in by_classifier} == {"student"}
    untouched = [
        row
        for row in range(100)
        if before["primary"][row] not in (first, second, "undefined") and before["confidence"][row] >= 0.6
    ]
    assert [after["primary"][row] for row in untouched] == [before["primary"][row] for row in untouched]


def test_going_back_before_the_taxonomy_that_it_goes_on_from_labels_everything_anew(work):
    main = Run.open(work)
    main.say("/rename 1 to Another name", yes=True)
    main.approve()
    run = main.update(news())
    base = run.updated_from[1]
    for _ in range(3):
        run.undo()
    with Workspace.open(work) as tables:
        assert base not in [version.id for version in tables.versions.path(run.state["version"])]
    assert "Another name" not in [category.name for category in run.taxonomy]
    run.approve()
    assert run.status is RunStatus.DONE
    assert len(run.labels) == 136
