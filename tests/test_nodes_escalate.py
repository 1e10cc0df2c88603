"""What the classifier abstains from in a run: undefined with a reason, or asked of the LLM within the budget."""

from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from node_bench import TopicEncoder, bench, letter, texts_on
from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.classifiers.classifier import NEVER
from tnt_llm.classifiers.encoders import representation
from tnt_llm.nodes import classify_rest as module
from tnt_llm.nodes.classify_rest import classify_rest
from tnt_llm.nodes.state import DONE
from tnt_llm.nodes.train_classifier import train_classifier
from tnt_llm.taxonomy.edits import Add
from tnt_llm.taxonomy.errors import Stopped
from tnt_llm.taxonomy.version import Author, Version

LABELLED, REST = 24, 10
TEXTS = [text for topic in ("goal", "oven") for text in texts_on(topic, (LABELLED + REST) // 2)]
ROOT = Version.first()
FIRST = ROOT.then(
    [
        Add(name="Goals", description="Everything about a goal."),
        Add(name="Ovens", description="Everything about an oven."),
    ],
    author=Author.MODEL,
)
GOALS, OVENS = FIRST.taxonomy.ids


@pytest.fixture(autouse=True)
def _topics(monkeypatch):
    monkeypatch.setattr(representation, "open_encoder", lambda spec: TopicEncoder())


@contextmanager
def labelled(path, respond=None, **settings):
    """A run whose labels are there for most texts, and whose classifier is trained."""
    given = {
        "features": "topics",
        "head": "logistic",
        "agreement": 0.99,
        "label_sample": LABELLED,
        **settings,
    }
    with bench(path, TEXTS, respond, **given) as (context, model):
        tables = context.workspace
        tables.runs.create(
            "main", settings={"model": {"text": "fake", "reason": "named"}}, graph_version=2, status="running"
        )
        for version in (ROOT, FIRST):
            tables.versions.put("main", version)
        tables.labels.put_many(
            "main",
            FIRST.id,
            [LabelRow(number, *_label(TEXTS[number]), 0.9, Source.LLM) for number in context.label_numbers()],
        )
        state = {"version": FIRST.id, "counts": {}}
        runtime = SimpleNamespace(context=context)
        state |= train_classifier(state, runtime)
        yield context, model, state, runtime


def _label(text):
    found = GOALS if "goal" in text else OVENS
    return found, (found,)


def finish(state, runtime):
    while state["phase"] != DONE:
        state |= classify_rest(state, runtime)


def rest(context):
    rows = {row.number: row for row in context.workspace.labels.get("main", FIRST.id)}
    return [rows[number] for number in range(len(TEXTS)) if number not in context.label_numbers()]


def right_letter(asked):
    return letter("A" if "goal" in asked.prompt else "B")


def test_without_escalation_it_is_undefined_and_says_why(tmp_path):
    with labelled(tmp_path) as (context, model, state, runtime):
        finish(state, runtime)
        rows = rest(context)
        assert len(rows) == REST
        assert {(row.primary, row.source) for row in rows} == {(None, Source.STUDENT)}
        assert all("no confidence can promise" in row.reason for row in rows)
        assert model.history == ()


def test_with_escalation_the_llm_labels_it(tmp_path):
    with labelled(tmp_path, right_letter, escalate=True) as (context, model, state, runtime):
        finish(state, runtime)
        rows = rest(context)
        assert [(row.primary, row.source) for row in rows] == [
            (_label(TEXTS[row.number])[0], Source.LLM) for row in rows
        ]
        assert len(model.history) == REST
        assert set(context.usage()) == {"escalate"}


def test_a_stop_keeps_what_was_answered_and_only_the_rest_is_asked(tmp_path, monkeypatch):
    with labelled(tmp_path, right_letter, escalate=True) as (context, model, state, runtime):
        ask = module.Escalation.ask

        def stopping(self, texts, chances):
            for place, found in enumerate(ask(self, texts, chances)):
                if place == 4:
                    raise Stopped("a signal")
                yield found

        monkeypatch.setattr(module.Escalation, "ask", stopping)
        with pytest.raises(Stopped):
            finish(state, runtime)
        monkeypatch.undo()
        monkeypatch.setattr(representation, "open_encoder", lambda spec: TopicEncoder())
        finish(state, runtime)
        assert len(model.history) == REST
        assert all(row.source is Source.LLM for row in rest(context))


def test_a_text_that_the_llm_fails_on_stays_undefined_and_is_on_record(tmp_path):
    broken = []

    def failing(asked):
        broken[:] = broken or [asked.prompt]
        if asked.prompt == broken[0]:
            raise ValueError("broken")
        return right_letter(asked)

    with labelled(tmp_path, failing, escalate=True) as (context, _, state, runtime):
        finish(state, runtime)
        failed = [row for row in rest(context) if row.primary is None]
        told = {failure.number for failure in context.workspace.failures.list("main")}
        assert {row.number for row in failed} == told
        assert len(failed) == 1
        assert all(row.source is Source.STUDENT for row in failed)


def test_the_bundle_says_that_nothing_can_be_promised(tmp_path):
    from tnt_llm.classifiers.classifier import Classifier
    from tnt_llm.nodes.train_classifier import edition_folder

    with labelled(tmp_path) as (context, _, state, _runtime):
        found = Classifier.load(edition_folder(state, context) / "classifier")
        assert found.least_confidence == NEVER
        assert "no threshold can promise" in found.metrics["warnings"][0]
        assert found.labelled_by == "fake"
        assert found.representation.id == "topics"
