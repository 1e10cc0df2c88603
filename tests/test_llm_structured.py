"""Structured answers: what is sent by each method, and which method an endpoint is found to have."""

import json
from typing import Any

import pytest
from stub_endpoint import Status, StubEndpoint
from tnt_llm.llm.chat import Chat
from tnt_llm.llm.request import Request
from tnt_llm.llm.spec import choose_model
from tnt_llm.llm.store import MemoryStore
from tnt_llm.llm.structured import (
    Method,
    bare_object,
    is_strict,
    messages_for,
    passes_probe,
    probe_request,
    response_format,
)
from tnt_llm.taxonomy.errors import EndpointError

SCHEMA = {
    "type": "object",
    "properties": {"phrase": {"type": "string"}},
    "required": ["phrase"],
    "additionalProperties": False,
}
REQUEST = Request("name", (("system", "Name it."), ("user", "x")), max_tokens=30, schema=SCHEMA)


def answers(payload: dict[str, Any]) -> str:
    """A model that writes objects only where the endpoint makes it."""
    asked = (
        payload.get("response_format") or payload.get("tools") or "JSON schema" in str(payload["messages"])
    )
    if "balls" in str(payload["messages"]):
        return (
            '{"colour": "red", "count": 3}'
            if payload.get("response_format") or payload.get("tools")
            else "Red!"
        )
    return '{"phrase": "late card"}' if asked else "late card"


def open_chat(stub: StubEndpoint, store: MemoryStore, *, retries: int = 0) -> Chat:
    return Chat.open(choose_model(stub.spec, {}), store, retries=retries, backoff=0.001, timeout=5)


@pytest.mark.parametrize(
    ("supports", "method", "probes"),
    [
        ({"json_schema", "function_calling", "json_mode"}, Method.JSON_SCHEMA, 1),
        ({"function_calling", "json_mode"}, Method.FUNCTION_CALLING, 2),
        ({"json_mode"}, Method.JSON_MODE, 3),
        (set(), Method.PROMPT, 4),
    ],
)
def test_the_strictest_method_that_works_is_found_once_and_remembered(
    supports: set[str], method: Method, probes: int
) -> None:
    store = MemoryStore()
    with StubEndpoint(answers, supports=frozenset(supports)) as stub:
        with open_chat(stub, store) as chat:
            assert chat.method is method
            assert stub.count == probes
            assert chat.parse(REQUEST, json.loads) == {"phrase": "late card"}
            assert stub.count == probes + 1
        with open_chat(stub, store) as chat:
            assert chat.method is method
            assert stub.count == probes + 1
    assert store.usage()["probe"][1] > 0


def test_a_method_that_answers_with_something_else_is_not_taken() -> None:
    def ignores_schemas(payload: dict[str, Any]) -> str:
        return "Sure! Red, three." if payload.get("response_format") else answers(payload)

    with StubEndpoint(ignores_schemas) as stub, open_chat(stub, MemoryStore()) as chat:
        assert chat.method is Method.FUNCTION_CALLING


def test_an_endpoint_that_is_down_is_not_taken_for_one_without_methods() -> None:
    store = MemoryStore()
    with StubEndpoint(lambda payload: Status(503)) as stub, open_chat(stub, store) as chat:
        with pytest.raises(EndpointError, match="cannot be asked anything"):
            chat.parse(REQUEST, json.loads)
        stub.handler = answers
        assert chat.method is Method.JSON_SCHEMA


def test_free_text_needs_no_probe() -> None:
    with StubEndpoint(answers) as stub, open_chat(stub, MemoryStore()) as chat:
        chat.ask(Request("name", (("user", "x"),), max_tokens=5))
        assert stub.count == 1


def test_the_schema_goes_into_the_prompt_only_where_nothing_else_carries_it() -> None:
    assert messages_for(REQUEST, Method.JSON_SCHEMA) == REQUEST.messages
    assert messages_for(REQUEST, Method.FUNCTION_CALLING) == REQUEST.messages
    for method in (Method.JSON_MODE, Method.PROMPT):
        (role, content), user = messages_for(REQUEST, method)
        assert role == "system"
        assert content.startswith("Name it.")
        assert json.dumps(SCHEMA, separators=(",", ":")) in content
        assert user == ("user", "x")


def test_without_a_system_message_the_schema_makes_one() -> None:
    request = Request("s", (("user", "x"),), max_tokens=5, schema=SCHEMA)
    assert [role for role, _ in messages_for(request, Method.PROMPT)] == ["system", "user"]


def test_without_a_schema_messages_stay_as_they_are() -> None:
    request = Request("s", (("user", "x"),), max_tokens=5)
    assert messages_for(request, Method.JSON_MODE) == request.messages


def test_strict_is_promised_only_of_schemas_that_keep_its_rules() -> None:
    assert is_strict(SCHEMA)
    assert not is_strict({**SCHEMA, "additionalProperties": True})
    assert not is_strict({**SCHEMA, "required": []})
    assert not is_strict({"type": "array", "items": {"type": "object", "properties": {}}})
    assert is_strict({"anyOf": [SCHEMA, {"type": "null"}]})
    wanted = response_format(SCHEMA, Method.JSON_SCHEMA)
    assert wanted is not None
    assert wanted["json_schema"]["strict"] is True
    assert response_format(SCHEMA, Method.PROMPT) is None


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ('{"colour": "red", "count": 3}', True),
        ('{"colour": "red"}', False),
        ('{"colour": "red", "count": "3"}', False),
        ('[{"colour": "red", "count": 3}]', False),
        ('```json\n{"colour": "red", "count": 3}\n```', False),
        ("", False),
    ],
)
def test_the_probe_accepts_the_object_and_nothing_around_it(text: str, passes: bool) -> None:
    assert passes_probe(text) is passes
    assert is_strict(probe_request().schema)


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ('{"a": {"b": 1}}', '{"a": {"b": 1}}'),
        ('Here you are:\n```json\n{"a": 1}\n```\nAnything else?', '{"a": 1}'),
        ("no object", "no object"),
        ("} {", "} {"),
    ],
)
def test_an_object_is_freed_of_what_models_put_around_it(text: str, bare: str) -> None:
    assert bare_object(text) == bare
