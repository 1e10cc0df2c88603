"""What is finished of a table, beside the file it will be: kept through kill -9, and gone on with by the same call.

::

    OUT.parts/
    ├── journal.jsonl     first what the call was, then a line for each finished part: where it ends
    ├── rows.arrow        the labelled rows as Arrow IPC streams, one behind the other
    ├── table.*           the table while it is made of them, at the end
    └── lock              held by the process that works here

A part counts once its line is in the journal, and the line is written after its rows are on disk. What lies behind the
last line is cut off. The rows that are finished are known by a hash of their ids and texts: whoever goes on reads them
again and compares, so that any input will do that begins with the same rows, a stream too.
"""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ...checkpoints.batches import Batch
from ...checkpoints.files import write_atomic
from ...checkpoints.storage_errors import NO_SPACE
from ...taxonomy.errors import CorpusMismatchError, LeaseHeldError, SettingsError, StorageError
from .results import Labelled

if TYPE_CHECKING:
    from pyarrow import RecordBatch, StringArray

PART_SECONDS = 10.0
"""After so long a part ends: what a kill costs at most."""
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Done:
    """How far the table is.

    Attributes:
        rows, undefined, abstained: rows that are finished, and how many of them are what.
        bytes: of rows.arrow.
        content: hash of the ids and texts of these rows.
    """

    rows: int = 0
    undefined: int = 0
    abstained: int = 0
    bytes: int = 0
    content: str = ""


class RowsHash:
    """A hash of rows that does not depend on how they are cut into batches."""

    def __init__(self) -> None:
        self._hashes = [hashlib.blake2b(digest_size=16) for _ in range(4)]

    def update(self, batch: Batch) -> None:
        """Add rows."""
        for at, column in enumerate((batch.ids, batch.texts)):
            lengths, characters = _content(column)
            self._hashes[2 * at].update(lengths)
            self._hashes[2 * at + 1].update(characters)

    def hexdigest(self) -> str:
        """The hash of all rows so far."""
        return hashlib.blake2b(b"".join(one.digest() for one in self._hashes), digest_size=16).hexdigest()


def _content(column: "StringArray") -> tuple[bytes, memoryview]:
    _, offsets, characters = column.buffers()
    ends = np.frombuffer(offsets, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    if not len(ends) or characters is None:
        return bytes(4 * len(column)), memoryview(b"")
    return np.diff(ends).tobytes(), memoryview(characters)[int(ends[0]) : int(ends[-1])]


class Parts:
    """The finished parts of one table; made by `open_parts`, which holds the lock.

    Attributes:
        folder: where they are.
        done: what is in the journal.
    """

    def __init__(self, folder: Path, done: Done) -> None:
        self.folder = folder
        self.done = done
        self._hash = RowsHash()
        self._now = done
        self._file: IO[bytes] | None = None
        self._since = time.monotonic()

    @property
    def rows(self) -> int:
        """Rows that are there, those of the part under way included."""
        return self._now.rows

    @property
    def counts(self) -> Done:
        """The same for all counts."""
        return self._now

    def skip(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches from the first row on that is not finished; those before are compared.

        Raises:
            CorpusMismatchError: they are not those that were labelled.
        """
        remaining = self.done.rows
        while remaining:
            batch = next(batches, None)
            if batch is None:
                raise self._other_rows()
            known = batch if len(batch) <= remaining else batch.slice(0, remaining)
            self._hash.update(known)
            remaining -= len(known)
            if len(known) < len(batch):
                batches = _before(batch.slice(len(known)), batches)
        if self.done.rows and self._hash.hexdigest() != self.done.content:
            raise self._other_rows()
        self._since = time.monotonic()
        return batches

    def add(self, batch: Batch, labelled: Labelled) -> None:
        """Write the rows of a batch, and end the part where it is time to.

        Raises:
            StorageError: the disk is full or cannot be written; finished parts stay.
        """
        now = self._now
        with self._storage_errors():
            if self._file is None:
                self._file = self._rows_file.open("ab")
            self._file.write(labelled.stream)
        self._hash.update(batch)
        self._now = Done(
            now.rows + labelled.rows,
            now.undefined + labelled.undefined,
            now.abstained + labelled.abstained,
            now.bytes + memoryview(labelled.stream).nbytes,
        )
        if self.seconds >= PART_SECONDS:
            self.finish()

    @property
    def seconds(self) -> float:
        """Age of the part under way."""
        return time.monotonic() - self._since

    def finish(self) -> None:
        """End the part under way: from here on it is kept.

        Raises:
            StorageError: as `add`.
        """
        if self._now.rows > self.done.rows and self._file is not None:
            done = Done(**asdict(self._now) | {"content": self._hash.hexdigest()})
            with self._storage_errors():
                self._file.flush()
                os.fsync(self._file.fileno())
                with self._journal.open("ab") as journal:
                    journal.write(json.dumps(asdict(done)).encode() + b"\n")
                    journal.flush()
                    os.fsync(journal.fileno())
            self.done = self._now = done
        self._since = time.monotonic()

    def batches(self) -> "Iterator[RecordBatch]":
        """All finished rows in order, as `results.numbers` made them."""
        import pyarrow as pa

        if not self.done.bytes:
            return
        # Not mapped: the pages of a large file would count as this process's memory.
        with pa.OSFile(str(self._rows_file)) as file:
            while file.tell() < self.done.bytes:
                with pa.ipc.open_stream(file) as stream:
                    yield from stream

    def discard(self) -> None:
        """Remove the folder; the lock goes last, with the folder itself."""
        self.close()
        with suppress(OSError):
            self._rows_file.unlink(missing_ok=True)
            self._journal.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Let go of the files."""
        if self._file is not None:
            # What was not finished is cut off anyway: a disk that is full must not hide the first error.
            with suppress(OSError):
                self._file.close()
            self._file = None

    @property
    def _rows_file(self) -> Path:
        return self.folder / "rows.arrow"

    @property
    def _journal(self) -> Path:
        return self.folder / "journal.jsonl"

    def _other_rows(self) -> CorpusMismatchError:
        return CorpusMismatchError(
            f"{self.folder} holds {self.done.rows:,} finished rows of another input: this one does not begin with "
            f"them. Give the same input to go on, or begin anew with --restart (restart=True)."
        )

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise storage_fault(error, self.folder) from error


def storage_fault(error: OSError, where: Path) -> StorageError:
    """The StorageError that tells an OSError met while a table is written."""
    if error.errno in NO_SPACE:
        return StorageError(
            f"There is no room left to write {where} (disk or quota full). Make room and call again."
        )
    return StorageError(
        f"Could not write {where}: {error.strerror or error}. Check the path and its permissions."
    )


@contextmanager
def open_parts(out: Path, call: Mapping[str, Any], *, restart: bool = False) -> Iterator[Parts]:
    """The parts of a table that is to be written to `out`; they are this process's alone while the block lasts.

    Args:
        out: the table.
        call: what decides about its content beside the input, JSON types; an empty one can never be gone on with.
        restart: forget what is there.

    Raises:
        LeaseHeldError: another process is at it.
        SettingsError: what is there is another call's.
        StorageError: the folder cannot be written.
    """
    folder = out.with_name(f"{out.name}.parts")
    with _locked(folder, out):
        try:
            found = None if restart else _read(folder, call)
            if found is None:
                for name in ("rows.arrow", "journal.jsonl"):
                    (folder / name).unlink(missing_ok=True)
                write_atomic(folder / "journal.jsonl", json.dumps({"format": _FORMAT, **call}) + "\n")
                found = Done()
            parts = Parts(folder, found)
            if found.rows:
                os.truncate(folder / "rows.arrow", found.bytes)
            else:
                (folder / "rows.arrow").unlink(missing_ok=True)
        except OSError as error:
            raise storage_fault(error, folder) from error
        try:
            yield parts
        finally:
            parts.close()


def _read(folder: Path, call: Mapping[str, Any]) -> Done | None:
    """How far the same call had come; None where there is nothing to go on with.

    Raises:
        SettingsError: another call's parts are there.
    """
    try:
        lines = (folder / "journal.jsonl").read_bytes().split(b"\n")
        first = json.loads(lines[0])
        size = (folder / "rows.arrow").stat().st_size
    except (OSError, ValueError):
        return None  # killed before the first part was finished, or not there at all
    done = Done()
    # The last line has no end where a kill came in the middle of it.
    for line in lines[1:-1]:
        entry = Done(**json.loads(line))
        if entry.bytes <= size:
            done = entry
    if not done.rows or set(first) == {"format"}:
        return None
    told = {"format": _FORMAT, **call}
    if first != told:
        changed = [key for key in {**first, **told} if first.get(key) != told.get(key)]
        differences = "; ".join(f"{key} was {first.get(key)}, is {told.get(key)}" for key in changed)
        raise SettingsError(
            f"{folder} holds {done.rows:,} finished rows of another call: {differences}. Call as before to go on, "
            f"or begin anew with --restart (restart=True)."
        )
    return done


@contextmanager
def _locked(folder: Path, out: Path) -> Iterator[None]:
    """Hold the folder's lock, which the system frees when this process ends, however it does."""
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("a+b")
        except FileNotFoundError:
            continue  # whoever had it has finished and removed the folder just now
        except OSError as error:
            raise storage_fault(error, folder) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise LeaseHeldError(
                    f"Another process is writing {out}: wait for it or end it, or name another file for the output."
                ) from error
            except OSError as error:
                raise storage_fault(error, folder) from error
            try:
                is_there = os.path.samestat(os.fstat(lock.fileno()), os.stat(folder / "lock"))
            except FileNotFoundError:
                is_there = False
            if is_there:
                yield
                return


def _before(batch: Batch, batches: Iterator[Batch]) -> Iterator[Batch]:
    yield batch
    yield from batches
