"""What is asked of a model."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

Message = tuple[str, str]
"""(role, content); role is "system", "user" or "assistant"."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a model, whole.

    Attributes:
        stage: the line of the ledger that pays; not part of the key.
        messages: (role, content) pairs.
        max_tokens: the most that may be written; always sent.
        temperature: 0 for the likeliest answer.
        top_p: nucleus of the sampling.
        schema: JSON schema of the object wanted, or None for free text.
        top_logprobs: how many alternatives of the first token to report; 0 for none.
        draw: number of the sample, so that equal questions in different trials do not share an answer.
    """

    stage: str
    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    schema: Mapping[str, Any] | None = None
    top_logprobs: int = 0
    draw: int = 0

    def key(self, model_id: str) -> str:
        """SHA-256, hexadecimal, over the model and everything here but `stage`."""
        content = [
            model_id,
            [list(message) for message in self.messages],
            self.max_tokens,
            float(self.temperature),
            float(self.top_p),
            self.schema,
            self.top_logprobs,
            self.draw,
        ]
        # ensure_ascii keeps lone surrogates, which documents may hold, encodable.
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return sha256(text.encode()).hexdigest()

    def followed_by(self, *messages: Message, max_tokens: int | None = None) -> "Request":
        """The same request with `messages` appended."""
        return replace(self, messages=self.messages + messages, max_tokens=max_tokens or self.max_tokens)
