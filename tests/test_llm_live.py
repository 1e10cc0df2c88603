"""The embedded model itself: weights from their packages, a real server, real answers."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

import pytest
from tnt_llm.llm import embedded
from tnt_llm.llm.chat import Chat
from tnt_llm.llm.request import Request
from tnt_llm.llm.spec import choose_model
from tnt_llm.llm.store import MemoryStore
from tnt_llm.llm.weights import QWEN


def installed() -> bool:
    """Whether the weights and the server are there."""
    names = {str(distribution.name).lower() for distribution in metadata.distributions()}
    return {"xllamacpp", *QWEN.distributions} <= names


pytestmark = [
    pytest.mark.live,
    pytest.mark.slow,
    pytest.mark.skipif(not installed(), reason="the embedded model is not installed"),
]

SCHEMA = {
    "type": "object",
    "properties": {"topic": {"type": "string", "enum": ["card", "transfer", "cash"]}},
    "required": ["topic"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    with Chat.open(choose_model("embedded", os.environ), MemoryStore()) as opened:
        yield opened


def request(text: str, **changes: object) -> Request:
    messages = (("system", "What is the message to a bank about?"), ("user", text))
    return Request("live", messages, **{"max_tokens": 20, **changes})  # type: ignore[arg-type]


def test_four_questions_at_once_get_objects_of_the_schema(chat: Chat) -> None:
    texts = [
        "My card has not come",
        "I sent money to the wrong person",
        "The ATM ate my notes",
        "New card please",
    ]
    got = dict(chat.parse_all([request(text, schema=SCHEMA) for text in texts], json.loads))
    assert [sorted(got[position]) for position in range(4)] == [["topic"]] * 4
    assert got[0] == {"topic": "card"}


def test_a_shared_prefix_is_read_once(chat: Chat) -> None:
    prefix = "The topics are: " + ", ".join(f"{number}. topic {number}" for number in range(60)) + ".\n"
    chat.ask(request(prefix + "My card?", max_tokens=1, top_logprobs=5))
    second = chat.ask(request(prefix + "My cash?", max_tokens=1, top_logprobs=5))
    assert second.usage.cached_tokens > second.usage.prompt_tokens * 0.8
    assert len(second.top_logprobs) == 5


def test_a_child_process_shares_the_server(chat: Chat) -> None:
    code = (
        "import os; from tnt_llm.llm import embedded; from tnt_llm.llm.spec import choose_model;"
        "print(embedded.acquire(choose_model('embedded', os.environ)).url)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == next(iter(embedded._servers.values())).connection.url
