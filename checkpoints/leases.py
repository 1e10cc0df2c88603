"""One process at a time works on a run: two that resume one thread would do everything twice, silently.

A lease is a row that names its owner. It is free again at once when the owner ended, however it ended: on
the same machine that is seen from the process table. Of another machine (a shared disk) only the time of the
last heartbeat is known, so its lease is free when no heartbeat came for the time to live.

A process that lives and gives no heartbeat - suspended, or idle while its user is away - keeps its lease until
somebody asks for it by name (`take_over`); it finds out before it does anything more.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from uuid import uuid4

from ..taxonomy.errors import LeaseHeldError, StorageError
from .database import Database, Row

TIME_TO_LIVE = 30.0
"""Seconds without a heartbeat after which a lease of another machine is free, and any other can be taken over."""

_log = logging.getLogger(__name__)


class Lease:
    """A lease that this process holds; made by `lease`.

    Attributes:
        is_lost: another process has the run now.
        is_idle: within `idle`.
    """

    def __init__(self, database: Database, run: str, time_to_live: float) -> None:
        self._database = database
        self._run = run
        self._time_to_live = time_to_live
        self._token = uuid4().hex
        self._expires = 0.0
        self.is_lost = False
        self.is_idle = False

    def check(self) -> None:
        """Go on only while the lease is held; cheap, for between two steps.

        Raises:
            LeaseHeldError: it was lost; whatever this process would do now, another does already.
            StorageError: no heartbeat could be given for the time to live, and none can be given now.
        """
        # After a long sleep this may come before the heart's next beat.
        if not self.is_lost and not self.is_idle and time.time() > self._expires:
            self.beat()
        if self.is_lost:
            raise self._taken()

    @contextmanager
    def idle(self) -> Iterator[None]:
        """Give no heartbeat while the block lasts: one that waits for its user for long can be taken over.

        Raises:
            LeaseHeldError: before the block, or at its end, another process had taken it over.
            StorageError: the database cannot be written.
        """
        if not self.beat():
            raise self._taken()
        self.is_idle = True
        try:
            yield
        finally:
            self.is_idle = False
        if not self.beat():
            raise self._taken()

    def take(self, *, take_over: bool = False) -> None:
        """Take the lease, or refuse.

        Args:
            take_over: take it also from a process that lives, once it has given no heartbeat for its time to live.

        Raises:
            LeaseHeldError: another owner holds it.
            StorageError: the database cannot be written.
        """
        with self._database.transaction():
            since = time.time()
            rows = self._database.execute(
                "SELECT host, machine, pid, started, since, expires FROM leases WHERE run = ?", (self._run,)
            )
            if rows and _is_held(rows[0]):
                is_silent = rows[0][5] <= since
                if not (take_over and is_silent):
                    raise self._held(rows[0], since, take_over=take_over)
                _log.info("The lease on run %r is taken over from process %s", self._run, rows[0][2])
            pid = os.getpid()
            self._expires = since + self._time_to_live
            self._database.execute(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self._run,
                    self._token,
                    socket.gethostname(),
                    _machine(),
                    pid,
                    _started(pid),
                    since,
                    self._expires,
                ),
            )

    def beat(self) -> bool:
        """Prolong the lease; False when it was lost."""
        expires = time.time() + self._time_to_live
        kept = self._database.execute(
            "UPDATE leases SET expires = ? WHERE run = ? AND token = ? RETURNING run",
            (expires, self._run, self._token),
        )
        self._expires = expires
        self.is_lost = not kept
        return bool(kept)

    def release(self) -> None:
        """Give it back; a lost one stays with its new owner."""
        self._database.execute("DELETE FROM leases WHERE run = ? AND token = ?", (self._run, self._token))

    def _held(self, row: Row, moment: float, *, take_over: bool) -> LeaseHeldError:
        host, _, pid, _, since, expires = row
        workspace = self._database.path.parent
        holds = f"Process {pid} on {host} has been working on run {self._run!r} of {workspace} since {_when(since)}"
        if expires <= moment:
            return LeaseHeldError(
                f"{holds}, and has not been heard of since {_when(expires - self._time_to_live)}: it is suspended, or "
                f"waits for its user. `tnt chat -w {workspace} {self._run} --take-over` takes the run from it."
            )
        if take_over:
            return LeaseHeldError(
                f"{holds}, and is alive. It can be taken over only once nothing was heard of it for "
                f"{self._time_to_live:.0f} seconds: try again in {ceil(expires - moment)} seconds, or stop it "
                f"(`kill -INT {pid}` there)."
            )
        return LeaseHeldError(
            f"{holds}. Wait for it, or stop it (`kill -INT {pid}` there) "
            f"and then `tnt resume -w {workspace} {self._run}`."
        )

    def _taken(self) -> LeaseHeldError:
        workspace = self._database.path.parent
        rows = self._database.execute("SELECT host, pid, since FROM leases WHERE run = ?", (self._run,))
        by = "another took over and has finished since"
        if rows:
            host, pid, since = rows[0]
            by = f"another took over: process {pid} on {host}, at {_when(since)}"
        return LeaseHeldError(
            f"This process lost its hold on run {self._run!r} of {workspace}: it was suspended or idle, "
            f"and {by}. Look at it with `tnt show -w {workspace} {self._run}`."
        )


@contextmanager
def lease(
    database: Database, run: str, *, take_over: bool = False, time_to_live: float = TIME_TO_LIVE
) -> Iterator[Lease]:
    """Hold a run while the block lasts; a thread keeps the lease alive.

    Args:
        database: of the workspace.
        run: its name.
        take_over: take it also from a process that lives but has given no heartbeat for the time to live: one that is
            suspended, or idle in a chat.
        time_to_live: seconds.

    Raises:
        LeaseHeldError: somebody else holds it; the message names the process, its machine and since when.
        StorageError: the database cannot be written.
    """
    held = Lease(database, run, time_to_live)
    held.take(take_over=take_over)
    done = threading.Event()
    heart = threading.Thread(
        target=_keep, args=(held, done, time_to_live / 3), name=f"lease-{run}", daemon=True
    )
    heart.start()
    try:
        yield held
    finally:
        done.set()
        heart.join()
        try:
            held.release()
        except StorageError as error:
            # The work is done or has its own error to tell; the row is void once this process has ended.
            _log.warning("The lease on run %r stays in the database: %s", run, error)


def _keep(held: Lease, done: threading.Event, pause: float) -> None:
    while not done.wait(pause):
        if held.is_idle:
            continue
        try:
            if not held.beat():
                return
        except StorageError as error:
            # Whoever does the work meets the same trouble and tells it.
            _log.warning("The lease could not be prolonged: %s", error)


def _when(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(sep=" ", timespec="seconds")


def _is_held(row: Row) -> bool:
    _, machine, pid, started, _, expires = row
    if machine == _machine():
        # The process table knows better than the clock: a process that was merely suspended goes on later.
        return _is_alive(pid, started)
    return bool(expires > time.time())


def _machine() -> str:
    """What process ids are unique in: a host since its last start, and there a namespace of processes."""
    boot = _read(Path("/proc/sys/kernel/random/boot_id"))
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()} {boot} {namespace}"


def _is_alive(pid: int, started: str) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    # Numbers are used again after a while, and a killed process that nobody waited for still has its own.
    return _started(pid) == started


def _started(pid: int) -> str:
    """When a process started, in ticks since the machine did; "" where unknown, "gone" for an ended one."""
    stat = _read(Path(f"/proc/{pid}/stat"))
    # The name, in brackets, may hold anything; after it come the state and, as the 20th, the start.
    fields = stat.rpartition(")")[2].split()
    if len(fields) < 20:
        return ""
    return "gone" if fields[0] in {"Z", "X"} else fields[19]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
