"""The ways in which a stub endpoint misbehaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Status:
    """An HTTP error; `body` is the ``error`` object's message, code and param."""

    code: int
    message: str = "as told"
    error_code: str | None = None
    param: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hang:
    """No answer for so many seconds (or until the stub closes), then the connection ends."""

    seconds: float = 3600.0


@dataclass(frozen=True)
class Slow:
    """The answer after so many seconds."""

    seconds: float
    text: str = "late"


@dataclass(frozen=True)
class Truncated:
    """The body ends before the length that its header promises."""


@dataclass(frozen=True)
class CutJson:
    """A body of the promised length that is the first half of a JSON text."""


@dataclass(frozen=True)
class Empty:
    """An answer with no text in it; `body` for a response with no body at all."""

    body: bool = False


@dataclass(frozen=True)
class Trickle:
    """A body that never ends, a byte at a time."""

    pause: float = 0.02


@dataclass(frozen=True)
class Flood:
    """A body that never ends, as fast as it can be read."""


@dataclass(frozen=True)
class Endless:
    """A text as long as the request allows, ended by `max_tokens`; 100,000 words without one."""


@dataclass(frozen=True)
class NotJson:
    """An HTML page with status 200."""


@dataclass(frozen=True)
class Drop:
    """The connection ends without an answer."""


Fault = Status | Hang | Slow | Truncated | CutJson | Empty | Trickle | Flood | Endless | NotJson | Drop
