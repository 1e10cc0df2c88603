"""What was: the checkpoints of a thread, read row by row and never all at once, and the versions that they name."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .database import Database
from .saver import open_saver

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver

Outline = Mapping[str, int]
"""A taxonomy in short: category id -> a number that changes with its name, description or parent. The numbers mean
nothing outside this process."""

INTERRUPT = "__interrupt__"
"""The channel of the writes that hold what a node asked."""

_START, _TASKS, _TO = "__start__", "__pregel_tasks", "branch:to:"
_COLUMNS = "checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata"
_THREAD = "thread_id = ? AND checkpoint_ns = ''"
_BODIES = 16
"""Version bodies in memory at a time: one of hundreds of categories is large."""


@dataclass(frozen=True, slots=True)
class StoredStep:
    """One checkpoint.

    Attributes:
        id: ids grow with time.
        parent: id of the one before it, which may be pruned; None for a thread's first.
        step: LangGraph's number: -1 for the first input, and up.
        time: when it was written, ISO 8601, UTC.
        values: the state.
        next: the nodes that it leads to, an entry a task; as `StateSnapshot.next`.
    """

    id: str
    parent: str | None
    step: int
    time: str
    values: Mapping[str, Any]
    next: tuple[str, ...]


class Thread:
    """The checkpoints of one thread; made by `open_thread`."""

    def __init__(self, saver: "SqliteSaver", thread: str) -> None:
        self._saver = saver
        self._thread = thread

    def steps(self, *, limit: int | None = None) -> Iterator[StoredStep]:
        """All of them, or the newest `limit`, the newest last; one in memory at a time."""
        first = ""
        if limit is not None:
            oldest = self._saver.conn.execute(
                f"SELECT checkpoint_id FROM checkpoints WHERE {_THREAD} "
                "ORDER BY checkpoint_id DESC LIMIT 1 OFFSET ?",
                (self._thread, limit - 1),
            ).fetchone()
            first = oldest[0] if oldest else ""
        yield from self._read(f"{_THREAD} AND checkpoint_id >= ? ORDER BY checkpoint_id", first)

    def at(self, step: int) -> StoredStep | None:
        """The one of this number; None where there is none."""
        number = "json_extract(CAST(metadata AS TEXT), '$.step')"
        found = self._read(f"{_THREAD} AND {number} = ? ORDER BY checkpoint_id DESC LIMIT 1", step)
        return next(found, None)

    def get(self, checkpoint_id: str) -> StoredStep | None:
        """The one of this id; None where there is none."""
        return next(self._read(f"{_THREAD} AND checkpoint_id = ?", checkpoint_id), None)

    def newest(self) -> StoredStep | None:
        """The last one; None before the first."""
        return next(self.steps(limit=1), None)

    def numbers(self) -> list[int]:
        """The numbers of all steps, ascending."""
        rows = self._saver.conn.execute(
            f"SELECT json_extract(CAST(metadata AS TEXT), '$.step') FROM checkpoints WHERE {_THREAD} "
            "ORDER BY checkpoint_id",
            (self._thread,),
        )
        return [row[0] for row in rows]

    def asked(self) -> set[str]:
        """Ids of the checkpoints at which a node asked its user, answered or not."""
        rows = self._saver.conn.execute(
            f"SELECT DISTINCT checkpoint_id FROM writes WHERE {_THREAD} AND channel = ?",
            (self._thread, INTERRUPT),
        )
        return {row[0] for row in rows}

    def questions(self, checkpoint_id: str) -> list[Any]:
        """What was asked at a checkpoint: the values of its interrupts."""
        rows = self._saver.conn.execute(
            f"SELECT type, value FROM writes WHERE {_THREAD} AND channel = ? AND checkpoint_id = ? "
            "ORDER BY task_path, task_id",
            (self._thread, INTERRUPT, checkpoint_id),
        ).fetchall()
        return [each.value for row in rows for each in self._saver.serde.loads_typed(row)]

    def _read(self, where: str, value: object) -> Iterator[StoredStep]:
        rows = self._saver.conn.execute(
            f"SELECT {_COLUMNS} FROM checkpoints WHERE {where}", (self._thread, value)
        )
        for checkpoint_id, parent, kind, blob, metadata in rows:
            checkpoint = self._saver.serde.loads_typed((kind, blob))
            channels = checkpoint["channel_values"]
            yield StoredStep(
                id=checkpoint_id,
                parent=parent,
                step=json.loads(metadata)["step"],
                time=checkpoint["ts"],
                values=state_of(channels),
                next=_next(channels),
            )


@contextmanager
def open_thread(path: Path, thread: str) -> Iterator[Thread | None]:
    """A thread of a file of checkpoints, to be read while the block lasts; None where there is no such file yet.

    Raises:
        StorageError: the file cannot be read.
    """
    if not path.exists():
        yield None
        return
    with open_saver(path) as saver:
        yield Thread(saver, thread)


def state_of(channels: Mapping[str, Any]) -> dict[str, Any]:
    """The state among a checkpoint's channels: without those that LangGraph keeps for itself."""
    return {name: value for name, value in channels.items() if not name.startswith((_TO, "__"))}


def _next(channels: Mapping[str, Any]) -> tuple[str, ...]:
    # A way to a node is a channel that is there for one step; a `Send` is an entry of the channel of tasks.
    sent = [send.node for send in channels.get(_TASKS, ())]
    ways = [name.removeprefix(_TO) for name in channels if name.startswith(_TO)]
    return (*sent, *sorted(ways), *([_START] if _START in channels else []))


def outlines(database: Database, versions: Collection[str]) -> dict[str, Outline]:
    """Taxonomy versions in short, by id; each is read once, and unknown ones are left out."""
    found: dict[str, Outline] = {}
    ids = sorted(versions)
    names: dict[str, str] = {}
    for start in range(0, len(ids), _BODIES):
        rows = database.execute(
            "SELECT id, body FROM versions WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(ids[start : start + _BODIES]),),
        )
        for version, body in rows:
            found[version] = {
                # One string for all the versions that a category is in.
                names.setdefault(category["id"], category["id"]): hash(
                    (category["name"], category["description"], category.get("parent"))
                )
                for category in json.loads(body)["taxonomy"]["categories"]
            }
    return found


def tokens_over_time(database: Database, run: str) -> list[tuple[str, int]]:
    """What a run had used by when: (moment, ISO 8601, UTC, tokens so far), ascending."""
    rows = database.execute(
        "SELECT created, sum(prompt_tokens + completion_tokens) FROM calls WHERE run = ? GROUP BY 1 ORDER BY 1",
        (run,),
    )
    total, sums = 0, []
    for moment, tokens in rows:
        total += tokens
        sums.append((moment, total))
    return sums
