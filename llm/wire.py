"""One request to one model over LangChain: no retries, no cache, no budget. Those are `Chat`'s."""

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from .answer import Answer, Usage
from .faults import MangledAnswer, shorten
from .request import Request
from .spec import Prices
from .structured import TOOL_NAME, Method, messages_for, response_format, tool

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage


class Wire(Protocol):
    """What carries a request to a model and its answer back.

    Attributes:
        id: the model's name for cache keys: no host, no port, no secret.
        where: the endpoint, for people.
        remedy: what to do when nothing answers there.
        secret: the API key, so that it can be kept out of messages.
    """

    id: str
    where: str
    remedy: str
    secret: str | None

    def send(self, request: Request, method: Method, without: frozenset[str]) -> Answer:
        """Ask once.

        Args:
            request: what to ask.
            method: how to ask for an object; of no effect without a schema.
            without: parameters that the endpoint does not take and that are left out.

        Raises:
            Exception: whatever the client raises; `faults.classify` knows what it means.
        """
        ...

    def close(self) -> None:
        """Give back connections and processes."""
        ...


class OpenAIWire:
    """`ChatOpenAI` on OpenAI's endpoint or on one that speaks its chat completions.

    Raises nothing of its own; loopback addresses are reached without the proxies of the environment.
    """

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - the name it has everywhere
        model: str,
        where: str,
        base_url: str | None,
        api_key: str,
        timeout: float,
        remedy: str = "Start it, or correct its address, then resume: nothing finished is lost.",
        prices: Prices | None = None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        from langchain_openai import ChatOpenAI
        from pydantic import SecretStr

        from .transport import http_client

        self.id = id
        self.where = where
        self.remedy = remedy
        self.secret = api_key if len(api_key) > 7 else None  # "none" and its like are words
        self._is_openai = base_url is None
        self._prices = prices
        self._on_close = on_close
        self._http = http_client(base_url, timeout)
        self._model = ChatOpenAI(
            model=model,
            base_url=base_url or "https://api.openai.com/v1",
            api_key=SecretStr(api_key),
            timeout=timeout,
            max_retries=0,
            use_responses_api=False,
            http_client=self._http,
        )

    def send(self, request: Request, method: Method, without: frozenset[str]) -> Answer:
        """Ask once; see `Wire`."""
        arguments: dict[str, Any] = {"temperature": request.temperature, "top_p": request.top_p}
        if request.top_logprobs:
            arguments |= {"logprobs": True, "top_logprobs": request.top_logprobs}
        body: dict[str, Any] = {}
        if self._is_openai:
            arguments["max_tokens"] = request.max_tokens  # ChatOpenAI renames it as OpenAI now wants it
        else:
            body["max_tokens"] = request.max_tokens  # the name that every other server knows
            if request.temperature > 0:
                body["seed"] = request.draw  # repeatable where the server can
        if request.schema is not None:
            if method is Method.FUNCTION_CALLING:
                choice = {"type": "function", "function": {"name": TOOL_NAME}}
                arguments |= {"tools": [tool(request.schema)], "tool_choice": choice}
            elif wanted := response_format(request.schema, method):
                # In the body as it is: the client would parse the answer by it and raise on a cut one.
                body["response_format"] = wanted
        arguments = {name: value for name, value in arguments.items() if name not in without}
        if body:
            arguments["extra_body"] = body
        return invoke(self._model, request, method, arguments, self._prices)

    def close(self) -> None:
        """Close the connections, then whatever runs behind them."""
        self._http.close()
        self._on_close()


class LangChainWire:
    """Any LangChain chat model.

    Args:
        model: the model, or a function (max_tokens, temperature, top_p) -> model for providers that take
            these only when the model is made.
        id: name for cache keys.
    """

    def __init__(
        self,
        model: "BaseChatModel | Callable[[int, float, float], BaseChatModel]",
        *,
        id: str,  # noqa: A002 - the name it has everywhere
        prices: Prices | None = None,
    ) -> None:
        self.id = id
        self.where = id
        self.remedy = "Check the network, then resume: nothing finished is lost."
        self.secret: str | None = None
        self._model = model
        self._prices = prices

    def send(self, request: Request, method: Method, without: frozenset[str]) -> Answer:
        """Ask once; see `Wire`. The parameters in `without` and logprobs are left out."""
        from langchain_core.language_models import BaseChatModel

        arguments: dict[str, Any] = {}
        if isinstance(self._model, BaseChatModel):
            model = self._model
            arguments |= {
                "max_tokens": request.max_tokens,
                "temperature": request.temperature,
                "top_p": request.top_p,
            }
            if request.top_logprobs:
                arguments |= {"logprobs": True, "top_logprobs": request.top_logprobs}
        else:
            model = self._model(request.max_tokens, request.temperature, request.top_p)
        arguments = {name: value for name, value in arguments.items() if name not in without}
        if request.schema is not None:
            if method is Method.FUNCTION_CALLING:
                bound = model.bind_tools([tool(request.schema)], tool_choice=TOOL_NAME)
                return invoke(bound, request, method, arguments, self._prices)
            if wanted := response_format(request.schema, method):
                arguments["response_format"] = wanted
        return invoke(model, request, method, arguments, self._prices)

    def close(self) -> None:
        """Nothing to give back: the model is the caller's."""


def invoke(
    model: Any, request: Request, method: Method, arguments: dict[str, Any], prices: Prices | None
) -> Answer:
    """Call a LangChain runnable and read its message.

    Raises:
        MangledAnswer: the endpoint's answer is not one of a chat model.
        Exception: what the client raises.
    """
    from langchain_core.messages import AIMessage

    start = time.monotonic()
    try:
        message = model.invoke(list(messages_for(request, method)), **arguments)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        # LangChain and the client raise these on an answer that is not JSON, or lacks its choices.
        raise MangledAnswer(f"the answer is not one of a chat model: {shorten(str(error))}") from error
    if not isinstance(message, AIMessage):
        raise MangledAnswer(f"expected a message of an assistant, got {type(message).__name__}")
    return read(message, time.monotonic() - start, prices)


def read(message: "AIMessage", seconds: float, prices: Prices | None) -> Answer:
    """The answer in a LangChain message: its text, or the arguments of its tool call as JSON."""
    metadata = message.response_metadata or {}
    counts: Any = message.usage_metadata or {}
    prompt = int(counts.get("input_tokens") or 0)
    completion = int(counts.get("output_tokens") or 0)
    cached = int((counts.get("input_token_details") or {}).get("cache_read") or 0)
    reported = (metadata.get("token_usage") or {}).get("cost")  # OpenRouter and LiteLLM say it
    cost = float(reported) if reported else prices.cost(prompt, cached, completion) if prices else 0.0
    return Answer(
        text=_text(message),
        top_logprobs=_first_token(metadata.get("logprobs")),
        finish_reason=_finish_reason(metadata),
        usage=Usage(1, prompt, cached, completion, seconds, cost),
    )


def _finish_reason(metadata: Mapping[str, Any]) -> str:
    """Why the answer ended, in OpenAI's words for the two reasons that matter here."""
    reason = (
        metadata.get("finish_reason") or metadata.get("stop_reason") or metadata.get("done_reason") or "stop"
    )
    known = {"max_tokens": "length", "safety": "content_filter", "refusal": "content_filter"}
    return known.get(str(reason).lower(), str(reason))


def _text(message: "AIMessage") -> str:
    """The arguments of the first tool call if there is one, else the text."""
    for call in message.tool_calls:
        return json.dumps(call["args"], ensure_ascii=False)
    for broken in message.invalid_tool_calls:
        return broken["args"] or ""
    return str(message.text)


def _first_token(logprobs: Any) -> tuple[tuple[str, float], ...]:
    """Alternatives of the first token, the likeliest first."""
    content = (logprobs or {}).get("content") or []
    if not content:
        return ()
    pairs = [(str(entry["token"]), float(entry["logprob"])) for entry in content[0].get("top_logprobs") or ()]
    return tuple(sorted(pairs, key=lambda pair: -pair[1]))
