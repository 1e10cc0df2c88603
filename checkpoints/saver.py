"""LangGraph's checkpoints in ``checkpoints.sqlite``: sync, strict about what it loads, never pickled."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from .storage_errors import storage_errors

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite import SqliteSaver

_BUSY_SECONDS = 60.0
# Pages of 4 KB: SQLite's own 1000 would let the log grow larger than all the checkpoints of a run.
_LOG_PAGES = 256


@contextmanager
def open_saver(path: Path) -> Iterator["SqliteSaver"]:
    """A checkpointer over the file, which is made where it does not exist; for ``invoke``, not ``ainvoke``.

    Only plain types come back from a checkpoint: a class of ours, whose meaning may have changed since,
    comes back as the values it was made of (as with ``LANGGRAPH_STRICT_MSGPACK=true``). What cannot be told
    without pickle is an error when it is written.

    Raises:
        StorageError: the file cannot be opened or written, is locked, damaged, or the disk is full; here or
            in the block.
    """
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite import SqliteSaver

    with (
        storage_errors(path),
        closing(sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False)) as connection,
    ):
        # A superstep that was reported as done must survive a loss of power too.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
        serde = JsonPlusSerializer(pickle_fallback=False, allowed_msgpack_modules=None)
        saver = SqliteSaver(connection, serde=serde)
        saver.setup()
        yield saver


def checkpoint_bytes(path: Path) -> int:
    """Bytes that the checkpoints take on disk, their log included; 0 where there are none."""
    return sum(file.stat().st_size for file in (path, path.with_name(path.name + "-wal")) if file.exists())
