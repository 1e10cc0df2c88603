"""Labels that look wrong: which are asked about again, what the answers come to, and that kills and edits spare it."""

import json
from collections import Counter

import pytest
from label_desk import FIRST, GOAL, OVEN, REASON, TRAIN, Dying, desk
from node_bench import TopicEncoder, texts_on
from rule_model import RuleModel
from tnt_llm.checkpoints.checks import Verdict
from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.classifiers.encoders import representation
from tnt_llm.nodes import clean_labels as module
from tnt_llm.nodes.settle_labels import settle_labels
from tnt_llm.taxonomy.edits import Redefine, Remove
from tnt_llm.taxonomy.errors import Stopped

EACH = 20
TEXTS = [text for topic in ("goal", "oven", "train") for text in texts_on(topic, EACH)]
WRONG = {3: "Ovens", 25: "Trains", 41: "Goals"}
"""What the first answer says of these texts; the truth is Goals, Ovens, Trains."""


@pytest.fixture(autouse=True)
def _topics(monkeypatch):
    monkeypatch.setattr(representation, "open_encoder", lambda spec: TopicEncoder())


def misled(model, first, second=None):
    """Let a model answer for some texts what these tables say: when asked first, and when asked again."""

    def explain(values):
        names = [category["category.name"] for category in values["categories"]]
        # A second question lists the categories the other way round.
        told = first if names == [leaf.name for leaf in FIRST.taxonomy.leaves] else second or {}
        wanted = told.get(TEXTS.index(values["text"]))
        if wanted is None:
            return model._label_explain(values, 0)
        if not wanted:
            return "no answer at all"
        number = names.index(wanted) + 1
        return {"reason": f"It is about {wanted}.", "primary": number, "all": [number]}

    def reply(values):
        found = explain(values)
        return found if isinstance(found, str) else json.dumps(found)

    model.overrides[REASON] = reply
    return model


def run_on(path, first=WRONG, second=None, model=None, **settings):
    given = {"labels": "explain", "balance": 2, **settings}
    return desk(path, TEXTS, misled(model or RuleModel(), first, second), **given)


def test_a_label_that_the_second_answer_and_the_neighbours_contradict_is_changed_with_the_reason(tmp_path):
    with run_on(tmp_path) as run:
        _, before = run.label(FIRST)
        assert run.clean() == sorted(WRONG)
        rows, checks = run.rows(FIRST), run.tables.checks.get("main", FIRST.id)
    assert [rows[number].primary for number in WRONG] == [GOAL, OVEN, TRAIN]
    assert all(rows[number].reason.startswith("Words in common") for number in WRONG)
    assert {row.source for row in rows.values()} == {Source.LLM}
    assert {number: rows[number] for number in rows if number not in WRONG} == {
        number: before[number] for number in before if number not in WRONG
    }
    assert sorted(checks) == sorted(WRONG)
    assert {check.verdict for check in checks.values()} == {Verdict.CHANGED}
    assert checks[3].label == before[3]
    assert (checks[3].label.primary, checks[3].answer) == (OVEN, GOAL)
    assert (checks[3].neighbours, checks[3].student) == (GOAL, GOAL)
    assert run.state["counts"]["labelled"] == len(TEXTS)


def test_a_label_that_is_confirmed_stays(tmp_path):
    with run_on(tmp_path, second=WRONG) as run:
        _, before = run.label(FIRST)
        assert run.clean() == sorted(WRONG)
        assert run.rows(FIRST) == before
        verdicts = {check.verdict for check in run.tables.checks.get("main", FIRST.id).values()}
    assert verdicts == {Verdict.KEPT}


def test_of_an_answer_that_nothing_bears_out_the_classifier_decides(tmp_path):
    with run_on(tmp_path, second={3: "Trains", 25: ""}) as run:
        run.label(FIRST)
        run.clean()
        rows = run.rows(FIRST)
        assert sorted(set(range(len(TEXTS))) - set(rows)) == [3, 25]
        assert run.state["counts"]["labelled"] == len(TEXTS) - 2
        (failure,) = run.tables.failures.list("main")
        assert (failure.stage, failure.number, failure.raw) == ("clean", 25, "no answer at all")
        run.finish()
        rows = run.rows(FIRST)
        report = (run.tables.run_folder("main") / "report.html").read_text(encoding="utf-8")
    assert [(rows[number].source, rows[number].primary) for number in (3, 25)] == [
        (Source.STUDENT, GOAL),
        (Source.STUDENT, OVEN),
    ]
    assert rows[41].source is Source.LLM
    assert "There was no second answer." in report


def test_to_drop_asks_nothing_and_to_be_off_does_nothing(tmp_path):
    with run_on(tmp_path / "drop", cleaning="drop") as run:
        run.label(FIRST)
        assert run.clean() == []
        assert sorted(set(range(len(TEXTS))) - set(run.rows(FIRST))) == sorted(WRONG)
        checks = run.tables.checks.get("main", FIRST.id)
        assert {check.verdict for check in checks.values()} == {Verdict.DROPPED}
    with run_on(tmp_path / "off", cleaning="off") as run:
        _, before = run.label(FIRST)
        assert run.clean() == []
        assert run.rows(FIRST) == before
        assert run.tables.checks.get("main", FIRST.id) == {}


def test_no_more_than_the_share_are_asked_about(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "SHARE", 1 / len(TEXTS))
    with run_on(tmp_path) as run:
        run.label(FIRST)
        (asked,) = run.clean()
        assert asked in WRONG
        assert list(run.tables.checks.get("main", FIRST.id)) == [asked]


def test_with_the_embedded_model_half_as_many_are_asked_about(tmp_path, monkeypatch):
    with run_on(tmp_path) as run:
        share = module._share(run.context)
        monkeypatch.setattr(run.context.chat, "is_embedded", True)
        assert module._share(run.context) == share / 2


def test_what_a_person_said_is_never_asked_about_though_it_looks_wrong(tmp_path):
    with run_on(tmp_path) as run:
        run.label(FIRST)
        said = [LabelRow(number, OVEN, (OVEN,), 1.0, Source.HUMAN) for number in (3, 45)]
        run.tables.labels.put_many("main", FIRST.id, said)
        assert run.clean() == [25, 41]
        rows = run.rows(FIRST)
    assert [rows[row.number] for row in said] == said


@pytest.mark.parametrize(("style", "asked"), [("fast", []), ("explain", [7, 30, 47, 52])])
def test_undefined_is_examined_where_the_model_said_it_and_not_where_the_distance_did(tmp_path, style, asked):
    with run_on(tmp_path, first={}, labels=style) as run:
        run.label(FIRST)
        undefined = [LabelRow(number, None, (), 0.6, Source.LLM) for number in (7, 30, 47, 52)]
        run.tables.labels.put_many("main", FIRST.id, undefined)
        assert run.clean() == asked


def test_broken_off_anywhere_it_comes_out_the_same_and_nothing_is_asked_twice(tmp_path):
    def through(run):
        for step in (lambda: run.label(FIRST), run.clean):
            while True:
                try:
                    step()
                except Stopped:
                    continue
                break
        run.do(settle_labels)
        assert run.clean() == []
        return run.rows(FIRST), run.tables.checks.get("main", FIRST.id), run.state["counts"]

    # One that is kept, one that is changed, one that is dropped.
    given = {"second": {3: "Ovens", 41: "Ovens"}, "slice": 2}
    with run_on(tmp_path / "clean", **given) as run:
        clean, calls = through(run), Counter(map(repr, run.rule.asked))
    verdicts = {number: check.verdict for number, check in clean[1].items()}
    assert verdicts == {3: Verdict.KEPT, 25: Verdict.CHANGED, 41: Verdict.DROPPED}
    dying = Dying(5, len(TEXTS) + 1, len(TEXTS) + 3)
    with run_on(tmp_path / "broken", model=dying, **given) as run:
        assert through(run) == clean
        assert Counter(map(repr, run.rule.asked)) == calls
    assert not dying.moments
    assert max(calls.values()) == 1


def test_a_rename_asks_nothing_and_what_was_found_holds_on(tmp_path):
    with run_on(tmp_path, second={3: "Trains", 41: "Goals"}) as run:
        run.label(FIRST)
        run.clean()
        run.finish()
        first = run.tables.checks.get("main", FIRST.id)
        before = {number: row for number, row in run.rows(FIRST).items() if row.source is not Source.STUDENT}
        renamed = run.edit(FIRST, Redefine(id=GOAL, name="Sports"))
        assert run.label(renamed) == ([], before)
        assert run.clean() == []
        assert run.tables.checks.get("main", renamed.id) == first
        again = run.edit(renamed, Redefine(id=GOAL, name="Games"))
        assert run.label(again) == ([], before)
        assert run.tables.checks.get("main", again.id) == first
        assert run.label(FIRST) == ([], before | {3: run.rows(FIRST)[3]})
    assert [first[number].verdict for number in (3, 25, 41)] == [
        Verdict.DROPPED,
        Verdict.CHANGED,
        Verdict.KEPT,
    ]


def test_a_dropped_text_whose_category_is_gone_is_asked_again_and_examined_anew(tmp_path):
    with run_on(tmp_path, first={3: "Ovens"}, second={3: "Trains"}) as run:
        run.label(FIRST)
        run.clean()
        assert 3 not in run.rows(FIRST)
        run.rule.overrides.clear()
        removed = run.edit(FIRST, Remove(id=OVEN))
        asked, rows = run.label(removed)
        assert 3 in asked
        assert (rows[3].source, rows[3].primary) == (Source.LLM, GOAL)
        assert run.tables.checks.get("main", removed.id)[3].verdict is Verdict.OPEN
        run.clean()
        assert run.tables.checks.get("main", removed.id, Verdict.OPEN) == {}
