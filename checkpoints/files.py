"""Files that are there as a whole or not at all: a temporary file beside, fsync, rename."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from .storage_errors import NO_SPACE, file_fault


def write_atomic(path: Path, data: str | bytes) -> None:
    """Write the file; text as UTF-8. Whoever reads it sees the old content or the new, never a part.

    Raises:
        StorageError: the disk is full or the file cannot be written; the old content stays.
    """
    with atomic_path(path) as temporary:
        try:
            temporary.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
        except OSError as error:
            raise file_fault(error, path) from error


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a path beside ``path`` to write to; when the block ends it takes the place of ``path``.

    When the block raises, the temporary file is removed and ``path`` stays as it was.

    Raises:
        StorageError: the disk is full or the file cannot be put in place. An OSError about lack of space
            that the block lets pass becomes one too.
    """
    path = Path(path)
    # The suffix stays last: writers choose their format by it.
    temporary = path.with_name(f".{path.stem}.{uuid4().hex[:8]}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise file_fault(error, path) from error
    try:
        yield temporary
        try:
            _sync(temporary)
            os.replace(temporary, path)
            _sync(path.parent)
        except OSError as error:
            raise file_fault(error, path) from error
    except OSError as error:
        if error.errno not in NO_SPACE:
            raise
        raise file_fault(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
