"""How an endpoint is made to answer with a JSON object: which ways there are, and which one works."""

import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from .request import Message, Request

TOOL_NAME = "answer"


class Method(StrEnum):
    """A way to ask for an object, the strictest first."""

    JSON_SCHEMA = "json_schema"
    FUNCTION_CALLING = "function_calling"
    JSON_MODE = "json_mode"
    PROMPT = "prompt"
    """No help from the endpoint: the schema is in the prompt, and the text is hoped to be JSON."""


PROBE_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"colour": {"type": "string"}, "count": {"type": "integer"}},
    "required": ["colour", "count"],
    "additionalProperties": False,
}


def probe_request() -> Request:
    """A small question whose answer shows whether a method works."""
    return Request(
        stage="probe",
        messages=(
            ("system", "You answer with a JSON object that has the keys colour (text) and count (integer)."),
            ("user", "Three red balls lie on the table. What is their colour, and what is their count?"),
        ),
        max_tokens=1000,  # some models think before they answer
        schema=PROBE_SCHEMA,
    )


def passes_probe(text: str) -> bool:
    """Whether an answer to the probe is the object that was asked for, and nothing else."""
    try:
        value = json.loads(text)
    except ValueError:
        return False
    return (
        isinstance(value, dict)
        and set(value) == {"colour", "count"}
        and isinstance(value["colour"], str)
        and isinstance(value["count"], int)
    )


def bare_object(text: str) -> str:
    """The JSON object in a text, without the fences and remarks that models put around it.

    From the first brace to the last; the text as it is where there are none.
    """
    start, end = text.find("{"), text.rfind("}")
    return text[start : end + 1] if 0 <= start < end else text


def response_format(schema: Mapping[str, Any], method: Method) -> dict[str, Any] | None:
    """The ``response_format`` of a chat completion, or None for methods that do without."""
    if method is Method.JSON_SCHEMA:
        described = {"name": TOOL_NAME, "schema": dict(schema), "strict": is_strict(schema)}
        return {"type": "json_schema", "json_schema": described}
    return {"type": "json_object"} if method is Method.JSON_MODE else None


def tool(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The one tool whose arguments are the object wanted."""
    return {
        "type": "function",
        "function": {"name": TOOL_NAME, "description": "Give the answer.", "parameters": dict(schema)},
    }


def messages_for(request: Request, method: Method) -> tuple[Message, ...]:
    """The messages to send: with the schema in them where the method does not carry it."""
    if request.schema is None or method in (Method.JSON_SCHEMA, Method.FUNCTION_CALLING):
        return request.messages
    schema = json.dumps(request.schema, ensure_ascii=False, separators=(",", ":"))
    rule = f"Answer with one JSON object and nothing else. It must satisfy this JSON schema:\n{schema}"
    role, content = request.messages[0]
    if role == "system":
        return (("system", f"{content}\n\n{rule}"), *request.messages[1:])
    return (("system", rule), *request.messages)


def is_strict(schema: Any) -> bool:
    """Whether the schema keeps the rules of OpenAI's strict mode: closed objects, every key required."""
    if isinstance(schema, Mapping):
        if schema.get("type") == "object":
            properties = schema.get("properties", {})
            closed = schema.get("additionalProperties") is False
            if not closed or set(schema.get("required", ())) != set(properties):
                return False
        return all(is_strict(value) for value in schema.values())
    if isinstance(schema, list | tuple):
        return all(is_strict(value) for value in schema)
    return True
