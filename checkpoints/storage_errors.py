"""Faults of the disk and of SQLite, told as `StorageError`."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..taxonomy.errors import StorageError

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def disk_full(where: Path) -> StorageError:
    """The error of a full disk: what is safe, and how to go on."""
    return StorageError(
        f"There is no room left to write {where} (disk or quota full). Nothing that was finished is lost: "
        f"make room, then go on with `tnt resume -w WORKSPACE`."
    )


def file_fault(error: OSError, where: Path) -> StorageError:
    """The StorageError that tells an OSError met while writing ``where``."""
    if error.errno in NO_SPACE:
        return disk_full(where)
    return StorageError(
        f"Could not write {where}: {error.strerror or error}. Check the path and its permissions."
    )


@contextmanager
def storage_errors(where: Path) -> Iterator[None]:
    """Within it, whatever SQLite raises about the database file ``where`` becomes a StorageError.

    Errors of ours pass through. A fault in our own SQL or in the values given to it is a bug and passes too.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        told = _sqlite_fault(error, where)
        if told is None:
            raise
        raise told from error


def _sqlite_fault(error: sqlite3.DatabaseError, where: Path) -> StorageError | None:
    code = str(getattr(error, "sqlite_errorname", ""))
    if code.startswith("SQLITE_FULL"):
        return disk_full(where)
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StorageError(
            f"{where} is locked: another process has been writing to it for too long. Nothing is lost: "
            f"wait for it or end it, then go on with `tnt resume -w WORKSPACE`."
        )
    if code.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StorageError(
            f"{where} is damaged or is not a tnt database ({error}). "
            f"Restore it from a backup, or use another workspace."
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN")):
        return StorageError(
            f"{where} cannot be opened for writing ({error}). Check the path and its permissions."
        )
    if code.startswith("SQLITE_IOERR"):
        return StorageError(
            f"The disk failed while {where} was read or written ({error}, {code}). Nothing that was finished "
            f"is lost: check the disk and its free space, then go on with `tnt resume -w WORKSPACE`."
        )
    return None
