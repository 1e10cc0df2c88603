"""`Chat` over a fake model: the store, the budget, stopping, concurrency, parsing and repair."""

import json
import threading
import time
from dataclasses import replace

import pytest
from tnt_llm.llm.answer import Answer, Usage
from tnt_llm.llm.budget import Budget
from tnt_llm.llm.chat import Chat
from tnt_llm.llm.fake import Asked, FakeModel
from tnt_llm.llm.request import Request
from tnt_llm.llm.spec import Prices
from tnt_llm.llm.store import MemoryStore
from tnt_llm.llm.structured import Method
from tnt_llm.taxonomy.errors import AnswerError, BudgetReached, CallError, EndpointError, Stopped

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def request(text: str, **changes: object) -> Request:
    return replace(Request("stage", (("system", "Be short."), ("user", text)), max_tokens=20), **changes)


def requests(count: int) -> list[Request]:
    return [request(f"q{number}") for number in range(count)]


def number(text: str) -> int:
    value = json.loads(text)["n"]
    if not isinstance(value, int):
        raise ValueError("n is not an integer")
    return value


def echo() -> FakeModel:
    return FakeModel(respond=lambda asked: asked.prompt.upper())


def test_an_answer_is_asked_for_once_and_costs_once() -> None:
    model, store = echo(), MemoryStore()
    with Chat.over(model, store, id="fake") as chat:
        first, second = chat.ask(request("hello")), chat.ask(request("hello", stage="other"))
    with Chat.over(model, store, id="fake") as chat:
        third = chat.ask(request("hello"))
    assert first == second == third
    assert first.text == "HELLO"
    assert len(model.history) == 1
    assert store.usage()["stage"][:4] == (1, 3, 0, 1)
    assert "other" not in store.usage()


def test_another_model_or_another_draw_is_another_question() -> None:
    model, store = echo(), MemoryStore()
    with Chat.over(model, store, id="one") as chat:
        chat.ask(request("hello"))
        chat.ask(request("hello", draw=1))
    with Chat.over(model, store, id="two") as chat:
        chat.ask(request("hello"))
    assert len(model.history) == 3


def test_the_model_gets_the_whole_request() -> None:
    model = FakeModel()
    model.enqueue(Answer("B", top_logprobs=(("C", -2.0), ("B", -0.1)), usage=Usage(1, 7, 3, 1)))
    with Chat.over(model, MemoryStore(), id="fake") as chat:
        answer = chat.ask(request("?", max_tokens=1, temperature=0.5, top_p=0.9, top_logprobs=5))
    assert answer.top_logprobs == (("B", -0.1), ("C", -2.0))
    assert (answer.usage.prompt_tokens, answer.usage.cached_tokens) == (7, 3)
    asked = model.history[0]
    assert asked.messages == (("system", "Be short."), ("user", "?"))
    expected = {"max_tokens": 1, "temperature": 0.5, "top_p": 0.9, "logprobs": True, "top_logprobs": 5}
    assert expected.items() <= asked.arguments.items()


def test_tokens_become_money_where_prices_are_known() -> None:
    store = MemoryStore()
    with Chat.over(echo(), store, id="fake", prices=Prices(1e6, 0, 10e6)) as chat:
        chat.ask(request("hello"))
    assert store.usage()["stage"][5] == pytest.approx(3 * 1 + 1 * 10)


def test_a_budget_stops_before_the_next_call_and_counts_what_earlier_sittings_spent() -> None:
    model, store = echo(), MemoryStore()
    with Chat.over(model, store, id="fake", budget=Budget(tokens=8)) as chat:
        chat.ask(request("one"))
        chat.ask(request("two"))
        with pytest.raises(BudgetReached):
            chat.ask(request("three"))
        assert chat.ask(request("one")).text == "ONE"
    with Chat.over(model, store, id="fake", budget=Budget(tokens=8)) as chat, pytest.raises(BudgetReached):
        chat.ask(request("three"))
    with Chat.over(model, store, id="fake", budget=Budget(tokens=9)) as chat:
        assert chat.ask(request("three")).text == "THREE"
    assert len(model.history) == 3


def test_a_stop_is_heeded_before_the_next_call_but_not_for_kept_answers() -> None:
    stop, store = threading.Event(), MemoryStore()
    with Chat.over(echo(), store, id="fake", stop=stop) as chat:
        chat.ask(request("one"))
        stop.set()
        assert chat.ask(request("one")).text == "ONE"
        with pytest.raises(Stopped, match="Resume"):
            chat.ask(request("two"))


def test_a_stop_ends_the_wait_for_a_retry() -> None:
    stop, model = threading.Event(), FakeModel(respond=lambda asked: TimeoutError("slow"))
    with Chat.over(model, MemoryStore(), id="fake", stop=stop, backoff=60) as chat:
        threading.Timer(0.05, stop.set).start()
        start = time.monotonic()
        with pytest.raises(Stopped):
            chat.ask(request("one"))
        assert time.monotonic() - start < 10


def test_many_are_asked_at_once_but_never_more_than_allowed() -> None:
    lock = threading.Lock()
    running, most = 0, 0

    def respond(asked: Asked) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.01)
        with lock:
            running -= 1
        return asked.prompt

    with Chat.over(FakeModel(respond=respond), MemoryStore(), id="fake", concurrency=3) as chat:
        got = dict(chat.ask_all(requests(20)))
    assert {position: answer.text for position, answer in got.items()} == {n: f"q{n}" for n in range(20)}
    assert most == 3


def test_several_who_ask_many_at_once_share_one_limit() -> None:
    lock, one_too_many = threading.Lock(), threading.Event()
    running = most = 0

    def respond(asked: Asked) -> str:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
            if running > 2:
                one_too_many.set()
        one_too_many.wait(0.02)  # long enough for others to come in, if they are let in
        with lock:
            running -= 1
        return asked.prompt

    def ask(who: str) -> None:
        list(chat.ask_all([request(f"{who} {number}") for number in range(6)]))

    with Chat.over(FakeModel(respond=respond), MemoryStore(), id="fake", concurrency=2) as chat:
        threads = [threading.Thread(target=ask, args=(who,)) for who in ("one", "other")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == 2


def test_equal_requests_are_asked_once_and_answered_everywhere() -> None:
    model = echo()
    with Chat.over(model, MemoryStore(), id="fake") as chat:
        got = list(chat.ask_all([request("a"), request("b"), request("a", stage="other"), request("a")]))
    assert sorted(position for position, _ in got) == [0, 1, 2, 3]
    assert {answer.text for position, answer in got if position != 1} == {"A"}
    assert len(model.history) == 2


def test_nothing_to_ask_yields_nothing() -> None:
    with Chat.over(FakeModel(), MemoryStore(), id="fake") as chat:
        assert list(chat.ask_all([])) == []


def test_each_answer_is_in_the_store_when_it_is_yielded() -> None:
    store = MemoryStore()
    with Chat.over(echo(), store, id="fake", concurrency=2) as chat:
        asked = requests(6)
        for position, _ in chat.ask_all(asked):
            assert store.get(asked[position].key("fake")) is not None


def test_a_call_that_fails_is_a_result_and_the_others_go_on() -> None:
    model = FakeModel(respond=lambda asked: "" if asked.prompt == "q1" else asked.prompt)
    with Chat.over(model, MemoryStore(), id="fake", concurrency=1) as chat:
        got = dict(chat.ask_all(requests(3)))
    assert isinstance(got[1], CallError)
    assert [got[0].text, got[2].text] == ["q0", "q2"]


def test_an_empty_answer_is_not_asked_for_again() -> None:
    model, store = FakeModel(), MemoryStore()
    model.enqueue("  ")
    with Chat.over(model, store, id="fake") as chat:
        for _ in range(2):
            with pytest.raises(CallError, match="answered with nothing"):
                chat.ask(request("x"))
    assert store.usage()["stage"][0] == len(model.history) == 1


def test_a_filtered_answer_is_a_failed_call() -> None:
    model = FakeModel()
    model.enqueue(Answer("half", finish_reason="content_filter"))
    with Chat.over(model, MemoryStore(), id="fake") as chat, pytest.raises(CallError, match="content filter"):
        chat.ask(request("x"))


def test_a_pause_lets_calls_in_flight_finish_and_commit() -> None:
    store, stop = MemoryStore(), threading.Event()
    both = threading.Barrier(2)

    def respond(asked: Asked) -> str:
        both.wait(5)
        if asked.prompt == "q0":
            stop.set()
        else:
            time.sleep(0.05)
        return asked.prompt

    model = FakeModel(respond=respond)
    with Chat.over(model, store, id="fake", concurrency=2, stop=stop) as chat:
        answers = chat.ask_all(requests(10))
        got = [next(answers)[0], next(answers)[0]]
        with pytest.raises(Stopped):
            next(answers)
    assert sorted(got) == [0, 1]
    assert store.size == len(model.history) == 2


def test_leaving_early_finishes_only_what_is_in_flight() -> None:
    model, store = echo(), MemoryStore()
    with Chat.over(model, store, id="fake", concurrency=2) as chat:
        for _ in chat.ask_all(requests(50)):
            break
        assert store.size == len(model.history) <= 4


def test_a_bug_is_not_taken_for_a_failed_call() -> None:
    model = FakeModel(respond=lambda asked: ZeroDivisionError("bug"))
    with Chat.over(model, MemoryStore(), id="fake") as chat, pytest.raises(ZeroDivisionError):
        list(chat.ask_all(requests(3)))
    assert len(model.history) <= 4


def test_retries_end_in_a_call_error_and_a_success_forgives_earlier_failures() -> None:
    model = FakeModel()
    with Chat.over(model, MemoryStore(), id="fake", retries=1, backoff=0.001) as chat:
        for round_ in range(4):
            model.enqueue(TimeoutError("slow"), TimeoutError("slow"), f"fine {round_}")
            with pytest.raises(CallError, match=r"2 tries.*slow"):
                chat.ask(request(f"bad {round_}"))
            assert chat.ask(request(f"good {round_}")).text == f"fine {round_}"


def test_five_failed_calls_in_a_row_mean_the_endpoint() -> None:
    model = FakeModel(respond=lambda asked: TimeoutError("slow"))
    chat = Chat.over(model, MemoryStore(), id="fake", retries=0, backoff=0.001, concurrency=1)
    with chat, pytest.raises(EndpointError, match="5 calls in a row"):
        next(chat.ask_all(requests(20)))
    assert len(model.history) == 5


def test_a_failed_call_is_reported_once_the_endpoint_has_shown_to_work() -> None:
    model = FakeModel(respond=lambda asked: TimeoutError("slow") if asked.prompt == "q0" else asked.prompt)
    with Chat.over(model, MemoryStore(), id="fake", retries=0, backoff=0.001, concurrency=1) as chat:
        got = list(chat.ask_all(requests(3)))
    assert [position for position, _ in got] == [0, 1, 2]
    assert isinstance(got[0][1], CallError)


def test_failed_calls_with_nothing_after_them_are_reported_at_the_end() -> None:
    model = FakeModel(respond=lambda asked: TimeoutError("slow") if asked.prompt != "q0" else asked.prompt)
    with Chat.over(model, MemoryStore(), id="fake", retries=0, backoff=0.001, concurrency=1) as chat:
        got = dict(chat.ask_all(requests(3)))
    assert [type(got[n]).__name__ for n in range(3)] == ["Answer", "TransportError", "TransportError"]


def test_a_good_answer_needs_no_repair() -> None:
    model = FakeModel()
    model.enqueue('{"n": 3}')
    with Chat.over(model, MemoryStore(), id="fake") as chat:
        assert chat.parse(request("?", schema=SCHEMA), number) == 3
    assert len(model.history) == 1
    assert model.history[0].schema == SCHEMA


def test_a_bad_answer_is_shown_to_the_model_once_with_what_is_wrong() -> None:
    model, store = FakeModel(), MemoryStore()
    model.enqueue('{"n": "three"}', '{"n": 3}')
    with Chat.over(model, store, id="fake") as chat:
        assert chat.parse(request("?", schema=SCHEMA), number) == 3
        assert chat.parse(request("?", schema=SCHEMA), number) == 3
    first, second = model.history
    assert second.messages[:2] == first.messages
    assert second.messages[2] == ("assistant", '{"n": "three"}')
    assert "n is not an integer" in second.messages[3][1]
    assert store.usage()["stage"][0] == 2


def test_a_second_bad_answer_is_an_error_that_holds_it() -> None:
    model = FakeModel()
    model.enqueue("nonsense", "more nonsense")
    with Chat.over(model, MemoryStore(), id="fake") as chat, pytest.raises(AnswerError) as caught:
        chat.parse(request("?", schema=SCHEMA), number)
    assert caught.value.raw == "more nonsense"
    assert len(model.history) == 2


def test_a_cut_object_is_not_parsed_and_its_repair_has_twice_the_room() -> None:
    model = FakeModel()
    model.enqueue(Answer('{"n": 3}', finish_reason="length"), '{"n": 4}')
    with Chat.over(model, MemoryStore(), id="fake") as chat:
        assert chat.parse(request("?", schema=SCHEMA), number) == 4
    assert model.history[1].arguments["max_tokens"] == 40
    assert "cut at 20 tokens" in model.history[1].prompt


def test_cut_free_text_is_the_parsers_to_judge() -> None:
    model = FakeModel()
    model.enqueue(Answer("A", finish_reason="length"))
    with Chat.over(model, MemoryStore(), id="fake") as chat:
        assert chat.parse(request("?"), str.lower) == "a"


def test_an_endless_answer_is_shown_back_shortened() -> None:
    model = FakeModel()
    model.enqueue("x" * 100_000, '{"n": 1}')
    with Chat.over(model, MemoryStore(), id="fake") as chat:
        assert chat.parse(request("?", schema=SCHEMA), number) == 1
    assert len(model.history[1].messages[2][1]) < 3000


def test_many_are_parsed_and_each_kind_of_failure_is_a_result() -> None:
    replies = {"q0": '{"n": 0}', "q1": "bad", "q2": "", "q3": 'Sure: {"n": 3}'}

    def respond(asked: Asked) -> str:
        return replies.get(asked.messages[1][1], "")

    with Chat.over(FakeModel(respond=respond), MemoryStore(), id="fake") as chat:
        asked = [request(f"q{position}", schema=SCHEMA) for position in range(4)]
        got = dict(chat.parse_all(asked, number))
    assert (got[0], got[3]) == (0, 3)
    assert isinstance(got[1], AnswerError)
    assert isinstance(got[2], CallError)


@pytest.mark.parametrize("method", [Method.FUNCTION_CALLING, Method.JSON_MODE, Method.PROMPT])
def test_every_method_gets_the_object_out_of_a_langchain_model(method: Method) -> None:
    model = FakeModel()
    model.enqueue('{"n": 5}')
    with Chat.over(model, MemoryStore(), id="fake", method=method) as chat:
        assert chat.parse(request("?", schema=SCHEMA), number) == 5
    asked = model.history[0]
    assert (asked.schema == SCHEMA) is (method is Method.FUNCTION_CALLING)
    assert ("JSON schema" in asked.messages[0][1]) is (method is not Method.FUNCTION_CALLING)


def test_a_fake_without_an_answer_says_what_it_was_asked() -> None:
    chat = Chat.over(FakeModel(), MemoryStore(), id="fake")
    with chat, pytest.raises(AssertionError, match="no answer left for: hello"):
        chat.ask(request("hello"))
