"""Embeddings of an OpenAI-compatible endpoint: `openai:MODEL` and `http://host:port/v1#MODEL`.

The key comes from the environment, is sent to that endpoint and to nobody else, and is stored nowhere.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from ...llm.faults import Fault, Kind, MangledAnswer, classify, shorten
from ...llm.transport import http_client
from ...taxonomy.errors import EndpointError, SettingsError
from ..features import Vectors

if TYPE_CHECKING:
    from openai import OpenAI

_log = logging.getLogger(__name__)

OPENAI = "openai:"
_TEXTS = 128
_CHARACTERS = 100_000  # of a request; below what any endpoint takes
_LONGEST = 16_000  # of a text: some 4,000 tokens of English, beyond which embeddings say little more
_SHORTEST = 1_000  # a text is not cut further than this
_LONGEST_WAIT = 60.0


def open_endpoint(spec: str, environ: Mapping[str, str]) -> "EndpointEncoder":
    """The encoder of an endpoint; nothing is sent yet.

    Args:
        spec: ``openai:MODEL`` or ``http://host:port/v1#MODEL``.
        environ: read for ``OPENAI_API_KEY`` and ``OPENAI_BASE_URL``, or, for an address, ``TNT_LLM_API_KEY``.

    Raises:
        SettingsError: the spec lacks the model or the host, holds a password, or its key is not set.
    """
    if spec.startswith(OPENAI):
        model = spec.removeprefix(OPENAI)
        key = environ.get("OPENAI_API_KEY")
        if not model:
            raise SettingsError(f"the encoder {spec!r} names no model: write openai:text-embedding-3-small")
        if not key:
            raise SettingsError(
                f"the encoder {spec!r} needs a key: set OPENAI_API_KEY, or name 'minilm' or 'static', "
                "which run on this machine"
            )
        return EndpointEncoder(spec, model, environ.get("OPENAI_BASE_URL") or None, key)
    url, _, model = spec.partition("#")
    if not urlsplit(url).hostname or not model:
        raise SettingsError(
            f"the encoder {spec!r} is not complete: write it like http://127.0.0.1:8000/v1#MODEL"
        )
    if "@" in urlsplit(url).netloc:
        # The spec is stored with the run and the classifier, and printed: a secret in it would be too.
        raise SettingsError(
            "an encoder's address must not hold a user name or password: put the key into TNT_LLM_API_KEY"
        )
    return EndpointEncoder(spec, model, url.rstrip("/"), environ.get("TNT_LLM_API_KEY") or "none")


class EndpointEncoder:
    """Vectors that an endpoint makes.

    A blank text is not sent, since endpoints refuse it: its row is zero. A long text is cut at 16,000 characters,
    and further where the endpoint refuses it; how far does not depend on its neighbours.

    Args:
        spec: what this encoder is known by; holds no key.
        model: the model's name at the endpoint.
        url: address of the endpoint, None for OpenAI's.
        key: what the endpoint wants as API key.
        timeout: seconds for one request.
        retries: how often a request is sent again after a fault that may pass.
        backoff: seconds before the first of these; doubled each time.
    """

    def __init__(
        self,
        spec: str,
        model: str,
        url: str | None,
        key: str,
        *,
        timeout: float = 120.0,
        retries: int = 5,
        backoff: float = 1.0,
    ) -> None:
        self.id = spec
        self.dimension: int | None = None
        self._model = model
        self._url = url
        self._key = key
        self._timeout = timeout
        self._retries = retries
        self._backoff = backoff
        self._http = http_client(url, timeout)

    def __repr__(self) -> str:
        return f"EndpointEncoder({self.id!r})"

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, float32 [n, d], rows L2-normalised or zero.

        Raises:
            EndpointError: the endpoint refuses, does not answer, or answers with something else than vectors.
        """
        ready = [text.encode("utf-8", "replace").decode("utf-8")[:_LONGEST] for text in texts]
        asked = [number for number, text in enumerate(ready) if text.strip()]
        made: list[Vectors] = []
        for batch in _batches([ready[number] for number in asked]):
            made += self._embed(batch)
        vectors = np.zeros((len(texts), self.dimension or 0), dtype=np.float32)
        if made:
            vectors[asked] = np.stack(made)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(norms > 0, norms, 1), dtype=np.float32)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _embed(self, texts: list[str]) -> list[Vectors]:
        """Vectors of some texts that fit into one request."""
        found = self._ask(texts)
        if not isinstance(found, Fault):
            return found
        if len(texts) > 1 and any(len(text) > _SHORTEST for text in texts):
            # A text that is too long spoils the request: each goes alone, so that only that one is cut.
            return [vector for text in texts for vector in self._embed([text])]
        if len(texts) == 1 and len(texts[0]) > _SHORTEST:
            return self._embed([texts[0][: max(_SHORTEST, len(texts[0]) // 2)]])
        raise EndpointError(
            f"{self._where} rejected the texts: {found.detail}. Check that {self._model} is a model for embeddings."
        )

    def _ask(self, texts: list[str]) -> list[Vectors] | Fault:
        """The vectors, or the fault when the endpoint does not take these texts.

        Raises:
            EndpointError: it takes none.
        """
        attempt = 0
        while True:
            try:
                return self._send(texts)
            except Exception as error:
                fault = classify(error, self._key if len(self._key) > 7 else None)
                if fault is None:
                    raise
                if fault.kind is Kind.REJECTED:
                    return fault
                if fault.kind is Kind.UNUSABLE or attempt >= self._retries:
                    raise EndpointError(self._given_up(fault, attempt + 1)) from error
            seconds = min(self._backoff * 2.0**attempt, _LONGEST_WAIT)
            if fault.retry_after is not None:
                seconds = min(fault.retry_after, 10 * _LONGEST_WAIT)
            _log.info("%s: %s; trying again in %.1f s", self._where, fault.detail, seconds)
            time.sleep(seconds)
            attempt += 1

    def _send(self, texts: list[str]) -> list[Vectors]:
        """One request.

        Raises:
            MangledAnswer: what came is not one vector for each text.
            Exception: whatever the client raises.
        """
        try:
            answer = self._client.embeddings.create(model=self._model, input=texts, encoding_format="float")
            entries = sorted(answer.data, key=lambda entry: entry.index)
            vectors = [np.asarray(entry.embedding, dtype=np.float32) for entry in entries]
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise MangledAnswer(f"the answer holds no embeddings: {shorten(str(error))}") from error
        widths = {vector.shape for vector in vectors}
        if len(vectors) != len(texts) or len(widths) != 1 or not all(np.isfinite(v).all() for v in vectors):
            raise MangledAnswer(f"{len(vectors)} embeddings came for {len(texts)} texts, or not of one width")
        width = vectors[0].size
        if self.dimension not in (None, width):
            raise EndpointError(
                f"{self._where} answered with {width} dimensions, before with {self.dimension}: it runs another "
                "model now. Start again with the classifier that is trained from it."
            )
        self.dimension = width
        return vectors

    @property
    def _where(self) -> str:
        return f"{self._url or 'OpenAI'} ({self._model})"

    @cached_property
    def _client(self) -> "OpenAI":
        from openai import OpenAI

        options: dict[str, Any] = {"base_url": self._url or "https://api.openai.com/v1"}
        return OpenAI(
            api_key=self._key, max_retries=0, timeout=self._timeout, http_client=self._http, **options
        )

    def _given_up(self, fault: Fault, tries: int) -> str:
        if fault.status in (401, 403):
            remedy = "Check the API key (OPENAI_API_KEY; TNT_LLM_API_KEY for an http address)."
        elif fault.kind is Kind.UNUSABLE:
            remedy = "Check the model's name, the address (often it ends in /v1), and the credit."
        elif fault.kind is Kind.UNREACHABLE:
            remedy = "Start it, or correct its address."
        else:
            remedy = "See to the endpoint, or wait."
        return f"{self._where} gave no embeddings in {tries} tries: {fault.detail}. {remedy}"


def _batches(texts: list[str]) -> list[list[str]]:
    """The texts in order, as many together as a request may hold."""
    batches: list[list[str]] = []
    size = 0
    for text in texts:
        if not batches or len(batches[-1]) >= _TEXTS or size + len(text) > _CHARACTERS:
            batches.append([])
            size = 0
        batches[-1].append(text)
        size += len(text)
    return batches
