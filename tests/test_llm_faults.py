"""What an exception of a chat model means for the next call, whichever provider raised it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest
from langchain_core import exceptions as langchain
from tnt_llm.llm.faults import Kind, MangledAnswer, classify, describe, shorten


class HttpError(Exception):
    """As the clients of most providers: a status code, and perhaps more."""

    def __init__(self, status_code: int, code: str | None = None, retry_after: str | None = None) -> None:
        super().__init__(f"Error code: {status_code}")
        self.status_code = status_code
        self.code = code
        self.param = "temperature" if status_code == 400 else 3
        self.response = SimpleNamespace(headers={"retry-after": retry_after} if retry_after else {})


class APIConnectionError(Exception):
    """As the clients of OpenAI and Anthropic call it."""


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (HttpError(400), Kind.REJECTED),
        (HttpError(413), Kind.REJECTED),
        (HttpError(401), Kind.UNUSABLE),
        (HttpError(403), Kind.UNUSABLE),
        (HttpError(404), Kind.UNUSABLE),
        (HttpError(400, "model_not_found"), Kind.UNUSABLE),
        (HttpError(429), Kind.BUSY),
        (HttpError(429, "insufficient_quota"), Kind.UNUSABLE),
        (HttpError(408), Kind.TRANSIENT),
        (HttpError(500), Kind.TRANSIENT),
        (HttpError(529), Kind.TRANSIENT),
        (TimeoutError("slow"), Kind.TRANSIENT),
        (ConnectionResetError("reset"), Kind.TRANSIENT),
        (ConnectionRefusedError("refused"), Kind.UNREACHABLE),
        (APIConnectionError("lost"), Kind.TRANSIENT),
        (MangledAnswer("html"), Kind.TRANSIENT),
        (langchain.ModelTimeoutError("slow"), Kind.TRANSIENT),
        (langchain.ModelConnectionError("lost"), Kind.TRANSIENT),
        (langchain.ModelAPIError("500"), Kind.TRANSIENT),
        (langchain.ModelRateLimitError("429"), Kind.BUSY),
        (langchain.ModelInvalidRequestError("400"), Kind.REJECTED),
        (langchain.ContextOverflowError("long"), Kind.REJECTED),
        (langchain.ModelAuthenticationError("401"), Kind.UNUSABLE),
        (langchain.ModelNotFoundError("404"), Kind.UNUSABLE),
    ],
    ids=repr,
)
def test_the_kind_follows_from_the_status_or_the_name(error: Exception, kind: Kind) -> None:
    fault = classify(error)
    assert fault is not None
    assert fault.kind is kind


def test_a_bug_is_no_fault_of_a_call() -> None:
    assert classify(ZeroDivisionError()) is None
    assert classify(RuntimeError("who knows")) is None


def test_a_connection_that_was_never_made_is_told_by_its_cause() -> None:
    error = APIConnectionError("Connection error.")
    error.__cause__ = ConnectionRefusedError(111, "Connection refused")
    fault = classify(error)
    assert fault is not None
    assert fault.kind is Kind.UNREACHABLE
    assert "Connection refused" in fault.detail


def test_the_parameter_is_kept_when_it_is_a_name() -> None:
    rejected, other = classify(HttpError(400)), classify(HttpError(422))
    assert rejected is not None
    assert other is not None
    assert (rejected.parameter, other.parameter) == ("temperature", None)


def test_the_time_to_wait_is_seconds_or_a_date() -> None:
    def wait(value: str | None) -> float | None:
        fault = classify(HttpError(429, retry_after=value))
        assert fault is not None
        return fault.retry_after

    assert wait("2.5") == 2.5
    assert wait("-3") == 0.0
    assert wait(None) is None
    assert wait("soon") is None
    later = wait(format_datetime(datetime.now(UTC) + timedelta(seconds=100)))
    assert later is not None
    assert 90 < later <= 100


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Incorrect API key provided: sk-proj-abc_DEF-123456", "sk-proj-abc_DEF-123456"),
        ("header was Bearer abcdefgh12345", "abcdefgh12345"),
        ("you sent hunter2hunter2", "hunter2hunter2"),
    ],
)
def test_secrets_are_not_described(text: str, secret: str) -> None:
    described = describe(ValueError(text), "hunter2hunter2")
    assert secret not in described
    assert "(secret)" in described


def test_a_description_is_one_short_line_and_names_an_error_without_a_message() -> None:
    assert describe(ValueError()) == "ValueError"
    assert describe(ValueError("a\nb")) == "a b"
    assert len(describe(ValueError("word " * 1000))) == 300
    assert shorten("abc", 2) == "a…"
