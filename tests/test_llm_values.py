"""The plain values of the LLM's room: answers, requests, usage, budget, prices, the store in memory."""

import json
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tnt_llm.llm.answer import Answer, Usage
from tnt_llm.llm.budget import Budget
from tnt_llm.llm.request import Request
from tnt_llm.llm.spec import Prices
from tnt_llm.llm.store import MemoryStore, total
from tnt_llm.taxonomy.errors import BudgetReached

COUNTS = {"prompt_tokens": 10, "cached_tokens": 4, "completion_tokens": 2, "seconds": 0.5, "cost": 0.25}
REQUEST = Request("label", (("system", "Answer."), ("user", "card?")), max_tokens=9)

usages = st.builds(
    Usage,
    calls=st.integers(0, 99),
    prompt_tokens=st.integers(0, 10**6),
    cached_tokens=st.integers(0, 10**6),
    completion_tokens=st.integers(0, 10**6),
    seconds=st.floats(0, 1e6),
    cost=st.floats(0, 1e6),
)
answers = st.builds(
    Answer,
    text=st.text(),
    top_logprobs=st.lists(st.tuples(st.text(max_size=4), st.floats(-30, 0)), max_size=4).map(tuple),
    finish_reason=st.sampled_from(["stop", "length"]),
    usage=usages,
)


@given(answers)
def test_an_answer_survives_json(answer: Answer) -> None:
    assert Answer.from_json(answer.to_json()) == answer


@given(usages, usages)
def test_usages_add_up_field_by_field(one: Usage, other: Usage) -> None:
    both = one + other
    assert both.calls == one.calls + other.calls
    assert both.tokens == one.tokens + other.tokens
    assert both.cached_tokens == one.cached_tokens + other.cached_tokens
    assert both.seconds == one.seconds + other.seconds
    assert both.cost == one.cost + other.cost


def test_a_payload_of_something_else_is_refused() -> None:
    with pytest.raises((KeyError, ValueError)):
        Answer.from_json('{"hello": 1}')


def test_an_answer_knows_when_it_was_cut() -> None:
    assert Answer("a", finish_reason="length").was_cut
    assert not Answer("a").was_cut


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (("system", "Answer."), ("user", "card!"))},
        {"messages": (("system", "Answer."), ("assistant", "card?"))},
        {"max_tokens": 10},
        {"temperature": 0.5},
        {"top_p": 0.9},
        {"schema": {"type": "object"}},
        {"top_logprobs": 5},
        {"draw": 1},
    ],
)
def test_a_key_changes_with_everything_that_changes_the_answer(change: dict[str, object]) -> None:
    assert replace(REQUEST, **change).key("m") != REQUEST.key("m")


def test_a_key_changes_with_the_model_and_not_with_the_stage() -> None:
    assert REQUEST.key("m") != REQUEST.key("n")
    assert replace(REQUEST, stage="review").key("m") == REQUEST.key("m")


def test_a_key_does_not_depend_on_the_order_of_a_schema_or_on_how_a_number_is_written() -> None:
    one = replace(REQUEST, schema={"type": "object", "required": ["a"]}, temperature=0)
    other = replace(REQUEST, schema={"required": ["a"], "type": "object"}, temperature=0.0)
    assert one.key("m") == other.key("m")


def test_text_that_is_no_unicode_has_a_key() -> None:
    assert len(replace(REQUEST, messages=(("user", "\ud800"),)).key("m")) == 64


def test_a_followed_request_keeps_the_question_and_its_settings() -> None:
    longer = REQUEST.followed_by(("user", "again"), max_tokens=50)
    assert longer.messages == (*REQUEST.messages, ("user", "again"))
    assert (longer.max_tokens, longer.stage) == (50, "label")
    assert REQUEST.followed_by().max_tokens == 9


@pytest.mark.parametrize(
    ("budget", "spent", "is_reached"),
    [
        (Budget(), Usage(prompt_tokens=10**9, cost=1e9), False),
        (Budget(tokens=100), Usage(prompt_tokens=60, completion_tokens=39), False),
        (Budget(tokens=100), Usage(prompt_tokens=60, completion_tokens=40), True),
        (Budget(cost=2.0), Usage(cost=1.99), False),
        (Budget(cost=2.0), Usage(cost=2.0), True),
        (Budget(tokens=100, cost=2.0), Usage(cost=2.5), True),
    ],
)
def test_a_budget_is_reached_by_what_it_counts(budget: Budget, spent: Usage, is_reached: bool) -> None:
    if is_reached:
        with pytest.raises(BudgetReached, match="resume with a larger budget"):
            budget.check(spent)
    else:
        budget.check(spent)


def test_prices_are_per_million_and_cached_tokens_have_their_own() -> None:
    prices = Prices(prompt=2.0, cached=0.5, completion=8.0)
    assert prices.cost(1_000_000, 400_000, 100_000) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 8)


def test_the_first_writer_of_a_key_wins_and_both_are_charged() -> None:
    store = MemoryStore()
    store.put("k", "one", model="m", stage="a", **COUNTS)
    store.put("k", "two", model="m", stage="b", **COUNTS)
    assert store.get("k") == "one"
    assert store.get("other") is None
    assert store.size == 1
    assert store.usage() == {"a": (1, 10, 4, 2, 0.5, 0.25), "b": (1, 10, 4, 2, 0.5, 0.25)}
    assert total(store.usage()) == Usage(2, 20, 8, 4, 1.0, 0.5)


def test_a_store_counts_right_from_many_threads() -> None:
    store = MemoryStore()

    def put(name: str) -> None:
        for number in range(200):
            store.put(f"{name}{number}", json.dumps(number), model="m", stage="s", **COUNTS)

    threads = [threading.Thread(target=put, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.usage()["s"][0] == store.size == 800
