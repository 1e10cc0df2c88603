"""``workspace.sqlite``: one connection for all threads, transactions, and errors that say what to do.

Write-ahead log with ``synchronous=FULL``: a commit survives a kill of the process and a loss of power,
readers never wait for the writer, and a transaction that was under way when the process died is as if it had
never begun.
"""

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..taxonomy.errors import StorageError, VersionError
from .schema import SCHEMA, SCHEMA_VERSION
from .storage_errors import storage_errors

Row = tuple[Any, ...]


class Database:
    """One SQLite file with tnt's tables.

    Args:
        path: the file; made, with its tables, where it does not exist. Its folder must exist.
        busy_seconds: how long to wait for another process that is writing.

    Raises:
        StorageError: the file cannot be opened or written, is locked, damaged, or the disk is full.
        VersionError: a newer tnt wrote it.
    """

    def __init__(self, path: Path, *, busy_seconds: float = 60.0) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._depth = 0
        with storage_errors(path):
            # Transactions are ours (isolation_level None): Python's implicit ones would not cover a SELECT.
            self._connection = sqlite3.connect(
                path, timeout=busy_seconds, isolation_level=None, check_same_thread=False
            )
        try:
            self._prepare(busy_seconds)
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self, busy_seconds: float) -> None:
        self.execute("PRAGMA foreign_keys = ON")
        self.execute("PRAGMA synchronous = FULL")
        self._use_write_ahead_log(busy_seconds)
        # Looked at before anything is created: a newer workspace must be left as it is.
        self._check_version()
        with self.transaction():
            for statement in SCHEMA:
                self.execute(statement)
            self._check_version()
            self.execute("INSERT OR IGNORE INTO meta VALUES ('schema_version', ?)", (str(SCHEMA_VERSION),))

    def _use_write_ahead_log(self, busy_seconds: float) -> None:
        # SQLite does not wait for a lock when it changes the journal mode: two processes that open a new
        # workspace at the same moment would find it locked.
        until = time.monotonic() + busy_seconds
        while True:
            try:
                self.execute("PRAGMA journal_mode = WAL")
            except StorageError as error:
                cause = getattr(error.__cause__, "sqlite_errorname", "")
                if not cause.startswith("SQLITE_BUSY") or time.monotonic() >= until:
                    raise
                time.sleep(0.02)
            else:
                return

    def _check_version(self) -> None:
        if not self.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'"):
            return
        found = self.execute("SELECT value FROM meta WHERE key = 'schema_version'")
        if found and int(found[0][0]) > SCHEMA_VERSION:
            raise VersionError(
                f"{self.path} was written by a newer tnt (its tables are of version {found[0][0]}, "
                f"this tnt knows {SCHEMA_VERSION}). Upgrade tnt, or use another workspace."
            )

    def execute(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Run one statement and return all its rows; outside a transaction it is committed when this returns.

        Raises:
            StorageError: see the class.
        """
        with self._lock, storage_errors(self.path):
            return self._connection.execute(sql, values).fetchall()

    def execute_many(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run one statement for every row, in one transaction; rows may be a generator.

        Raises:
            StorageError: see the class. What the generator raises passes through, and nothing is written.
        """
        with self.transaction(), storage_errors(self.path):
            self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: committed when the block ends, rolled back when it raises; they may be nested.

        Raises:
            StorageError: see the class.
        """
        with self._lock:
            # IMMEDIATE: one that reads first and writes later would fail on a lock instead of waiting.
            begin, commit, undo = "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"
            if self._depth:
                name = f"level_{self._depth}"
                begin, commit, undo = f"SAVEPOINT {name}", f"RELEASE {name}", f"ROLLBACK TO {name}"
            self.execute(begin)
            self._depth += 1
            try:
                yield
                self.execute(commit)
            except BaseException:
                # On a full disk SQLite has ended the transaction itself.
                if self._connection.in_transaction:
                    self.execute(undo)
                raise
            finally:
                self._depth -= 1

    def get_meta(self, key: str) -> str | None:
        """A fact about the workspace, or None."""
        rows = self.execute("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def put_meta(self, key: str, value: str) -> None:
        """Store or replace a fact about the workspace."""
        self.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def close(self) -> None:
        """Close the file; twice is fine."""
        with self._lock, storage_errors(self.path):
            self._connection.close()


def now(*, precise: bool = False) -> str:
    """This moment, UTC, ISO 8601, to the second; to the microsecond where it is to be `precise`."""
    return datetime.now(UTC).isoformat(timespec="microseconds" if precise else "seconds")


def number_list(numbers: Iterable[int]) -> str:
    """Numbers as one value, for ``IN (SELECT value FROM json_each(?))``: a statement's values are bounded."""
    return json.dumps([int(number) for number in numbers])


def storable(text: str) -> str:
    """The text without null characters, and with a replacement character for half surrogate pairs.

    A model's truncated JSON can hold half of an emoji; SQLite, Parquet and terminals refuse such a string.
    """
    if "\0" in text:
        text = text.replace("\0", "")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
