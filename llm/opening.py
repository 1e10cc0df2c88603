"""From a spec to the wire that carries requests."""

import json
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..taxonomy.errors import EndpointError, MissingPartError, SettingsError
from .faults import Kind, classify, describe
from .spec import ModelSpec
from .transport import http_client
from .wire import LangChainWire, OpenAIWire, Wire

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

NO_KEY = "none"
"""What an endpoint without a key is sent; the client insists on something."""


def open_wire(spec: ModelSpec, *, timeout: float) -> Wire:
    """The wire for a spec; starts the embedded server where it is that.

    Raises:
        MissingPartError: a package or the weights are not installed.
        EndpointError: the endpoint cannot say which models it has, or the embedded server does not start.
        SettingsError: the spec makes no sense there.
    """
    if spec.is_embedded:
        return _embedded(spec, timeout)
    if spec.is_url:
        return _endpoint(spec, timeout)
    provider, _, model = spec.text.partition(":")
    if provider == "openai":
        return OpenAIWire(
            id=spec.text,
            model=model,
            where=f"{spec.base_url or 'OpenAI'} ({model})",
            base_url=spec.base_url,
            api_key=spec.api_key or NO_KEY,
            timeout=timeout,
            prices=spec.prices,
        )
    return _provider(spec, timeout)


def _embedded(spec: ModelSpec, timeout: float) -> Wire:
    from . import embedded

    connection = embedded.acquire(spec)
    return OpenAIWire(
        id=connection.model,
        model=connection.model,
        where="the embedded model",
        base_url=connection.url,
        api_key=connection.api_key,
        timeout=timeout,
        remedy="Its process is gone, likely for lack of memory (it takes 2 GB). Resume: it is started again.",
        on_close=lambda: embedded.release(connection),
    )


def _endpoint(spec: ModelSpec, timeout: float) -> Wire:
    url, _, model = spec.text.partition("#")
    url = url.rstrip("/")
    model = model or _only_model(url, spec.api_key)
    return OpenAIWire(
        id=model,
        model=model,
        where=f"{url} ({model})",
        base_url=url,
        api_key=spec.api_key or NO_KEY,
        timeout=timeout,
        prices=spec.prices,
    )


def _only_model(url: str, api_key: str | None) -> str:
    """The model of an endpoint that has one."""
    try:
        with http_client(url, 20.0) as http:
            response = http.get(f"{url}/models", headers={"Authorization": f"Bearer {api_key or NO_KEY}"})
            response.raise_for_status()
            models = [str(entry["id"]) for entry in response.json()["data"]]
    except (KeyError, TypeError, json.JSONDecodeError) as error:
        raise EndpointError(f"{url}/models does not list models. Name one: --llm {url}#MODEL.") from error
    except Exception as error:
        fault = classify(error)
        if fault is None and type(error).__name__ != "HTTPStatusError":
            raise
        hint = "Start it, or correct its address" if fault and fault.kind is Kind.UNREACHABLE else "See to it"
        raise EndpointError(
            f"{url} could not be asked for its models: {describe(error)}. {hint}, "
            f"or name one: --llm {url}#MODEL."
        ) from error
    if len(models) != 1:
        listed = ", ".join(sorted(models)[:10]) or "none"
        raise SettingsError(f"{url} has {len(models)} models ({listed}). Name one: --llm {url}#MODEL.")
    return models[0]


def _provider(spec: ModelSpec, timeout: float) -> Wire:
    """A model of any provider that LangChain knows."""
    try:
        init_chat_model = import_module("langchain.chat_models").init_chat_model
    except ImportError as error:
        raise MissingPartError(
            f"{spec.text} needs LangChain and the provider's package: `pip install langchain` and, "
            "for example, `pip install langchain-anthropic`."
        ) from error

    made: dict[tuple[int, float, float], BaseChatModel] = {}

    def model(max_tokens: int, temperature: float, top_p: float) -> "BaseChatModel":
        asked = (max_tokens, temperature, top_p)
        if asked not in made:
            options: dict[str, Any] = {"max_tokens": max_tokens, "temperature": temperature}
            if top_p != 1.0:  # some providers take only one of the two
                options["top_p"] = top_p
            made[asked] = init_chat_model(spec.text, timeout=timeout, max_retries=0, **options)
        return made[asked]

    try:
        model(16, 0.0, 1.0)
    except ImportError as error:
        raise MissingPartError(f"{spec.text} needs its provider's package: {describe(error)}") from error
    except ValueError as error:
        raise SettingsError(f"{spec.text} is not a model that LangChain knows: {describe(error)}") from error
    return LangChainWire(model, id=spec.text, prices=spec.prices)
