"""What a model answered, and what that cost."""

import json
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Usage:
    """What some calls cost together.

    Attributes:
        calls: requests that reached the endpoint and were answered.
        prompt_tokens: tokens sent, cached ones included.
        cached_tokens: those of them that the endpoint had cached.
        completion_tokens: tokens written.
        seconds: sum of the time that the calls took; with concurrent calls more than the clock says.
        cost: money, in the currency of the prices given; 0 where no price is known.
    """

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.cached_tokens + other.cached_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            self.cost + other.cost,
        )

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together: what a budget counts."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a model.

    Attributes:
        text: what it wrote; for a structured request the JSON text, whichever way it came.
        top_logprobs: (token, natural logarithm of its probability) of the first token's alternatives, the
            likeliest first; empty when not asked for or when the endpoint has none.
        finish_reason: "stop", "length" when it was cut at `max_tokens`, or what else the endpoint says.
        usage: what it cost when it was made.
    """

    text: str
    top_logprobs: tuple[tuple[str, float], ...] = ()
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)

    @property
    def was_cut(self) -> bool:
        """Whether `max_tokens` ended the answer."""
        return self.finish_reason == "length"

    def to_json(self) -> str:
        """One line of JSON, the payload that an `AnswerStore` keeps."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, payload: str) -> "Answer":
        """The answer that `to_json` wrote. Raises ValueError, KeyError or TypeError on anything else."""
        fields = json.loads(payload)
        return cls(
            text=fields["text"],
            top_logprobs=tuple((str(token), float(value)) for token, value in fields["top_logprobs"]),
            finish_reason=fields["finish_reason"],
            usage=Usage(**fields["usage"]),
        )
