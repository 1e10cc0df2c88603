"""Threads of checkpoints, as a whole: one is begun from a checkpoint of another, old checkpoints are dropped."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from .history import INTERRUPT
from .saver import checkpoint_bytes, open_saver

_CHECKPOINT = "thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?"


@dataclass(frozen=True, slots=True)
class Pruned:
    """What pruning came to.

    Attributes:
        dropped: checkpoints that are gone.
        kept: checkpoints of the thread that are still there.
        freed: bytes on disk.
    """

    dropped: int
    kept: int
    freed: int


def begin_thread(
    path: Path, checkpoint_id: str, source: str, target: str, *, without: Collection[str] = ()
) -> None:
    """Begin a thread with a copy of another's checkpoint: what is to run next comes with it, and what was asked.

    What nodes had already done towards the step after it stays behind, an answer to what was asked among it: they
    run again in the new thread. The copy keeps its id, which the ids of its tasks are made from.

    Args:
        path: the file of checkpoints.
        checkpoint_id: the one to copy.
        source, target: the thread that has it, and one that was never used.
        without: keys of the state that are left out.

    Raises:
        StorageError: the file cannot be read or written.
    """
    with open_saver(path) as saver:
        connection = saver.conn
        with connection:  # one transaction
            kind, blob, metadata = connection.execute(
                f"SELECT type, checkpoint, metadata FROM checkpoints WHERE {_CHECKPOINT}",
                (source, checkpoint_id),
            ).fetchone()
            checkpoint = saver.serde.loads_typed((kind, blob))
            channels = checkpoint["channel_values"]
            if not channels.keys().isdisjoint(without):
                kept = {name: value for name, value in channels.items() if name not in without}
                kind, blob = saver.serde.dumps_typed({**checkpoint, "channel_values": kept})
            connection.execute(
                "INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, "
                "checkpoint, metadata) VALUES (?, '', ?, NULL, ?, ?, ?)",
                (target, checkpoint_id, kind, blob, metadata),
            )
            connection.execute(
                "INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, "
                "value) SELECT ?, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value "
                f"FROM writes WHERE {_CHECKPOINT} AND channel = ?",
                (target, source, checkpoint_id, INTERRUPT),
            )


def prune_thread(path: Path, thread: str, *, keep_last: int = 1) -> Pruned:
    """Drop all checkpoints of a thread but the newest, and give the room back to the disk.

    A checkpoint is whole in itself: the newest one holds the state and what is to run next, and its own writes hold
    what was asked and what parallel branches have finished. So whatever is kept can be resumed.

    Args:
        path: the file of checkpoints; it may be missing.
        thread: whose.
        keep_last: how many to keep, at least 1.

    Raises:
        StorageError: the file cannot be written, or has no room for the copy that its shrinking takes; or another
            process is busy with it for too long.
    """
    if keep_last < 1:
        raise ValueError(f"keep_last is {keep_last}: the newest checkpoint is what a run goes on from")
    if not path.exists():
        return Pruned(0, 0, 0)
    before = checkpoint_bytes(path)
    with open_saver(path) as saver:
        connection = saver.conn
        with connection:
            oldest = connection.execute(
                "SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' "
                "ORDER BY checkpoint_id DESC LIMIT 1 OFFSET ?",
                (thread, keep_last - 1),
            ).fetchone()
            dropped = 0 if oldest is None else _drop(connection, thread, oldest[0])
        (kept,) = connection.execute(
            "SELECT count(*) FROM checkpoints WHERE thread_id = ?", (thread,)
        ).fetchone()
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return Pruned(dropped, kept, max(0, before - checkpoint_bytes(path)))


def _drop(connection: sqlite3.Connection, thread: str, oldest: str) -> int:
    """Ids grow with time, those of subgraphs too."""
    older = (thread, oldest)
    connection.execute("DELETE FROM writes WHERE thread_id = ? AND checkpoint_id < ?", older)
    return connection.execute(
        "DELETE FROM checkpoints WHERE thread_id = ? AND checkpoint_id < ?", older
    ).rowcount
