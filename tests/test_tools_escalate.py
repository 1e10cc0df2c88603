"""Asking the LLM about what the classifier abstains from: letters, reasons, budgets, faults."""

from dataclasses import replace

import numpy as np
import pytest
from rule_model import RuleModel
from tnt_llm.classifiers.predictions import Label
from tnt_llm.llm.answer import Answer, Usage
from tnt_llm.llm.budget import Budget
from tnt_llm.llm.chat import Chat
from tnt_llm.llm.fake import FakeModel
from tnt_llm.llm.store import MemoryStore
from tnt_llm.taxonomy.errors import AnswerError, CallError
from tnt_llm.tools.escalate import Escalation, Vote, reason_for_abstaining
from tnt_llm.tools.escalating import escalating
from toy_classifier import LABELS, classifier

UNSURE = np.full((1, 3), 1 / 3)


def asking(model, **options):
    return Chat.over(model, MemoryStore(), id="fake", retries=0, backoff=0, **options)


def says(letter, sure=-0.1):
    others = [(other, -4.0) for other in "ABC" if other != letter]
    return Answer(letter, ((letter, sure), *others), usage=Usage(1, 50, 0, 1))


def test_the_letter_and_the_classifier_decide_together():
    model = FakeModel()
    model.enqueue(says("B"), says("B"))
    with asking(model) as chat:
        (_, vote), (_, other) = Escalation(chat, LABELS, "sort").ask(
            ["a text", "another"], np.array([[0.4, 0.35, 0.25], [0.999, 0.0005, 0.0005]])
        )
    assert vote.decide(LABELS, np.array([0.4, 0.35, 0.25])).primary == "id-taxes"
    assert other.decide(LABELS, np.array([0.999, 0.0005, 0.0005])).primary == "id-pets"
    decided = vote.decide(LABELS, np.array([0.4, 0.35, 0.25]))
    assert decided.all[0] == "id-taxes"
    assert 0.5 < decided.confidence < 1


def test_where_letters_have_no_probabilities_it_asks_for_a_reason():
    rule = RuleModel(logprobs=False)
    with asking(FakeModel(respond=rule.respond)) as chat:
        ((row, vote),) = Escalation(chat, LABELS, "sort").ask(["about taxes taxes"], UNSURE)
    assert row == 0
    assert vote.shares is None
    assert vote.primary in {label.id for label in LABELS} | {None}
    assert {name for name, _ in rule.asked} == {"label_fast", "label_explain"}


def test_the_likeliest_26_are_offered_in_the_order_of_the_labels():
    labels = [Label(f"id{place}", f"Name {place}", f"About {place}.") for place in range(60)]
    chances = np.linspace(0, 1, 60)[None, ::-1]
    model = FakeModel(respond=lambda asked: says("A"))
    with asking(model) as chat:
        ((_, vote),) = Escalation(chat, labels, "sort").ask(["a text"], chances)
    assert list(vote.shares) == [f"id{place}" for place in range(26)]


def test_an_answer_that_cannot_be_read_and_a_call_that_fails_come_as_what_they_are():
    model = FakeModel()
    model.enqueue(says("A"), Answer("?", (("?", -0.1),)), ValueError("no"))
    with asking(model, concurrency=1) as chat:
        found = dict(Escalation(chat, LABELS, "sort").ask(["one", "two", "three"], np.tile(UNSURE, (3, 1))))
    assert isinstance(found[0], Vote)
    assert isinstance(found[1], (AnswerError, CallError))
    assert isinstance(found[2], (AnswerError, CallError))


@pytest.mark.parametrize(
    "vote",
    [
        Vote({"id-pets": 0.7, "id-taxes": 0.3}),
        Vote(None, "id-pets", ("id-pets",), "It is."),
        Vote(None, None),
    ],
)
def test_a_vote_travels_as_json(vote):
    assert Vote.from_json(vote.to_json()) == vote


def test_none_of_the_categories_is_undefined_with_a_reason():
    decided = Vote(None, None, (), "It is about nothing.").decide(LABELS, np.array([0.5, 0.3, 0.2]))
    assert (decided.primary, decided.all, decided.reason) == (None, (), "It is about nothing.")


def test_a_classifier_with_an_llm_decides_what_it_abstained_from_and_nothing_else():
    careful = replace(classifier(), least_confidence=0.7)
    texts = ["cat dog vet leash", "cat dog tax refund", "", "goal league striker coach"]
    before = careful.predict(texts)
    model = FakeModel(respond=lambda asked: says("B"))
    with asking(model) as chat:
        both = escalating(careful, chat)
        found = both.predict_many(texts)
    after = found.one_by_one(LABELS)
    doubtful = [row for row, each in enumerate(before) if each.abstained]
    assert doubtful
    assert both.tally.asked == len(doubtful)
    assert found.asked.tolist() == [row in doubtful for row in range(4)]
    assert [after[row] for row in range(4) if row not in doubtful] == [
        before[row] for row in range(4) if row not in doubtful
    ]
    assert all(after[row].primary_id == "id-taxes" and not after[row].abstained for row in doubtful)


def test_a_budget_ends_the_asking_and_the_rest_stays_undefined():
    careful = replace(classifier(), least_confidence=2.0)
    model = FakeModel(respond=lambda asked: says("A"))
    with asking(model, budget=Budget(tokens=60), concurrency=1) as chat:
        both = escalating(careful, chat)
        found = both.predict_many(["cat dog vet", "tax refund vat", "goal league coach", "dog leash"])
        count = len(model.history)
        both.predict_many(["cat hamster"])
    assert both.tally.is_out_of_budget
    assert 0 < both.tally.asked < 4
    assert (found.primary >= 0).sum() == both.tally.asked
    assert len(model.history) == count


def test_why_it_abstains_is_said_in_words():
    assert reason_for_abstaining(0.43, 0.61) == (
        "The classifier abstains: its confidence of 0.43 is below 0.61."
    )
    assert "no confidence can promise" in reason_for_abstaining(0.9, 2.0)
