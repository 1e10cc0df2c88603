"""Where answers are kept, so that nothing is asked or paid twice."""

import threading
from collections.abc import Mapping
from typing import Protocol

from .answer import Usage

UsageRow = tuple[int, int, int, int, float, float]
"""calls, prompt tokens, cached tokens, completion tokens, seconds, cost."""


class AnswerStore(Protocol):
    """A response cache that is also the ledger. Called from several threads at once."""

    def get(self, key: str) -> str | None:
        """The payload kept under `key`, or None."""
        ...

    def put(
        self,
        key: str,
        payload: str,
        *,
        model: str,
        stage: str,
        prompt_tokens: int,
        cached_tokens: int,
        completion_tokens: int,
        seconds: float,
        cost: float,
    ) -> None:
        """Keep `payload` durably before returning (the first writer of a key wins) and charge `stage`."""
        ...

    def usage(self) -> Mapping[str, UsageRow]:
        """What this run has paid, by stage; what was served from the store costs nothing."""
        ...


class MemoryStore:
    """An `AnswerStore` that lives as long as the object."""

    def __init__(self) -> None:
        self._payloads: dict[str, str] = {}
        self._usage: dict[str, UsageRow] = {}
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """How many answers are kept. (No ``__len__``: an empty store must not be false.)"""
        return len(self._payloads)

    def get(self, key: str) -> str | None:
        """The payload kept under `key`, or None."""
        return self._payloads.get(key)

    def put(
        self,
        key: str,
        payload: str,
        *,
        model: str,  # noqa: ARG002 - part of the protocol; a store in memory has no table of models
        stage: str,
        prompt_tokens: int,
        cached_tokens: int,
        completion_tokens: int,
        seconds: float,
        cost: float,
    ) -> None:
        """Keep `payload` (the first writer of a key wins) and charge `stage`."""
        with self._lock:
            self._payloads.setdefault(key, payload)
            calls, prompt, cached, completion, time, money = self._usage.get(stage, (0, 0, 0, 0, 0.0, 0.0))
            self._usage[stage] = (
                calls + 1,
                prompt + prompt_tokens,
                cached + cached_tokens,
                completion + completion_tokens,
                time + seconds,
                money + cost,
            )

    def usage(self) -> Mapping[str, UsageRow]:
        """What has been paid, by stage."""
        with self._lock:
            return dict(self._usage)


def total(usage: Mapping[str, UsageRow]) -> Usage:
    """All stages together."""
    return sum((Usage(*row) for row in usage.values()), Usage())
