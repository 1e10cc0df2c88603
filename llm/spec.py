"""Which model to use, and why. The only place of the package that reads the environment for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ..taxonomy.errors import SettingsError

DEFAULT_OPENAI_MODEL = "gpt-4.1-mini"
SERVER_VARIABLE = "TNT_LLM_EMBEDDED_SERVER"
"""Set by a process that runs the embedded server, read by its children: ``URL API_KEY``."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Money per million tokens.

    Attributes:
        prompt: of tokens sent.
        cached: of tokens sent that the endpoint had cached.
        completion: of tokens written.
    """

    prompt: float
    cached: float
    completion: float

    def cost(self, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        """Money for so many tokens; `prompt_tokens` includes the cached ones."""
        fresh = max(0, prompt_tokens - cached_tokens)
        millions = fresh * self.prompt + cached_tokens * self.cached + completion_tokens * self.completion
        return millions / 1_000_000


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model by name, with what is needed to reach it.

    Attributes:
        text: ``embedded``, ``embedded:PATH.gguf``, ``embedded:hf:REPO/FILE``, ``openai:MODEL``,
            ``http://host:port/v1#MODEL``, or ``provider:MODEL``.
        reason: why this one, for people.
        api_key: sent to the endpoint; never shown.
        base_url: another address for ``openai:``.
        prices: to turn tokens into money, or None.
        cache: folder for the embedded weights.
        server: ``URL API_KEY`` of an embedded server that a parent process runs, or None.
    """

    text: str
    reason: str
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    prices: Prices | None = None
    cache: Path = Path("~/.cache/tnt-llm")
    server: str | None = field(default=None, repr=False)

    @property
    def is_embedded(self) -> bool:
        """Whether the model runs on this machine as a child of this process."""
        return self.text == "embedded" or self.text.startswith("embedded:")

    @property
    def is_url(self) -> bool:
        """Whether the model is named by the address of its endpoint."""
        return self.text.startswith(("http://", "https://"))


def choose_model(explicit: str | None, environ: Mapping[str, str]) -> ModelSpec:
    """The model that is named, else the one that the environment offers, else the embedded one.

    Args:
        explicit: what the user named, or None. Beats the environment.
        environ: read for ``OPENAI_API_KEY``, ``OPENAI_BASE_URL``, ``OPENAI_MODEL``, ``TNT_LLM_API_KEY`` (for
            http endpoints), ``TNT_LLM_GGUF``, ``TNT_LLM_PRICES`` (per million tokens: prompt, cached,
            completion) and ``XDG_CACHE_HOME``.

    Raises:
        SettingsError: `explicit` or a variable cannot be understood.
    """
    text, reason = _named(explicit.strip(), environ) if explicit and explicit.strip() else _offered(environ)
    is_http = text.startswith(("http://", "https://"))
    return ModelSpec(
        text=text,
        reason=reason,
        api_key=environ.get("TNT_LLM_API_KEY" if is_http else "OPENAI_API_KEY") or None,
        base_url=(environ.get("OPENAI_BASE_URL") or None) if text.startswith("openai:") else None,
        prices=_prices(environ.get("TNT_LLM_PRICES", "")),
        cache=_cache(environ),
        server=environ.get(SERVER_VARIABLE) or None,
    )


def _named(text: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """The spec a user gave, checked, and the reason."""
    if text == "embedded":
        gguf = environ.get("TNT_LLM_GGUF")
        return (f"embedded:{gguf}", "named, with the weights of TNT_LLM_GGUF") if gguf else (text, "named")
    if text.startswith(("http://", "https://")):
        if not urlsplit(text).hostname:
            raise SettingsError(
                f"The LLM {text!r} has no host. Write it like http://127.0.0.1:8000/v1#MODEL."
            )
        if "@" in urlsplit(text).netloc:
            # The text is stored with the run and printed: a secret in it would be too.
            raise SettingsError(
                "An LLM's address must not hold a user name or password: put the key into TNT_LLM_API_KEY."
            )
        return text, "named"
    provider, colon, model = text.partition(":")
    if not colon or not provider or not model:
        raise SettingsError(
            f"There is no LLM called {text!r}. Write embedded, embedded:PATH.gguf, openai:MODEL, "
            "http://host:port/v1#MODEL, or provider:MODEL."
        )
    if provider == "openai" and not environ.get("OPENAI_API_KEY"):
        raise SettingsError(f"{text} needs a key: set OPENAI_API_KEY, or use --llm embedded.")
    return text, "named"


def _offered(environ: Mapping[str, str]) -> tuple[str, str]:
    """The spec that the environment suggests, and the reason."""
    if environ.get("OPENAI_API_KEY"):
        model = environ.get("OPENAI_MODEL") or DEFAULT_OPENAI_MODEL
        return f"openai:{model}", "OPENAI_API_KEY is set"
    if environ.get("TNT_LLM_GGUF"):
        return f"embedded:{environ['TNT_LLM_GGUF']}", "TNT_LLM_GGUF is set"
    return "embedded", "no other LLM is named and OPENAI_API_KEY is not set"


def _prices(text: str) -> Prices | None:
    """Three numbers separated by commas, or nothing."""
    if not text.strip():
        return None
    try:
        prompt, cached, completion = (float(part) for part in text.split(","))
    except ValueError:
        raise SettingsError(
            f"TNT_LLM_PRICES is {text!r}; it takes three numbers per million tokens: "
            "prompt,cached,completion (for example 0.4,0.1,1.6)."
        ) from None
    return Prices(prompt, cached, completion)


def _cache(environ: Mapping[str, str]) -> Path:
    """The user's cache folder for this program; ``~`` is expanded where it is used."""
    home = environ.get("XDG_CACHE_HOME")
    return Path(home) / "tnt-llm" if home else Path("~/.cache/tnt-llm")
