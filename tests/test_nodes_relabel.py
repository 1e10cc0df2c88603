"""Labelling anew after edits: only what they put in question is asked, and the outputs appear as one edition."""

import json
from collections import Counter
from functools import partial

import pyarrow.parquet as pq
import pytest
from label_desk import FIRST, GOAL, OVEN, REASON, ROOT, TRAIN, Dying, desk
from node_bench import TopicEncoder, texts_on
from rule_model import RuleModel
from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.classifiers.classifier import Classifier
from tnt_llm.classifiers.encoders import representation
from tnt_llm.nodes import publish as publishing
from tnt_llm.nodes.classify_rest import classify_rest
from tnt_llm.nodes.labeler import calls_ahead, carry
from tnt_llm.nodes.publish import publish
from tnt_llm.nodes.settings import LabelStyle
from tnt_llm.nodes.settle_labels import settle_labels
from tnt_llm.nodes.train_classifier import train_classifier
from tnt_llm.taxonomy.edits import Merge, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.errors import Stopped

EACH = 10
TEXTS = [text for topic in ("goal", "oven", "train", "tax") for text in texts_on(topic, EACH)]
GOALS, OVENS, TRAINS, TAXES = (range(EACH * place, EACH * (place + 1)) for place in range(4))
"""Numbers of the texts on each topic; no category is about the last."""
on_desk = partial(desk, texts=TEXTS)


@pytest.fixture(autouse=True)
def _topics(monkeypatch):
    monkeypatch.setattr(representation, "open_encoder", lambda spec: TopicEncoder())


def fixed(rows, *, each=2):
    """How many texts the letters' prior may be asked on: a few for every category."""
    return each * len({row.primary for row in rows.values()} | {"more"}) + each


@pytest.mark.parametrize("style", ["fast", "explain"])
def test_without_earlier_labels_every_text_is_asked_once(tmp_path, style):
    with on_desk(tmp_path, labels=style) as run:
        assert calls_ahead(run.context, [ROOT, FIRST], LabelStyle(style)) == len(TEXTS)
        asked, rows = run.label(FIRST)
    assert asked == sorted(rows) == list(range(len(TEXTS)))
    assert {row.source for row in rows.values()} == {Source.LLM}
    assert [rows[number].primary for number in (0, 10, 20)] == [GOAL, OVEN, TRAIN]
    assert Counter(rows[number].primary for number in TAXES)[None] > EACH / 2


@pytest.mark.parametrize("style", ["fast", "explain"])
def test_a_rename_and_a_merge_ask_nothing_and_carry_the_labels(tmp_path, style):
    with on_desk(tmp_path, labels=style) as run:
        _, before = run.label(FIRST)
        renamed = run.edit(FIRST, Redefine(id=GOAL, name="Sports"))
        assert calls_ahead(run.context, [ROOT, FIRST, renamed], LabelStyle(style)) == 0
        assert run.label(renamed) == ([], before)
        asked, rows = run.label(run.edit(renamed, Merge(ids=(OVEN, TRAIN))))
    assert asked == []
    for number, row in before.items():
        if number in TRAINS:
            assert (rows[number].primary, rows[number].source) == (OVEN, Source.LINEAGE)
            assert rows[number].confidence == row.confidence
        else:
            assert rows[number] == row


@pytest.mark.parametrize("style", ["fast", "explain"])
def test_a_removal_asks_about_its_texts_and_little_else_and_leaves_the_others_alone(tmp_path, style):
    with on_desk(tmp_path, labels=style) as run:
        _, before = run.label(FIRST)
        removed = run.edit(FIRST, Remove(id=TRAIN))
        path = run.tables.versions.path(removed.id)
        in_question = carry(run.context, path).ask
        ahead = calls_ahead(run.context, path, LabelStyle(style))
        asked, rows = run.label(removed)
    assert set(TRAINS) <= set(in_question) <= set(asked)
    assert len(asked) == ahead < len(in_question) + fixed(rows)
    # Letters have a prior, and a sample of all categories to estimate it on.
    assert (asked == list(in_question)) == (style == "explain")
    assert {number: rows[number] for number in before if number not in in_question} == {
        number: row for number, row in before.items() if number not in in_question
    }
    assert {rows[number].primary for number in rows} <= {GOAL, OVEN, None}


def test_the_parts_of_a_split_get_its_texts_and_those_that_fitted_nothing_are_asked_too(tmp_path):
    parts = (
        Part(name="Goals", description="Everything about a goal is in it.", exemplars=(0, 1)),
        Part(name="Taxes", description="About money and tax.", exemplars=(30, 31)),
    )
    with on_desk(tmp_path, labels="explain") as run:
        _, before = run.label(FIRST)
        split = run.edit(FIRST, Split(id=GOAL, parts=parts))
        asked, rows = run.label(split)
    goals, taxes = split.taxonomy.ids[:2]
    assert set(asked) >= {*GOALS, *TAXES}
    assert not {number for number in asked if number in OVENS and before[number].confidence >= 0.6}
    assert Counter(rows[number].primary for number in GOALS) == {goals: EACH}
    assert taxes not in {rows[number].primary for number in (*GOALS, *OVENS, *TRAINS)}


def test_undo_brings_the_old_labels_and_redo_the_new_ones_without_a_call(tmp_path):
    with on_desk(tmp_path) as run:
        _, first = run.label(FIRST)
        removed = run.edit(FIRST, Remove(id=TRAIN))
        _, second = run.label(removed)
        assert run.label(FIRST) == ([], first)
        assert run.label(removed) == ([], second)
        # Further on from the undone version, labels come from there.
        asked, rows = run.label(run.edit(FIRST, Merge(ids=(GOAL, OVEN))))
    assert asked == []
    assert {number: rows[number] for number in TRAINS} == {number: first[number] for number in TRAINS}


def test_labels_come_from_the_nearest_version_that_has_some(tmp_path):
    with on_desk(tmp_path) as run:
        run.label(FIRST)
        merged = run.edit(FIRST, Merge(ids=(GOAL, OVEN)))
        _, second = run.label(merged)
        second[12] = LabelRow(12, TRAIN, (TRAIN,), 0.9, Source.HUMAN)  # what only this version says
        run.tables.labels.put_many("main", merged.id, [second[12]])
        between = run.edit(merged, Redefine(id=GOAL, name="Both"))
        asked, rows = run.label(run.edit(between, Redefine(id=TRAIN, name="Rails")))
    assert (asked, rows) == ([], second)


@pytest.mark.parametrize("style", ["fast", "explain"])
def test_broken_off_anywhere_it_comes_out_the_same_and_no_text_is_asked_twice(tmp_path, style):
    settings = {"labels": style, "orders": 2, "slice": 4}

    def through(run):
        """All the way, begun again whenever it breaks off, and every step done twice."""
        removed = run.edit(FIRST, Remove(id=TRAIN), Redefine(id=OVEN, description="Bread and an oven."))
        for version in (FIRST, removed):
            while True:
                try:
                    run.label(version)
                except Stopped:
                    continue
                break
            run.do(settle_labels)
        return run.rows(FIRST), run.rows(removed), run.state["counts"]

    with on_desk(tmp_path / "clean", **settings) as run:
        clean, calls = through(run), Counter(map(repr, run.rule.asked))
    asked = sum(calls.values())
    dying = Dying(3, 9, len(TEXTS) + 2, asked - 5, asked - 1, fickle=True)
    with on_desk(tmp_path / "broken", rule=dying, **settings) as run:
        assert through(run) == clean
        assert Counter(map(repr, run.rule.asked)) == calls
    assert not dying.moments
    assert max(calls.values()) == 1


def test_what_another_run_has_asked_about_the_version_changes_no_label(tmp_path):
    with on_desk(tmp_path / "alone", orders=2) as run:
        run.label(FIRST)
        _, alone = run.label(run.edit(FIRST, Remove(id=TRAIN)))
    with on_desk(tmp_path / "beside", orders=2) as run:
        _, first = run.label(FIRST)
        child = run.edit(FIRST, Remove(id=TRAIN))
        # Another run has no labels of the parent, so it asks about every text, under the same version.
        run.tables.database.execute("DELETE FROM labels")
        assert len(run.label(child)[1]) == len(TEXTS)
        run.tables.database.execute("DELETE FROM labels")
        run.tables.labels.put_many("main", FIRST.id, first.values())
        asked, beside = run.label(child)
    assert asked == []
    assert beside == alone


def test_a_text_whose_call_failed_is_asked_again_under_the_next_version_only(tmp_path):
    rule = RuleModel()
    bad = TEXTS[12]

    def explain(values):
        return "never" if values["text"] == bad else json.dumps(rule._label_explain(values, 0))

    rule.overrides[REASON] = explain
    with on_desk(tmp_path, rule=rule, labels="explain") as run:
        _, rows = run.label(FIRST)
        assert sorted(set(range(len(TEXTS))) - set(rows)) == [12]
        run.finish()
        assert run.rows(FIRST)[12].source is Source.STUDENT
        assert run.label(FIRST)[0] == []
        rule.overrides.clear()
        asked, rows = run.label(run.edit(FIRST, Redefine(id=GOAL, name="Sports")))
    assert asked == [12]
    assert (rows[12].source, rows[12].primary) == (Source.LLM, OVEN)


def test_what_the_classifier_made_of_a_text_is_no_label_to_learn_from_nor_to_carry(tmp_path):
    with on_desk(tmp_path) as run:
        run.label(FIRST)
        wrong = LabelRow(12, TRAIN, (TRAIN,), 1.0, Source.STUDENT)
        run.tables.labels.put_many("main", FIRST.id, [wrong])
        assert carry(run.context, [ROOT, FIRST]).ask == (12,)
        run.do(train_classifier)
        run.do(classify_rest)
        row = run.rows(FIRST)[12]
    assert (row.source, row.primary) == (Source.STUDENT, OVEN)


def test_labels_of_a_person_stay_whatever_the_edits_beside_them(tmp_path):
    with on_desk(tmp_path) as run:
        run.label(FIRST)
        said = LabelRow(12, TRAIN, (TRAIN,), 0.1, Source.HUMAN, "I know better.")
        sure = [LabelRow(number, GOAL, (GOAL,), 0.77, Source.HUMAN) for number in GOALS]
        run.tables.labels.put_many("main", FIRST.id, [said, *sure])
        asked, rows = run.label(run.edit(FIRST, Redefine(id=OVEN, description="Bread and an oven.")))
        assert set(OVENS) - {12} <= set(asked)
        assert rows[12] == said
        # Some of these were asked for the letters' prior; that is no reason to settle them anew.
        assert set(asked) & set(GOALS)
        assert [rows[number] for number in GOALS] == sure
        _, rows = run.label(run.edit(FIRST, Remove(id=TRAIN)))
    assert rows[12].source is Source.LLM


# editions


def outputs(folder):
    """The version that the outputs are of; all of them must be of one."""
    place = folder.resolve()
    told = json.loads((place / "taxonomy.json").read_text(encoding="utf-8"))
    ids = {category["id"] for category in told["categories"]}
    labels = pq.read_table(place / "labels.parquet").to_pylist()
    assert {row["primary_id"] for row in labels} <= ids | {None}
    counted = Counter(row["primary_id"] for row in labels)
    assert {category["id"]: category["count"] for category in told["categories"]} == {
        category: counted[category] for category in ids
    }
    assert {label.id for label in Classifier.load(place / "classifier").labels} <= ids
    report = (place / "report.html").read_text(encoding="utf-8")
    assert all(category["name"] in report for category in told["categories"])
    return told["version"]


def test_the_outputs_of_an_approval_replace_those_of_the_one_before_as_a_whole(tmp_path):
    with on_desk(tmp_path, label_sample=24) as run:
        run.label(FIRST)
        folder = run.finish()
        assert outputs(folder) == run.state["published"] == FIRST.id
        assert run.state["edition"] == 1
        removed = run.edit(FIRST, Remove(id=TRAIN))
        run.state["edition"] = 2
        run.label(removed)
        assert outputs(folder) == FIRST.id
        assert outputs(run.finish()) == removed.id == run.state["published"]
        assert [path.name for path in folder.parent.joinpath(".main").iterdir()] == ["2"]


def test_broken_off_at_any_step_of_an_approval_the_outputs_are_of_one_version(tmp_path, monkeypatch):
    writes = [
        (publishing, "export_labels"),
        (publishing, "render_report"),
        (publishing, "write_atomic"),
        (publishing, "export_taxonomy"),
        (publishing.Editions, "publish"),
        (Classifier, "save"),
        (Classifier, "predict"),
    ]

    def dying(patch, steps):
        left = [steps]

        def step(real):
            def act(*args, **kwargs):
                left[0] -= 1
                if left[0] == 0:
                    raise Stopped("killed")
                found = real(*args, **kwargs)
                left[0] -= 1
                if left[0] == 0:
                    raise Stopped("killed after it")
                return found

            return act

        for place, name in writes:
            patch.setattr(place, name, step(getattr(place, name)))

    with on_desk(tmp_path, label_sample=24) as run:
        run.label(FIRST)
        folder = run.finish()
        new, number = FIRST, 1
        for steps in range(1, 30):
            old, new = new, run.edit(new, Redefine(id=GOAL, name=f"Goals no {steps}"))
            number += 1
            run.state |= {"edition": number}
            run.label(new)
            begun = dict(run.state)
            survived = False
            with monkeypatch.context() as patch:
                dying(patch, steps)
                try:
                    run.finish()
                    survived = True
                except Stopped:
                    pass
            assert outputs(folder) in {old.id, new.id}
            if survived:
                break
            # Resumed from the beginning of the approval: no step minds that it was done before.
            run.state = begun
            run.finish()
            assert outputs(folder) == new.id
            assert run.label(new)[0] == []
    assert survived
    assert steps > 2 * len(writes) - 4


def test_outputs_that_count_already_are_not_written_again(tmp_path):
    with on_desk(tmp_path, label_sample=24) as run:
        run.label(FIRST)
        folder = run.finish()
        kept = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        run.do(publish)
        assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == kept


def test_an_edition_that_is_made_once_more_for_another_version_is_still_of_that_version(tmp_path):
    with on_desk(tmp_path, label_sample=24) as run:
        run.label(FIRST)
        folder = run.finish()
        (folder / "taxonomy.json").write_text("{}")
        run.do(publish)
        assert outputs(folder) == FIRST.id
        merged = run.edit(FIRST, Merge(ids=(GOAL, OVEN)))
        run.label(merged)
        assert outputs(run.finish()) == merged.id


def test_further_letter_orders_are_asked_about_a_part_of_what_is_in_question(tmp_path):
    with on_desk(tmp_path, orders=3) as run:
        run.label(FIRST)
        path = run.tables.versions.path(
            run.edit(FIRST, Redefine(id=TRAIN, description="Rails and a train.")).id
        )
        in_question = set(carry(run.context, path).ask)
        ahead = calls_ahead(run.context, path, LabelStyle.FAST)
        asked, rows = run.label(path[-1])
        assert calls_ahead(run.context, path, LabelStyle.FAST) == 0
    assert len(set(asked)) < ahead <= len(asked)
    assert max(Counter(asked).values()) == 3
    others = {number for number in asked if number not in in_question}
    assert 0 < len(others) <= 3 * 2
    assert len(rows) == len(TEXTS)
