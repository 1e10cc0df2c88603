"""The HTTP client below the OpenAI client: an answer that never ends is cut off."""

import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx2

MAX_ANSWER_BYTES = 32 * 1024 * 1024
"""More than any answer of `max_tokens` tokens takes, alternatives included."""


def http_client(base_url: str | None, timeout: float) -> httpx2.Client:
    """A client for one endpoint.

    The timeout of HTTP clients counts between two bytes, so an endpoint that trickles could hold a call for
    ever: here the body must also be whole within `timeout` seconds of its headers, and be of sane size.
    Proxies of the environment are not used for loopback addresses.

    Args:
        base_url: the endpoint, None for OpenAI's.
        timeout: seconds.
    """

    def bound(response: httpx2.Response) -> None:
        response.stream = _Bounded(response.stream, time.monotonic() + timeout)

    return httpx2.Client(
        timeout=httpx2.Timeout(timeout, connect=min(timeout, 10.0)),
        limits=httpx2.Limits(max_connections=256, max_keepalive_connections=64),
        follow_redirects=True,
        event_hooks={"response": [bound]},
        trust_env=not is_loopback(base_url),
    )


def is_loopback(url: str | None) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url or "").hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _Bounded(httpx2.SyncByteStream):
    """A body that raises when it takes too long or grows too large."""

    def __init__(self, stream: Any, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._stream:
            size += len(chunk)
            if size > MAX_ANSWER_BYTES:
                raise httpx2.ReadError(f"the answer is longer than {MAX_ANSWER_BYTES:,} bytes")
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the answer did not end in time")
            yield chunk

    def close(self) -> None:
        self._stream.close()
