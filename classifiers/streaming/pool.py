"""Worker processes: each loads the classifier once and uses one core; batches come back in the order they were given.

They are started as programs of their own, not forked and not as copies of the main module: so they share no locks
with the threads of this process, and a script needs no guard around its call of `classify`.
"""

import os
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Any, Self

from ...checkpoints.batches import Batch
from ...taxonomy import errors
from ...taxonomy.errors import TntError
from .frames import receive, send
from .results import Labelled, Names, ipc_stream
from .worker import Work

# Batches under way for each worker: one it works on, one that is next, and some that wait for a slower neighbour.
_WINDOW = 4
_ENDING_SECONDS = 10.0
# One thread a worker, whatever library would like to take more: there are as many workers as cores.
_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """Worker processes as a context manager; they end with the block, and with this process however it ends.

    Args:
        work: what they do.
        workers: how many.

    Attributes:
        names: the labels of the classifier that they have loaded.

    Raises:
        BundleError, MissingPartError, SettingsError: the classifier cannot be loaded.
        TntError: a worker died.
    """

    names: Names

    def __init__(self, work: Work, workers: int) -> None:
        self._workers = [_Worker() for _ in range(workers)]
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="tnt-classify")
        self._work = work

    def __enter__(self) -> Self:
        try:
            for worker in self._workers:
                worker.start()
            told = list(self._threads.map(lambda worker: worker.ask(asdict(self._work)), self._workers))
        except BaseException:
            self._end(by_force=True)
            raise
        self.names = Names(tuple(told[0][0]["ids"]), tuple(told[0][0]["names"]))
        for worker in self._workers:
            self._idle.put(worker)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end(by_force=error is not None)

    def label(self, batches: Iterator[Batch]) -> Iterator[tuple[Batch, Labelled]]:
        """Label batches, in their order; no more are read ahead than a few for each worker.

        Raises:
            TntError: a worker died; all batches before its own were given.
        """
        waiting: deque[tuple[Batch, Future[Labelled]]] = deque()
        for batch in batches:
            waiting.append((batch, self._threads.submit(self._label, batch)))
            while waiting and (len(waiting) >= _WINDOW * len(self._workers) or waiting[0][1].done()):
                first, done = waiting.popleft()
                yield first, done.result()
        for first, done in waiting:
            yield first, done.result()

    def _label(self, batch: Batch) -> Labelled:
        import pyarrow as pa

        body = ipc_stream(pa.record_batch({"id": batch.ids, "text": batch.texts}))
        worker = self._idle.get()
        try:
            head, stream = worker.ask({}, body)
        except TntError as error:
            error.add_note(f"It was labelling rows {batch.first + 1:,} to {batch.first + len(batch):,}.")
            raise
        finally:
            self._idle.put(worker)
        return Labelled(**head, stream=stream)

    def _end(self, *, by_force: bool) -> None:
        for worker in self._workers:
            worker.end(by_force=by_force)
        self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.wait()


class _Worker:
    """One process; a thread at a time talks to it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def start(self) -> None:
        """Start it; it is not waited for."""
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `wait`
        path = os.pathsep.join(entry for entry in sys.path if entry)
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            [sys.executable, "-P", "-c", f"from {__package__}.worker import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=os.environ | _ONE_THREAD | {"PYTHONPATH": path},
            start_new_session=True,  # Ctrl-C at the terminal is for the owner, who lets them finish first
        )

    def ask(self, head: dict[str, Any], body: Any = b"") -> tuple[dict[str, Any], bytes]:
        """Send a frame and wait for the answer.

        Raises:
            TntError: it died; or what it raised.
            RuntimeError: it raised something unexpected.
        """
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        try:
            send(process.stdin, head, body)
            answer = receive(process.stdout)
        except (BrokenPipeError, ValueError):  # the latter: `end` has closed the pipe
            answer = None
        if answer is None:
            raise self._death()
        if "error" in answer[0]:
            raise _raised(answer[0])
        return answer

    def end(self, *, by_force: bool) -> None:
        """Let it end, or kill it."""
        if self._process is None:
            return
        if by_force:
            self._process.kill()
        elif self._process.stdin is not None:
            self._process.stdin.close()

    def wait(self) -> None:
        """Wait until it has ended, and let go of its pipes."""
        if self._process is not None:
            try:
                self._process.wait(_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):  # what was still in its buffer has no reader any more
                        pipe.close()
        if self._log is not None:
            self._log.close()

    def _death(self) -> TntError:
        assert self._process is not None and self._log is not None  # noqa: S101, PT018
        try:
            code = self._process.wait(_ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            code = 0
        self._log.seek(0)
        said = self._log.read().decode("utf-8", "replace").strip()[-500:]
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        remedy = " (out of memory? Fewer workers need less: --workers)" if code == -9 else ""
        return TntError(f"A worker process {how}{remedy}." + (f" It said: {said}" if said else ""))


def _raised(told: dict[str, Any]) -> Exception:
    """What a worker raised, raised here: an error of ours as it was, anything else with the worker's traceback."""
    kind = getattr(errors, str(told["error"]), None)
    if isinstance(kind, type) and issubclass(kind, TntError):
        error: Exception = kind(str(told["message"]))
        for note in told["notes"]:
            error.add_note(note)
        return error
    error = RuntimeError(f"{told['error']} in a worker process: {told['message']}")
    error.add_note(str(told["trace"]))
    return error
