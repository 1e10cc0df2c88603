"""Vectors of texts on disk, so that no text is encoded twice: append-only, memory-mapped, shared by processes.

::

    vectors/
    └── 1f0c.../              one folder for each encoder, named by the hash of its id
        ├── encoder.txt       the id
        ├── 384.keys          hashes of the texts, 16 bytes each
        ├── 384.rows          their vectors, 384 float32 each, in the same order
        └── lock              held while somebody appends

The vectors are written and synced before their keys: a row counts when both are there in full. What a kill has
left half-written is beyond that count, is never read, and is cut off before the next row is appended.
"""

import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_log = logging.getLogger(__name__)

Keys = NDArray[np.uint64]
"""Hashes of texts, uint64 [n, 2]."""


def keys_of(texts: Sequence[str]) -> Keys:
    """Hashes of the texts: 128 bits, so that two texts of one corpus never share one."""
    hashes = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
    return np.frombuffer(b"".join(hashes), dtype="<u8").reshape(-1, 2)


class VectorTable:
    """The stored vectors of one encoder, of one width.

    A store saves time and nothing else: where it cannot be read or written (a full disk, say) it says so once in
    the log, finds nothing and keeps nothing.

    Args:
        folder: of all stored vectors; made when the first ones are added.
        encoder: id of the encoder: equal ids give equal vectors.
        dimension: columns of the vectors.
    """

    def __init__(self, folder: Path, encoder: str, dimension: int) -> None:
        digest = blake2b(encoder.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        self._folder = Path(folder) / digest
        self._encoder = encoder
        self._dimension = dimension
        self._keys_file = self._folder / f"{dimension}.keys"
        self._rows_file = self._folder / f"{dimension}.rows"
        self._rows: NDArray[np.float32] = np.empty((0, dimension), dtype=np.float32)
        self._sorted: Keys = np.empty((0, 2), dtype=np.uint64)
        self._places: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self._is_broken = False

    def __len__(self) -> int:
        """Rows that are there, as far as was looked."""
        return len(self._rows)

    def find(self, keys: Keys) -> NDArray[np.int64]:
        """The row of each key, int64 [n]; -1 where there is none."""
        self._refresh()
        if not len(self._sorted) or not len(keys):
            return np.full(len(keys), -1, dtype=np.int64)
        near = np.searchsorted(self._sorted[:, 0], keys[:, 0])
        near = np.minimum(near, len(self._sorted) - 1)
        same = (self._sorted[near] == keys).all(axis=1)
        return np.where(same, self._places[near], -1)

    def rows(self, numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Vectors by row number, float32 [n, d]."""
        return np.asarray(self._rows[numbers])

    def add(self, keys: Keys, vectors: NDArray[np.float32]) -> None:
        """Append vectors; those that are there already, by whomever, are left out."""
        if self._is_broken:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with _locked(self._folder / "lock"):
                new = self.find(keys) < 0
                if new.any():
                    self._append(keys[new], np.ascontiguousarray(vectors[new], dtype="<f4"))
        except OSError as error:
            self._give_up(error)

    def _append(self, keys: Keys, vectors: NDArray[np.float32]) -> None:
        (self._folder / "encoder.txt").write_text(self._encoder, "utf-8", "surrogatepass")
        whole = self._count()
        try:
            _extend(self._rows_file, whole * 4 * self._dimension, vectors.tobytes())
            _extend(self._keys_file, whole * 16, keys.astype("<u8").tobytes())
        except OSError:
            # What was written of it would be in the way of whoever needs the room.
            for path, size in ((self._keys_file, 16), (self._rows_file, 4 * self._dimension)):
                if path.exists():
                    os.truncate(path, whole * size)
            raise

    def _count(self) -> int:
        """Rows whose key and vector are on disk in full."""
        try:
            keys, rows = self._keys_file.stat().st_size, self._rows_file.stat().st_size
        except FileNotFoundError:
            return 0
        return min(keys // 16, rows // (4 * self._dimension))

    def _refresh(self) -> None:
        """Take in what was appended since, by this process or by another."""
        if self._is_broken:
            return
        try:
            count = self._count()
            if count == len(self._rows):
                return
            if not count:
                self._sorted, self._rows = self._sorted[:0], self._rows[:0]  # somebody removed the files
                return
            keys = np.fromfile(self._keys_file, dtype="<u8", count=2 * count).reshape(-1, 2)
            rows = np.memmap(self._rows_file, dtype="<f4", mode="r", shape=(count, self._dimension))
        except (OSError, ValueError) as error:
            self._give_up(error)
            return
        order = np.argsort(keys[:, 0], kind="stable")
        self._sorted, self._places, self._rows = keys[order], order, rows

    def _give_up(self, error: Exception) -> None:
        _log.warning("vectors are not kept in %s: %s", self._folder, error)
        self._is_broken = True
        self._sorted = self._sorted[:0]


def _extend(path: Path, whole: int, data: bytes) -> None:
    """Cut what lies behind the whole rows, append, and wait for the disk."""
    with path.open("ab") as file:
        file.truncate(whole)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; it ends with the process however that ends."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
