"""A chat model for tests and for trials: it says what it was told to, and remembers what it was asked.

::

    model = FakeModel()
    model.enqueue('{"phrase": "late card"}', TimeoutError("too slow"))
    with Chat.over(model, MemoryStore(), id="fake") as chat:
        chat.ask(request)
    assert model.history[0].messages == request.messages
"""

import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from .answer import Answer, Usage
from .request import Message

Reply = str | Answer | Exception
_ROLES = {"human": "user", "ai": "assistant"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that a `FakeModel` got.

    Attributes:
        messages: (role, content) pairs.
        schema: JSON schema of the object wanted, None when no object was, or only by the prompt.
        arguments: the other arguments of the call (max_tokens, temperature, top_logprobs, ...).
    """

    messages: tuple[Message, ...]
    schema: dict[str, Any] | None
    arguments: dict[str, Any]

    @property
    def prompt(self) -> str:
        """The last message's content."""
        return self.messages[-1][1]


class FakeModel(BaseChatModel):
    """A LangChain chat model without a model.

    Answers come from `enqueue`, first in first out, then from `respond`; asked with neither it fails with an
    AssertionError. Tokens are counted as words. Safe to call from several threads.

    Attributes:
        respond: makes the reply to a call by rule.
    """

    respond: Callable[[Asked], Reply] | None = None

    _queue: deque[Reply] = PrivateAttr(default_factory=deque)
    _history: list[Asked] = PrivateAttr(default_factory=list)
    _guard: Any = PrivateAttr(default_factory=threading.Lock)

    def enqueue(self, *replies: Reply) -> None:
        """Add replies; an exception is raised instead of given."""
        with self._guard:
            self._queue.extend(replies)

    @property
    def history(self) -> tuple[Asked, ...]:
        """The calls so far, in the order in which they came."""
        return tuple(self._history)

    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The same model, answering with a call of the first tool."""
        return self.bind(tools=list(tools), tool_choice=tool_choice, **kwargs)

    @property
    def _llm_type(self) -> str:
        return "fake"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - LangChain's signature
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002 - LangChain's signature
        **kwargs: Any,
    ) -> ChatResult:
        pairs = tuple((_ROLES.get(message.type, message.type), str(message.text)) for message in messages)
        asked = Asked(pairs, _schema(kwargs), kwargs)
        with self._guard:
            self._history.append(asked)
            reply = self._queue.popleft() if self._queue else None
        if reply is None and self.respond is not None:
            reply = self.respond(asked)
        if reply is None:
            raise AssertionError(f"FakeModel has no answer left for: {asked.prompt[:200]}")
        if isinstance(reply, Exception):
            raise reply
        answer = Answer(reply, usage=_counted(pairs, reply)) if isinstance(reply, str) else reply
        return ChatResult(generations=[ChatGeneration(message=_message(answer, kwargs))])


def _schema(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """The schema that a call carries, by whichever method."""
    if tools := arguments.get("tools"):
        return dict(tools[0]["function"]["parameters"])
    described = (arguments.get("response_format") or {}).get("json_schema")
    return dict(described["schema"]) if described else None


def _counted(messages: tuple[Message, ...], text: str) -> Usage:
    """Words for tokens."""
    return Usage(1, sum(len(content.split()) for _, content in messages), 0, len(text.split()))


def _message(answer: Answer, arguments: dict[str, Any]) -> AIMessage:
    """The message that carries an answer, as OpenAI's would."""
    top = [{"token": token, "logprob": value} for token, value in answer.top_logprobs]
    logprobs = {"content": [{"token": top[0]["token"], "top_logprobs": top}]} if top else None
    calls = []
    if tools := arguments.get("tools"):
        calls = [{"name": tools[0]["function"]["name"], "args": json.loads(answer.text), "id": "call_0"}]
    return AIMessage(
        content="" if calls else answer.text,
        tool_calls=calls,
        response_metadata={"finish_reason": answer.finish_reason, "logprobs": logprobs},
        usage_metadata={
            "input_tokens": answer.usage.prompt_tokens,
            "output_tokens": answer.usage.completion_tokens,
            "total_tokens": answer.usage.tokens,
            "input_token_details": {"cache_read": answer.usage.cached_tokens},
        },
    )
