"""Rounds of active learning: who is chosen, that they are read and labelled like the sample, and that they stay."""

from collections import Counter

import pytest
from label_desk import FIRST, GOAL, Dying, desk
from node_bench import TopicEncoder, texts_on
from rule_model import RuleModel
from tnt_llm.checkpoints.labels import Source
from tnt_llm.classifiers.encoders import representation
from tnt_llm.nodes import active_round as module
from tnt_llm.nodes.active_round import active_round
from tnt_llm.nodes.labeler import calls_ahead, carry
from tnt_llm.nodes.settings import LabelStyle
from tnt_llm.taxonomy.edits import Redefine, Remove
from tnt_llm.taxonomy.errors import Stopped

TEXTS = [
    text for topic in ("goal", "oven", "train", "goal oven", "oven train") for text in texts_on(topic, 16)
]
MIXED = range(48, 80)
"""Numbers of the texts between two topics."""
GIVEN = {"sample": 30, "label_sample": 20, "active_rounds": 2, "active_batch": 5, "balance": 2}


@pytest.fixture(autouse=True)
def _topics(monkeypatch):
    monkeypatch.setattr(representation, "open_encoder", lambda spec: TopicEncoder())
    # Texts on one topic are all but copies for this encoder.
    monkeypatch.setattr("tnt_llm.tools.active.SAME", 0.99999)
    monkeypatch.setattr("tnt_llm.tools.coverage.SAME", 0.99999)
    monkeypatch.setattr("tnt_llm.tools.coverage.distinct.__kwdefaults__", {"same": 0.99999})


def run_on(path, model=None, **settings):
    return desk(path, TEXTS, model or RuleModel(), **{**GIVEN, **settings})


def test_each_round_adds_a_batch_of_unsure_texts_from_the_whole_corpus_that_was_not_labelled(tmp_path):
    with run_on(tmp_path) as run:
        rounds = run.all_rounds(FIRST)
        sample, label_sample = run.context.reading.sample, run.context.reading.label_sample
        rows = run.rows(FIRST)
    assert [len(added) for added in rounds] == [5, 5]
    added = {number for part in rounds for number in part}
    assert len(added) == 10
    assert not added & set(label_sample)
    assert added - set(sample)
    assert sorted(rows) == sorted({*label_sample, *added})
    assert {row.source for row in rows.values()} == {Source.LLM}
    assert sum(number in MIXED for number in added) > sum(number not in MIXED for number in added)


def test_what_is_added_is_read_first_and_the_model_sees_it_as_it_sees_the_sample(tmp_path):
    with run_on(tmp_path, active_rounds=1) as run:
        (added,) = run.all_rounds(FIRST)
        phrases = run.tables.phrases.get(run.context.reading.purpose, added)
        read = [values["text"] for name, values in run.rule.asked if name == "phrase"]
        labelled = [values["text"] for name, values in run.rule.asked if name == "label_fast"]
        assert sorted(phrases) == added
        assert sorted(read) == sorted(TEXTS[number] for number in added)
        shown = run.context.reading.texts(added)
    assert set(shown) <= set(labelled)
    assert all(": " in text for text in shown)


def test_without_rounds_nothing_is_added_and_training_comes_next(tmp_path):
    with run_on(tmp_path, active_rounds=0) as run:
        assert run.all_rounds(FIRST) == []
        assert run.tables.rounds.get("main") == []


def test_a_batch_is_a_quarter_of_the_label_sample_where_it_is_not_told(tmp_path):
    with run_on(tmp_path, active_rounds=1, active_batch=None) as run:
        assert [len(added) for added in run.all_rounds(FIRST)] == [GIVEN["label_sample"] // 4]


def test_a_corpus_that_has_no_more_ends_the_rounds(tmp_path):
    with run_on(tmp_path, active_batch=45, active_rounds=9) as run:
        run.all_rounds(FIRST)
        assert run.state["counts"]["rounds"] == 9
        assert len(run.rows(FIRST)) <= len(TEXTS)
        assert run.tables.rounds.get("main", 9) == []


def test_the_pool_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "POOL", 40)
    with run_on(tmp_path) as run:
        pool = set(run.tables.documents.sample(40, 0))
        assert {number for added in run.all_rounds(FIRST) for number in added} <= pool


def test_a_round_that_is_chosen_is_not_chosen_again(tmp_path):
    with run_on(tmp_path) as run:
        run.label(FIRST)
        run.clean()
        before = dict(run.state)
        run.do(active_round)
        chosen, after = run.tables.rounds.get("main"), dict(run.state)
        run.state = before
        run.tables.labels.remove("main", FIRST.id, list(range(40)))  # another student would choose otherwise
        run.do(active_round)
        assert (run.tables.rounds.get("main"), run.state) == (chosen, after)


@pytest.mark.parametrize("style", ["fast", "explain"])
def test_broken_off_anywhere_the_same_are_chosen_and_no_call_is_repeated(tmp_path, style):
    def through(run):
        while True:
            try:
                return run.all_rounds(FIRST), run.rows(FIRST), run.state["counts"]
            except Stopped:
                continue

    given = {"labels": style, "orders": 2, "slice": 4}
    with run_on(tmp_path / "clean", **given) as run:
        clean, calls = through(run), Counter(map(repr, run.rule.asked))
    asked = sum(calls.values())
    dying = Dying(7, asked // 2, asked - 9, asked - 4, asked - 1, fickle=True)
    with run_on(tmp_path / "broken", dying, **given) as run:
        assert through(run) == clean
        assert Counter(map(repr, run.rule.asked)) == calls
    assert not dying.moments


def test_labels_that_rounds_added_follow_edits_and_a_later_approval_adds_none(tmp_path):
    with run_on(tmp_path) as run:
        rounds = run.all_rounds(FIRST)
        before = run.rows(FIRST)
        run.finish()
        renamed = run.edit(FIRST, Redefine(id=GOAL, name="Sports"))
        assert calls_ahead(run.context, run.tables.versions.path(renamed.id), LabelStyle.FAST) == 0
        assert run.all_rounds(renamed) == rounds
        assert run.rows(renamed) == before
        added = {number for part in rounds for number in part}
        known = [before[number].primary for number in sorted(added) if before[number].primary]
        ((most, _),) = Counter(known).most_common(1)
        removed = run.edit(renamed, Remove(id=most))
        asked = carry(run.context, run.tables.versions.path(removed.id)).ask
        assert {number for number in added if before[number].primary == most} <= set(asked)
        assert run.all_rounds(removed) == rounds
        assert most not in {row.primary for row in run.rows(removed).values()}


def test_the_letters_prior_is_estimated_on_the_same_texts_whatever_rounds_add(tmp_path):
    with run_on(tmp_path, orders=2) as run:
        run.all_rounds(FIRST)
        asked = Counter(
            (values["text"], tuple(option["option.name"] for option in values["options"]))
            for name, values in run.rule.asked
            if name == "label_fast"
        )
    assert max(asked.values()) == 1
