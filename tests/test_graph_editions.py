"""A run that is approved again and again: each time its folder turns to a whole new edition, with labels by lineage."""

import os
from collections import Counter

import pytest
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_llm.checkpoints.editions import Editions
from tnt_llm.classifiers.streaming import classify
from tnt_llm.graph.run import Run, RunStatus
from toy_runs import SMALL, count_answers, messages, patch_all

TEXTS = messages(14)
TABLES = ("taxonomy.json", "labels.csv", "labels.parquet")


@pytest.fixture
def rule():
    model = RuleModel()
    yield model
    assert not model.errors


@pytest.fixture
def stub(rule, monkeypatch):
    patch_all(monkeypatch)
    with StubEndpoint(rule) as endpoint:
        yield endpoint


@pytest.fixture
def done(tmp_path, stub):
    """A run that went through without a pause."""
    return Run.start(TEXTS, workspace=tmp_path / "work", llm=stub.spec, **SMALL)


def tables(run):
    return [(run.path / name).read_bytes() for name in TABLES]


def by_id(run):
    return {row["id"]: row for row in run.labels.to_pylist() if row["source"] != "student"}


def test_the_folder_of_a_run_is_a_link_to_its_newest_edition_and_older_ones_are_gone(done):
    home = done.path.with_name(".main")
    assert os.readlink(done.path) == ".main/1"
    for number in (2, 3):
        done.say(f"/rename 1 to Number {number}", yes=True)
        assert os.readlink(done.path) == f".main/{number - 1}"
        done.approve()
        assert os.readlink(done.path) == f".main/{number}"
        assert [path.name for path in home.iterdir()] == [str(number)]
        assert Editions(done.path).current == done.state["edition"] == number
        assert done.taxonomy.names[0] == f"Number {number}"
    assert done.labels.num_rows == len(TEXTS)


def test_after_a_rename_every_label_of_the_sample_is_the_same_but_for_the_name(done, stub):
    before, asked = by_id(done), stub.count
    old = done.taxonomy.names[0]
    done.say("/rename 1 to Something new", yes=True)
    done.approve()
    assert stub.count == asked
    words = {old: "Something new"}
    for key, row in by_id(done).items():
        was = before[key]
        assert row["primary_id"] == was["primary_id"]
        assert row["primary"] == words.get(was["primary"], was["primary"])
        assert (row["confidence"], row["source"]) == (was["confidence"], was["source"])


def test_after_a_merge_the_sample_is_carried_over_and_says_so(done, stub):
    before, asked = by_id(done), stub.count
    first, second, *_ = done.taxonomy
    done.say("/merge 1, 2 into Both", yes=True)
    done.approve()
    assert stub.count == asked
    after = by_id(done)
    assert set(after) == set(before)
    for key, row in after.items():
        moved = before[key]["primary_id"] == second.id
        assert row["primary_id"] == (first.id if moved else before[key]["primary_id"])
        if moved:
            assert row["source"] == "lineage"
    assert Counter(row["source"] for row in after.values())["lineage"] > 0


def test_undo_and_redo_bring_back_the_very_same_tables_without_a_call(done, stub):
    first = tables(done)
    done.say("/remove 2", yes=True)
    done.approve()
    second, asked = tables(done), stub.count
    assert second != first
    done.undo()
    done.approve()
    assert tables(done) == first
    done.redo()
    done.approve()
    assert (tables(done), stub.count) == (second, asked)
    assert done.status is RunStatus.DONE


def test_a_removal_asks_about_a_part_of_the_sample_and_about_nothing_twice(done, stub, rule, tmp_path):
    before = len(rule.asked)
    done.say("/remove 2", yes=True)
    done.approve()
    texts = {values["text"] for _, values in rule.asked[before:]}
    assert 0 < len(texts) < SMALL["label_sample"]
    assert stub.count == count_answers(tmp_path / "work")
    assert {row["primary_id"] for row in done.labels.to_pylist()} <= {None, *done.taxonomy.ids}


def test_a_classifier_is_used_through_the_link(done, tmp_path):
    (tmp_path / "more.csv").write_text("text\ncooking dough flour oven\n", encoding="utf-8")
    summary = classify(
        tmp_path / "more.csv", classifier=done.path / "classifier", out=done.path / "more-labels.csv"
    )
    assert summary.documents == 1
    done.say("/rename 1 to Something new", yes=True)
    done.approve()
    # It was put there by the user, and is not lost with the old edition.
    assert (done.path / "more-labels.csv").is_file()


def test_a_run_begun_before_editions_were_makes_way_for_the_next(done):
    place = done.path.resolve()
    done.path.unlink()
    place.rename(done.path)
    assert done.labels.num_rows == len(TEXTS)
    done.say("/rename 1 to Something new", yes=True)
    done.approve()
    assert done.path.is_symlink()
    assert done.classifier.labels[0].name == "Something new"
