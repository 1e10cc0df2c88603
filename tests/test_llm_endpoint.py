"""`Chat` over HTTP through ChatOpenAI against a stub that misbehaves: what is retried, what ends it."""

import time
from typing import Any

import pytest
from stub_endpoint import (
    CutJson,
    Drop,
    Empty,
    Endless,
    Fault,
    Flood,
    Hang,
    NotJson,
    Slow,
    Status,
    StubEndpoint,
    Trickle,
    Truncated,
)
from tnt_llm.llm.chat import Chat
from tnt_llm.llm.request import Request
from tnt_llm.llm.spec import ModelSpec, choose_model
from tnt_llm.llm.store import MemoryStore
from tnt_llm.taxonomy.errors import CallError, EndpointError, SettingsError

SECRET = "plain-secret-without-a-prefix"


def upper(payload: dict[str, Any]) -> str:
    return str(payload["messages"][-1]["content"]).upper()


def request(
    text: str = "hello", *, max_tokens: int = 20, top_logprobs: int = 0, temperature: float = 0.0
) -> Request:
    return Request(
        "stage", (("user", text),), max_tokens=max_tokens, top_logprobs=top_logprobs, temperature=temperature
    )


def open_chat(
    stub: StubEndpoint,
    store: MemoryStore | None = None,
    *,
    retries: int = 2,
    timeout: float = 5,
    **environ: str,
) -> Chat:
    spec = choose_model(stub.spec, environ)
    return Chat.open(
        spec, store or MemoryStore(), retries=retries, backoff=0.005, timeout=timeout, concurrency=4
    )


def test_what_goes_over_the_wire_is_the_request() -> None:
    with StubEndpoint(upper) as stub, open_chat(stub, TNT_LLM_API_KEY="mykey") as chat:
        assert chat.ask(request()).text == "HELLO"
        chat.ask(request(temperature=0.7))
    first, second = stub.requests
    assert first["model"] == "stub"
    assert first["messages"] == [{"content": "hello", "role": "user"}]
    assert (first["max_tokens"], first["temperature"], first["top_p"]) == (20, 0.0, 1.0)
    assert "max_completion_tokens" not in first
    assert "seed" not in first
    assert second["seed"] == 0
    assert stub.headers[0]["authorization"] == "Bearer mykey"


def test_logprobs_and_usage_come_back() -> None:
    reply = {
        "text": "B",
        "top_logprobs": [("A", -1.5), ("B", -0.25)],
        "usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 6}, "cost": 0.5},
    }
    store = MemoryStore()
    with StubEndpoint(lambda payload: reply) as stub, open_chat(stub, store) as chat:
        answer = chat.ask(request(max_tokens=1, top_logprobs=5))
    assert answer.top_logprobs == (("B", -0.25), ("A", -1.5))
    assert store.usage()["stage"][1:4] == (9, 6, 1)
    assert store.usage()["stage"][5] == 0.5
    assert stub.requests[0]["top_logprobs"] == 5


def test_an_endpoint_without_logprobs_gives_none() -> None:
    with StubEndpoint(upper) as stub, open_chat(stub) as chat:
        assert chat.ask(request(max_tokens=1, top_logprobs=5)).top_logprobs == ()


@pytest.mark.parametrize(
    "fault",
    [
        Status(500),
        Status(503, headers={"Retry-After": "0.01"}),
        Status(408),
        Truncated(),
        CutJson(),
        Empty(body=True),
        NotJson(),
        Drop(),
        Flood(),
    ],
    ids=repr,
)
def test_a_passing_fault_is_retried_and_costs_nothing(fault: Fault) -> None:
    store = MemoryStore()
    with StubEndpoint(upper) as stub, open_chat(stub, store) as chat:
        stub.fail(fault, fault)
        assert chat.ask(request()).text == "HELLO"
        assert stub.count == 3
    assert store.usage()["stage"][0] == 1


@pytest.mark.parametrize("fault", [Hang(), Trickle(), Slow(5)], ids=repr)
def test_an_answer_that_does_not_come_or_does_not_end_is_given_up_in_time(fault: Fault) -> None:
    with StubEndpoint(upper) as stub, open_chat(stub, retries=1, timeout=0.3) as chat:
        stub.fail(fault)
        start = time.monotonic()
        assert chat.ask(request()).text == "HELLO"
        assert time.monotonic() - start < 4
        stub.fail(fault, fault)
        with pytest.raises(CallError, match="2 tries: no answer in time"):
            chat.ask(request("other"))


def test_an_endless_answer_ends_at_max_tokens() -> None:
    with StubEndpoint(lambda payload: Endless()) as stub, open_chat(stub) as chat:
        answer = chat.ask(request())
    assert answer.was_cut
    assert answer.usage.completion_tokens == 20


def test_an_empty_answer_fails_the_call() -> None:
    with StubEndpoint(lambda payload: Empty()) as stub, open_chat(stub) as chat:
        with pytest.raises(CallError, match="answered with nothing"):
            chat.ask(request())
        assert stub.count == 1


@pytest.mark.parametrize("code", [400, 413, 422])
def test_a_rejected_request_fails_alone_and_at_once(code: int) -> None:
    def handler(payload: dict[str, Any]) -> str | Fault:
        return Status(code, "too long for me") if "long" in str(payload["messages"]) else "ok"

    with StubEndpoint(handler) as stub, open_chat(stub) as chat:
        got = dict(chat.ask_all([request("a"), request("long"), request("b")]))
        assert stub.count == 3
    assert isinstance(got[1], CallError)
    assert "too long for me" in str(got[1])
    assert not isinstance(got[0], CallError)


@pytest.mark.parametrize("code", [401, 402, 403, 404])
def test_an_endpoint_that_refuses_ends_it_with_a_remedy(code: int) -> None:
    with StubEndpoint(lambda payload: Status(code)) as stub, open_chat(stub) as chat:
        with pytest.raises(EndpointError, match=r"Check the|top it up"):
            list(chat.ask_all([request(str(number)) for number in range(50)]))
        assert stub.count <= 5


def test_a_wrong_key_is_told_without_telling_the_key() -> None:
    with (
        StubEndpoint(upper, api_key="right") as stub,
        open_chat(stub, TNT_LLM_API_KEY=SECRET) as chat,
        pytest.raises(EndpointError, match="TNT_LLM_API_KEY") as caught,
    ):
        chat.ask(request())
    assert SECRET not in str(caught.value)
    assert "(secret)" in str(caught.value)


def test_an_unknown_model_is_named() -> None:
    with StubEndpoint(upper) as stub:
        spec = ModelSpec(f"{stub.url}#nonesuch", "named")
        with Chat.open(spec, MemoryStore()) as chat, pytest.raises(EndpointError, match="nonesuch"):
            chat.ask(request())


def test_a_busy_endpoint_is_left_alone_for_as_long_as_it_asks_by_all_threads() -> None:
    store = MemoryStore()
    with StubEndpoint(upper) as stub, open_chat(stub, store) as chat:
        stub.fail(Status(429, headers={"Retry-After": "0.4"}))
        chat.ask(request("a"))
        waited = stub.times[1] - stub.times[0]
        assert 0.4 <= waited < 3
        stub.fail(Status(429, headers={"Retry-After": "0.5"}))
        got = dict(chat.ask_all([request(f"b{number}") for number in range(8)]))
    assert len(got) == 8
    refused = stub.times[2]
    late = [moment - refused for moment in stub.times[3:] if moment - refused > 0.25]
    assert late
    assert min(late) >= 0.5


def test_an_endpoint_that_stays_busy_ends_it_resumably() -> None:
    with StubEndpoint(lambda payload: Status(429)) as stub, open_chat(stub, retries=1) as chat:
        with pytest.raises(EndpointError, match=r"too many requests.*resume"):
            chat.ask(request())
        assert stub.count == 4


@pytest.mark.parametrize(
    "fault",
    [Status(429, error_code="insufficient_quota"), Status(429, headers={"Retry-After": "86400"})],
    ids=["quota", "tomorrow"],
)
def test_a_spent_quota_is_not_waited_for(fault: Fault) -> None:
    with StubEndpoint(lambda payload: fault) as stub, open_chat(stub) as chat:
        with pytest.raises(EndpointError):
            chat.ask(request())
        assert stub.count == 1


def test_an_endpoint_that_is_gone_ends_it_and_what_was_answered_stays() -> None:
    store = MemoryStore()
    with StubEndpoint(upper) as stub, open_chat(stub, store, retries=1) as chat:
        chat.ask(request("a"))
        stub.stop()
        with pytest.raises(EndpointError, match=r"Nothing answers at .*resume"):
            chat.ask(request("b"))
        assert chat.ask(request("a")).text == "A"
        stub.start()
        assert chat.ask(request("b")).text == "B"


def test_server_errors_on_every_call_end_it_and_lose_no_request() -> None:
    with StubEndpoint(lambda payload: Status(500)) as stub, open_chat(stub, retries=0) as chat:
        with pytest.raises(EndpointError, match="calls in a row"):
            assert list(chat.ask_all([request(str(number)) for number in range(50)])) == []
        assert stub.count <= 5 + 4


def test_an_endpoint_that_takes_none_of_our_requests_ends_it() -> None:
    with StubEndpoint(lambda payload: Status(400, "no chat here")) as stub, open_chat(stub) as chat:
        with pytest.raises(EndpointError, match=r"rejected the first 1.*no chat here"):
            list(chat.ask_all([request(str(number)) for number in range(50)]))
        assert stub.count <= 10 + 4


def test_parameters_that_a_model_does_not_take_are_left_out_from_then_on() -> None:
    def picky(payload: dict[str, Any]) -> str | Fault:
        for name in ("temperature", "logprobs"):
            if name in payload:
                return Status(400, f"Unsupported parameter: {name}", "unsupported_parameter", name)
        return "ok"

    with StubEndpoint(picky) as stub, open_chat(stub) as chat:
        assert chat.ask(request("a", top_logprobs=5)).text == "ok"
        assert stub.count == 3
        assert chat.ask(request("b", top_logprobs=5)).text == "ok"
        assert stub.count == 4
    assert "top_logprobs" not in stub.requests[-1]
    assert stub.requests[-1]["max_tokens"] == 20


def test_calls_run_at_once_up_to_the_limit() -> None:
    with StubEndpoint(upper, delay=0.05) as stub, open_chat(stub) as chat:
        assert len(list(chat.ask_all([request(str(number)) for number in range(16)]))) == 16
    assert stub.max_in_flight == 4
    assert stub.repeats == 0


def test_the_only_model_of_an_endpoint_needs_no_name() -> None:
    with (
        StubEndpoint(upper, models=("llama",)) as stub,
        Chat.open(ModelSpec(stub.url, "named"), MemoryStore()) as chat,
    ):
        assert chat.id == "llama"
        assert chat.ask(request()).text == "HELLO"


def test_several_models_are_listed_to_choose_from() -> None:
    with (
        StubEndpoint(upper, models=("b", "a")) as stub,
        pytest.raises(SettingsError, match=r"2 models \(a, b\)"),
    ):
        Chat.open(ModelSpec(stub.url, "named"), MemoryStore())


def test_an_endpoint_that_lists_no_models_asks_for_a_name() -> None:
    with StubEndpoint(upper) as stub:
        wrong = ModelSpec(stub.url.replace("/v1", "/elsewhere"), "named")
        with pytest.raises(EndpointError, match=r"404.*name one"):
            Chat.open(wrong, MemoryStore())
        stub.stop()
        with pytest.raises(EndpointError, match="Start it"):
            Chat.open(wrong, MemoryStore())


def test_the_id_holds_no_address_and_no_secret() -> None:
    with StubEndpoint(upper) as stub, open_chat(stub, TNT_LLM_API_KEY=SECRET) as chat:
        assert chat.id == "stub"
        assert stub.url in chat.where
        assert SECRET not in chat.where


def test_openai_itself_gets_the_parameters_it_wants() -> None:
    with StubEndpoint(upper, models=("gpt-x",)) as stub:
        environ = {"OPENAI_API_KEY": "sk-0123456789", "OPENAI_BASE_URL": stub.url}
        with Chat.open(choose_model("openai:gpt-x", environ), MemoryStore()) as chat:
            assert chat.ask(request()).text == "HELLO"
            assert chat.id == "openai:gpt-x"
            assert chat.concurrency == 8
    assert stub.headers[0]["authorization"] == "Bearer sk-0123456789"
