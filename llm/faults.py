"""What went wrong with a call, by kind, whichever library raised it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

_SECRET = re.compile(r"\b(sk-|key-|Bearer\s+)[A-Za-z0-9_\-*.]{6,}")


class Kind(StrEnum):
    """What a fault says about the next call."""

    UNUSABLE = "unusable"
    """Every call would fail: wrong key, unknown model, no credit."""
    REJECTED = "rejected"
    """This request is not taken as it is; another may be."""
    BUSY = "busy"
    """Too many requests: wait."""
    UNREACHABLE = "unreachable"
    """Nothing answers at that address."""
    TRANSIENT = "transient"
    """A time-out, a server error or a mangled answer: try again."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One failed call.

    Attributes:
        kind: what it says about the next call.
        detail: the reason, short, without secrets.
        status: HTTP status where there was one.
        retry_after: seconds that the endpoint asks to wait.
        parameter: name of the request's parameter that the endpoint does not take.
    """

    kind: Kind
    detail: str
    status: int | None = None
    retry_after: float | None = None
    parameter: str | None = None


def classify(error: Exception, secret: str | None = None) -> Fault | None:
    """The fault behind an exception of a chat model, or None when it is not one of a call (a bug, say).

    Rests on the status code where there is one, else on the names that the clients of all providers share.

    Args:
        error: what was raised.
        secret: the API key; some endpoints repeat it, the fault does not.
    """
    detail = describe(error, secret)
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _by_status(status, error, detail)
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & {"APITimeoutError", "ModelTimeoutError", "TimeoutException", "TimeoutError"}:
        return Fault(Kind.TRANSIENT, f"no answer in time ({detail})")
    if names & {"APIConnectionError", "ModelConnectionError", "TransportError", "ConnectionError"}:
        return Fault(Kind.UNREACHABLE if _never_connected(error) else Kind.TRANSIENT, detail)
    if "ContextOverflowError" in names:
        return Fault(Kind.REJECTED, detail)
    if names & {"ModelAuthenticationError", "ModelPermissionDeniedError", "ModelNotFoundError"}:
        return Fault(Kind.UNUSABLE, detail)
    if "ModelRateLimitError" in names:
        return Fault(Kind.BUSY, detail)
    if "ModelInvalidRequestError" in names:
        return Fault(Kind.REJECTED, detail)
    if names & {"ModelAPIError", "APIError", "MangledAnswer"}:
        return Fault(Kind.TRANSIENT, detail)
    return None


class MangledAnswer(Exception):  # noqa: N818 - never leaves the room
    """The endpoint answered something that is not an answer of a chat model."""


def describe(error: BaseException, secret: str | None = None) -> str:
    """The message of an exception and of what caused it, on one line, at most 300 characters, no secrets."""
    text = str(error) or type(error).__name__
    cause = error.__cause__
    while cause is not None:
        if str(cause) and str(cause) not in text:
            text = f"{text} {cause}"
        cause = cause.__cause__
    if secret:
        text = text.replace(secret, "(secret)")
    return shorten(_SECRET.sub("(secret)", text))


def shorten(text: str, limit: int = 300) -> str:
    """`text` on one line of at most `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _by_status(status: int, error: Exception, detail: str) -> Fault:
    """The fault of an HTTP status."""
    code = str(getattr(error, "code", None) or "")
    parameter = getattr(error, "param", None)
    if status == 429 and code != "insufficient_quota":
        return Fault(Kind.BUSY, detail, status, retry_after=_retry_after(error))
    if status in (401, 402, 403, 404, 405, 429) or code == "model_not_found":
        return Fault(Kind.UNUSABLE, detail, status)
    if status in (408, 409, 425) or status >= 500:
        return Fault(Kind.TRANSIENT, detail, status, retry_after=_retry_after(error))
    return Fault(Kind.REJECTED, detail, status, parameter=parameter if isinstance(parameter, str) else None)


def _never_connected(error: BaseException) -> bool:
    """Whether the connection was refused or the host is unknown, rather than lost on the way."""
    seen: BaseException | None = error
    while seen is not None:
        if type(seen).__name__ == "ConnectError" or isinstance(seen, ConnectionRefusedError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def _retry_after(error: Exception) -> float | None:
    """Seconds of a ``Retry-After`` header: a number, or a date."""
    headers: Mapping[str, Any] = getattr(getattr(error, "response", None), "headers", None) or {}
    value = headers.get("retry-after")
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
