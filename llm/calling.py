"""One call until it succeeds or is given up: retries, waiting, and telling a bad call from a bad endpoint."""

import logging
import threading
import time

from ..taxonomy.errors import CallError, EndpointError, Stopped
from .answer import Answer
from .faults import Fault, Kind, classify
from .request import Request
from .structured import Method
from .wire import Wire

_log = logging.getLogger(__name__)

LONGEST_WAIT = 60.0
"""Seconds; where an endpoint names no time, waits grow up to this."""
LONGEST_RETRY_AFTER = 600.0
"""Seconds; an endpoint that asks for more has a quota that is spent."""
FAILURES_IN_A_ROW = 5
"""So many calls given up one after the other mean that it is the endpoint, not the calls."""
REJECTIONS_AT_FIRST = 10
"""So many requests rejected, and none ever answered, mean that this endpoint takes none of ours."""


class TransportError(CallError):
    """A call that failed on the way. Whether the fault was its own shows when others succeed or fail."""


class Caller:
    """Calls one wire from many threads.

    Args:
        wire: what carries the requests.
        retries: how often a call is tried again.
        backoff: seconds before the first retry; doubled each time.
        stop: set from outside to end all waiting.
    """

    def __init__(self, wire: Wire, *, retries: int, backoff: float, stop: threading.Event) -> None:
        self._wire = wire
        self._retries = retries
        self._backoff = backoff
        self._stop = stop
        self._lock = threading.Lock()
        self._not_before = 0.0  # all threads wait when the endpoint asks one of them to
        self._failures = 0
        self._rejections = 0
        self._answered = False
        self._without: frozenset[str] = frozenset()

    def call(self, request: Request, method: Method) -> Answer:
        """Ask until there is an answer.

        Raises:
            EndpointError: no call can succeed.
            CallError: this one cannot, or did not after all retries.
            Stopped: `stop` was set.
        """
        attempt = 0
        while True:
            self._wait_turn()
            without = self._without
            try:
                answer = self._wire.send(request, method, without)
            except Exception as error:
                fault = classify(error, self._wire.secret)
                if fault is None:
                    raise
                if self._drops(fault, without):
                    continue
                if self._is_final(fault, attempt):
                    raise self._given_up(fault, attempt + 1) from error
                self._delay(fault, attempt, request)
                attempt += 1
            else:
                with self._lock:
                    self._failures = 0
                    self._answered = True
                return answer

    def check_stop(self) -> None:
        """Raise Stopped when asked to stop."""
        if self._stop.is_set():
            raise Stopped(
                "Stopped as asked, after the last answer was committed. Resume to go on from there."
            )

    def _wait_turn(self) -> None:
        """Wait until the endpoint may be called again."""
        self.check_stop()
        while (left := self._not_before - time.monotonic()) > 0:
            self._stop.wait(left)
            self.check_stop()

    def _drops(self, fault: Fault, without: frozenset[str]) -> bool:
        """Leave out a parameter that the endpoint does not take; whether asking again makes sense.

        Reasoning models refuse temperature, top_p and logprobs by name.
        """
        optional = {"temperature", "top_p", "logprobs", "top_logprobs"}
        if fault.kind is not Kind.REJECTED or fault.parameter not in optional or fault.parameter in without:
            return False
        dropped = {"logprobs", "top_logprobs"} if "logprobs" in fault.parameter else {fault.parameter}
        _log.warning(
            "%s does not take %s: left out from here on", self._wire.where, ", ".join(sorted(dropped))
        )
        with self._lock:
            self._without |= dropped
        return True

    def _is_final(self, fault: Fault, attempt: int) -> bool:
        """Whether not to try again."""
        if fault.kind in (Kind.UNUSABLE, Kind.REJECTED):
            return True
        if (fault.retry_after or 0.0) > LONGEST_RETRY_AFTER:
            return True
        # Limits are counted by the minute: two more tries reach over one.
        return attempt >= self._retries + (2 if fault.kind is Kind.BUSY else 0)

    def _delay(self, fault: Fault, attempt: int, request: Request) -> None:
        """Wait before trying again; the other threads too where the endpoint is busy."""
        seconds = min(self._backoff * 2.0**attempt, LONGEST_WAIT)
        # Spread by content rather than by chance: runs stay repeatable, callers do not come back all at once.
        seconds *= 1 + int(request.key("")[:2], 16) / 512
        if fault.retry_after is not None:
            seconds = fault.retry_after
        _log.info("%s: %s; trying again in %.1f s", self._wire.where, fault.detail, seconds)
        if fault.kind is Kind.BUSY:
            with self._lock:
                self._not_before = max(self._not_before, time.monotonic() + seconds)
            return
        self._stop.wait(seconds)

    def _given_up(self, fault: Fault, tries: int) -> CallError | EndpointError:
        """The error to raise for a final fault."""
        where = self._wire.where
        if fault.kind is Kind.UNUSABLE:
            return EndpointError(f"{where} refuses to work: {fault.detail}. {_remedy(fault)}")
        if fault.kind is Kind.UNREACHABLE:
            return EndpointError(
                f"Nothing answers at {where} ({fault.detail}; {tries} tries). {self._wire.remedy}"
            )
        if fault.kind is Kind.BUSY:
            return EndpointError(
                f"{where} keeps answering that there are too many requests ({fault.detail}; {tries} tries). "
                "Wait for the limit to end or lower the concurrency, then resume: nothing finished is lost."
            )
        with self._lock:
            if fault.kind is Kind.TRANSIENT:
                self._failures += 1
            else:
                self._rejections += 1
            in_a_row, hopeless = (
                self._failures,
                not self._answered and self._rejections >= REJECTIONS_AT_FIRST,
            )
        if fault.kind is Kind.TRANSIENT and in_a_row >= FAILURES_IN_A_ROW:
            return EndpointError(
                f"{where} failed {in_a_row} calls in a row, each after {tries} tries; the last: "
                f"{fault.detail}. See to the endpoint, then resume: nothing finished is lost."
            )
        if fault.kind is Kind.REJECTED and hopeless:
            return EndpointError(
                f"{where} rejected the first {self._rejections} requests; the last: {fault.detail}. "
                "Check that the model is one for chat and its context is large enough."
            )
        if fault.kind is Kind.REJECTED:
            return CallError(f"{where} rejected the request: {fault.detail}")
        return TransportError(f"{where} gave no answer in {tries} tries: {fault.detail}")


def _remedy(fault: Fault) -> str:
    """What to do about an endpoint that refuses everything."""
    if fault.status in (401, 403):
        return "Check the API key (OPENAI_API_KEY; TNT_LLM_API_KEY for an http address) and what it may use."
    if fault.status in (404, 405):
        return "Check the model's name, and that the address ends as the server wants it (often /v1)."
    if fault.status in (402, 429):
        return "Its credit or quota is spent: top it up, or name another LLM, then resume."
    return "Check the model's name and the key."
