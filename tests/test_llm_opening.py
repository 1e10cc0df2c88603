"""From a spec to a wire: providers of LangChain, proxies, and what a LangChain message holds."""

import sys
from types import ModuleType
from typing import Any

import pytest
from langchain_core.messages import AIMessage
from tnt_llm.llm.chat import Chat
from tnt_llm.llm.fake import FakeModel
from tnt_llm.llm.opening import open_wire
from tnt_llm.llm.request import Request
from tnt_llm.llm.spec import ModelSpec, Prices
from tnt_llm.llm.store import MemoryStore
from tnt_llm.llm.structured import Method
from tnt_llm.llm.transport import is_loopback
from tnt_llm.llm.wire import invoke, read
from tnt_llm.taxonomy.errors import CallError, MissingPartError, SettingsError

REQUEST = Request("s", (("user", "x"),), max_tokens=5, temperature=0.3)


def langchain(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    """LangChain's chooser of models, without LangChain."""
    module = ModuleType("langchain.chat_models")
    module.init_chat_model = make  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "langchain", ModuleType("langchain"))
    monkeypatch.setitem(sys.modules, "langchain.chat_models", module)


def test_another_provider_gets_its_settings_when_its_model_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    model = FakeModel(respond=lambda asked: "hi")

    def make(text: str, **options: Any) -> FakeModel:
        made.append({"text": text, **options})
        return model

    langchain(monkeypatch, make)
    with Chat.open(ModelSpec("anthropic:claude-x", ""), MemoryStore(), timeout=7) as chat:
        chat.ask(REQUEST)
        chat.ask(Request("s", (("user", "y"),), max_tokens=5, temperature=0.3))
        chat.ask(Request("s", (("user", "z"),), max_tokens=5, temperature=0.3, top_p=0.5))
        assert chat.id == "anthropic:claude-x"
    shared = {"text": "anthropic:claude-x", "timeout": 7, "max_retries": 0}
    assert made[1:] == [
        {**shared, "max_tokens": 5, "temperature": 0.3},
        {**shared, "max_tokens": 5, "temperature": 0.3, "top_p": 0.5},
    ]
    assert model.history[0].arguments == {}


def test_what_is_missing_or_unknown_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = ModelSpec("anthropic:claude-x", "")
    monkeypatch.setitem(sys.modules, "langchain", None)
    with pytest.raises(MissingPartError, match="pip install langchain"):
        open_wire(spec, timeout=1)

    def no_package(text: str, **options: Any) -> None:
        raise ImportError("pip install langchain-anthropic")

    def unknown(text: str, **options: Any) -> None:
        raise ValueError("Unsupported provider")

    langchain(monkeypatch, no_package)
    with pytest.raises(MissingPartError, match="langchain-anthropic"):
        open_wire(spec, timeout=1)
    langchain(monkeypatch, unknown)
    with pytest.raises(SettingsError, match="Unsupported provider"):
        open_wire(spec, timeout=1)


def test_a_proxy_is_not_asked_for_this_machine() -> None:
    assert is_loopback("http://127.0.0.1:8000/v1")
    assert is_loopback("http://localhost/v1")
    assert is_loopback("http://[::1]:8000/v1")
    assert not is_loopback("http://10.0.0.1/v1")
    assert not is_loopback("https://example.org/v1")
    assert not is_loopback(None)


def test_openai_without_an_address_is_openai() -> None:
    wire = open_wire(ModelSpec("openai:gpt-x", "", api_key="sk-0123456789"), timeout=1)
    wire.close()
    assert wire.where == "OpenAI (gpt-x)"
    assert "sk-" not in wire.where + wire.id


def message(**fields: Any) -> AIMessage:
    return AIMessage(**{"content": "text", **fields})


def test_a_message_without_counts_costs_nothing_known() -> None:
    answer = read(message(), 0.5, Prices(1, 1, 1))
    assert (answer.usage.tokens, answer.usage.cost, answer.usage.seconds) == (0, 0.0, 0.5)
    assert (answer.text, answer.finish_reason, answer.top_logprobs) == ("text", "stop", ())


def test_text_in_blocks_is_joined() -> None:
    blocks = [{"type": "text", "text": "one "}, {"type": "text", "text": "two"}]
    assert read(message(content=blocks), 0, None).text == "one two"


def test_each_providers_word_for_why_it_ended_is_read() -> None:
    assert read(message(response_metadata={"stop_reason": "end_turn"}), 0, None).finish_reason == "end_turn"
    assert read(message(response_metadata={"stop_reason": "max_tokens"}), 0, None).was_cut
    assert read(message(response_metadata={"finish_reason": "MAX_TOKENS"}), 0, None).was_cut
    assert read(message(response_metadata={"done_reason": "length"}), 0, None).was_cut
    refused = read(message(response_metadata={"stop_reason": "refusal"}), 0, None)
    assert refused.finish_reason == "content_filter"


def test_a_tool_call_is_the_answer_and_a_broken_one_is_raw() -> None:
    call = {"name": "answer", "args": {"a": 1}, "id": "1"}
    assert read(message(content="", tool_calls=[call]), 0, None).text == '{"a": 1}'
    broken = {"name": "answer", "args": '{"a": ', "id": "1", "error": "cut"}
    assert read(message(content="", invalid_tool_calls=[broken]), 0, None).text == '{"a": '


def test_empty_logprobs_are_none() -> None:
    for logprobs in (None, {"content": None}, {"content": []}, {"content": [{"top_logprobs": None}]}):
        assert read(message(response_metadata={"logprobs": logprobs}), 0, None).top_logprobs == ()


def test_an_answer_that_is_no_message_fails_the_call() -> None:
    class Odd:
        def invoke(self, messages: Any, **arguments: Any) -> str:
            return "just text"

    with pytest.raises(Exception, match="got str"):
        invoke(Odd(), REQUEST, Method.PROMPT, {}, None)


def test_a_structured_answer_without_text_is_a_failed_call() -> None:
    model = FakeModel()
    model.enqueue("")
    chat = Chat.over(model, MemoryStore(), id="fake", method=Method.PROMPT)
    with chat, pytest.raises(CallError, match="answered with nothing"):
        chat.ask(Request("s", (("user", "x"),), max_tokens=5, schema={"type": "object"}))
