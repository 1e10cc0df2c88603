"""`classify`: label a corpus of any size with a trained classifier, from file to file."""

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import __version__
from ...checkpoints.batches import Batch, CorpusBatches
from ...taxonomy.errors import BundleError, SettingsError, Stopped, StorageError
from ..classifier import Classifier
from ..tables import LabelWriter
from . import parts as parts_module
from .parts import Parts, open_parts, storage_fault
from .pool import Pool, usable_cores
from .results import Labelled, Names, table_batch
from .worker import Work, names_of

if TYPE_CHECKING:
    from pyarrow import RecordBatch

# Rows of a batch: seconds of work at most, so that a stop is quick, and enough of it to be worth a way through a pipe.
_FAST_ROWS, _SLOW_ROWS = 4096, 128
# Rows that are made a table at a time.
_GROUP_ROWS = 1 << 16
# Encoders that run no neural network.
_FAST = {"static", "tfidf"}
# Fewer batches than that are labelled in this process: so long workers take to start.
_FEW = 8


@dataclass(frozen=True, slots=True)
class ClassifySummary:
    """What `classify` did.

    Attributes:
        documents: rows written.
        undefined: those among them that belong to no category.
        seconds: wall time.
        resumed: rows that an earlier call had finished.
        abstained: undefined rows of which the classifier could not promise the agreement that was asked for.
    """

    documents: int
    undefined: int
    seconds: float
    resumed: int = 0
    abstained: int = 0

    @property
    def documents_per_second(self) -> float:
        """Documents labelled in a second, by this call."""
        return (self.documents - self.resumed) / self.seconds if self.seconds else 0.0


def classify(
    source: Any,
    *,
    classifier: Path | str | Classifier,
    out: Path | str,
    text_column: str = "text",
    id_column: str | None = None,
    batch: int | None = None,
    workers: int | None = None,
    agreement: float | None = None,
    deduplicate: bool = True,
    cache: Path | str | None = None,
    restart: bool = False,
    stop: threading.Event | None = None,
    on_progress: Callable[[int], None] | None = None,
    on_total: Callable[[int], None] | None = None,
) -> ClassifySummary:
    """Label every document and write one row for each, in order.

    Finished rows are kept in a folder beside `out` until all are there. A call that was killed, stopped or met a fault
    is gone on with by the same call; its input is read again from its beginning and compared. With a classifier in
    memory, of which nobody can tell whether it is the same, each call begins anew.

    Args:
        source: what `read_corpus` reads: a file, a directory, ``"-"``, a DataFrame, an iterable of texts.
        classifier: a bundle's folder, or a classifier.
        out: where the table goes: .csv, .jsonl or .parquet. Appears when all is done.
        text_column: column or key of the text.
        id_column: column or key of the id; without it, ``id`` where there is one, else the row's number.
        batch: documents that are encoded and labelled at a time; default: 4096, or 128 where a neural network encodes.
        workers: processes that label; 1 is this one. Default: for a bundle as many as there are cores to use, unless
            the input is small; for a classifier in memory 1. More than one need a classifier that can be saved.
        agreement: abstain (undefined, source "abstained") where the classifier cannot promise that a label agrees
            with the LLM's with this probability.
        deduplicate: look for equal texts in a batch, and encode them once.
        cache: folder where vectors of neural networks and endpoints are looked up and kept, for a later call; it may be
            shared by several calls at once.
        restart: forget what an earlier call has finished.
        stop: once it is set, the call ends as soon as the batches under way are finished.
        on_progress: called with the number of documents done, after each batch.
        on_total: called before that with the number of documents there will be, where it is known or can be
            estimated; later calls know better.

    Raises:
        SettingsError: `out` has an unknown suffix, is the input itself, or belongs to another call; a number is below
            1; the classifier promises no agreement.
        BundleError: the classifier cannot be loaded.
        MissingPartError: what the classifier needs is not installed.
        CorpusError: the input cannot be read; the message names the row.
        CorpusMismatchError: an earlier call has finished rows of another input.
        LeaseHeldError: another process is writing `out`.
        StorageError: the output cannot be written.
        Stopped: `stop` was set.
        TntError: a worker died.
    """
    out = Path(out)
    for value, what in ((batch, "a batch of {} documents makes"), (workers, "{} workers make")):
        if value is not None and value < 1:
            raise SettingsError(f"{what.format(value)} no sense: give 1 or more")
    if isinstance(source, str | Path) and out.exists() and out.samefile(source):
        raise SettingsError(f"{out} is the input: name another file for the output")
    if out.is_dir():
        raise SettingsError(f"{out} is a folder: name a file for the output")
    LabelWriter(out)  # which refuses an unknown suffix
    started = time.monotonic()
    with ExitStack() as stack:
        folder = "" if isinstance(classifier, Classifier) else str(classifier)
        work = Work(folder, agreement, deduplicate, None if cache is None else str(cache))
        engine = _Engine(classifier if isinstance(classifier, Classifier) else None, work, stack)
        parts = stack.enter_context(open_parts(out, engine.call, restart=restart))
        corpus = CorpusBatches(
            source, text_column=text_column, id_column=id_column, rows=batch or engine.batch_rows
        )
        feed = _Feed(corpus, parts, stop)
        report = _Report(corpus, on_progress, on_total)
        try:
            done = engine.label(iter(feed), workers)
            if parts.rows:
                report(parts.rows)
            for each, labelled in done:
                parts.add(each, labelled)
                report(parts.rows)
            feed.conclude()
            parts.finish()
            _join(parts, engine.names, out)
        except BaseException as error:
            _keep(parts, error, resumable=bool(engine.call))
            raise
        resumed = feed.resumed
        parts.discard()
    counts = parts.counts
    return ClassifySummary(
        counts.rows, counts.undefined, time.monotonic() - started, resumed, counts.abstained
    )


class _Feed:
    """The batches that are left to do. Whatever ends them early waits until those before it are labelled."""

    def __init__(self, corpus: CorpusBatches, parts: Parts, stop: threading.Event | None) -> None:
        self._corpus = corpus
        self._parts = parts
        self._stop = stop
        self._fault: Exception | None = None
        self.resumed = parts.done.rows

    def __iter__(self) -> Iterator[Batch]:
        try:
            for batch in self._parts.skip(iter(self._corpus)):
                if self._stop is not None and self._stop.is_set():
                    self._fault = Stopped("The texts were not all labelled: a signal asked to stop.")
                    return
                yield batch
        except Exception as error:  # noqa: BLE001  # raised by `conclude`
            self._fault = error

    def conclude(self) -> None:
        """Raise what ended the batches early."""
        if self._fault is not None:
            raise self._fault


class _Engine:
    """What labels: this process or others.

    Attributes:
        call: what decides about the labels, for the journal; empty for a classifier in memory.
        batch_rows: rows that a batch should have.
        names: of the labels, once there is a classifier.
    """

    names: Names

    def __init__(self, classifier: Classifier | None, work: Work, stack: ExitStack) -> None:
        self._classifier = classifier
        self._work = work
        self._stack = stack
        self.call: dict[str, Any] = {}
        if classifier is None:
            self._manifest, features = _identity(Path(work.classifier))
            self.call = {"tnt": __version__, "classifier": self._manifest, "agreement": work.agreement}
        else:
            features = classifier.representation.id
        self.batch_rows = _FAST_ROWS if set(features.split("+")) <= _FAST else _SLOW_ROWS

    def label(self, batches: Iterator[Batch], workers: int | None) -> Iterator[tuple[Batch, Labelled]]:
        """Label the batches in their order; what is needed for that is loaded before this returns."""
        if workers is None:
            workers = 1 if self._classifier is not None else usable_cores()
        few = list(islice(batches, _FEW)) if workers > 1 else []
        if workers == 1 or len(few) < _FEW:
            return self._label_here(chain(few, batches))
        pool = self._stack.enter_context(Pool(self._work_for_others(), workers))
        self.names = pool.names
        self._check_unchanged()
        return pool.label(chain(few, batches))

    def _label_here(self, batches: Iterator[Batch]) -> Iterator[tuple[Batch, Labelled]]:
        classifier = self._work.open() if self._classifier is None else self._work.fit(self._classifier)
        self.names = names_of(classifier)
        self._check_unchanged()
        return ((batch, self._work.label(classifier, batch.ids, batch.texts)) for batch in batches)

    def _work_for_others(self) -> Work:
        if self._classifier is None:
            return self._work
        from tempfile import TemporaryDirectory

        folder = self._stack.enter_context(TemporaryDirectory(prefix="tnt-classifier-"))
        self._classifier.save(folder)
        return replace(self._work, classifier=folder)

    def _check_unchanged(self) -> None:
        if self._classifier is None and _identity(Path(self._work.classifier))[0] != self._manifest:
            raise BundleError(
                f"the classifier {self._work.classifier} was replaced while it was being loaded: call again"
            )


class _Report:
    """Tells how far the work is."""

    def __init__(
        self,
        corpus: CorpusBatches,
        on_progress: Callable[[int], None] | None,
        on_total: Callable[[int], None] | None,
    ) -> None:
        self._corpus = corpus
        self._on_progress = on_progress
        self._on_total = on_total

    def __call__(self, rows: int) -> None:
        """This many rows are done."""
        if self._on_total is not None and (total := self._corpus.total) is not None:
            self._on_total(max(total, rows))
        if self._on_progress is not None:
            self._on_progress(rows)


def _identity(folder: Path) -> tuple[str, str]:
    """Hash of a bundle's manifest, which holds the hashes of all else, and the id of its features.

    Raises:
        BundleError: there is no bundle.
    """
    from ..bundle import MANIFEST

    try:
        content = (folder / MANIFEST).read_bytes()
        features = str(json.loads(content)["features"])
    except (OSError, ValueError, KeyError, TypeError):
        Classifier.load(folder)  # which tells what is wrong with it
        raise
    return hashlib.sha256(content).hexdigest()[:16], features


def _join(parts: Parts, names: Names, out: Path) -> None:
    """Make the table of the parts, some batches at a time, and put it in place."""
    table = parts.folder / f"table{out.suffix}"
    try:
        with LabelWriter(table) as writer:
            for batch in _joined(parts.batches()):
                writer.write_batch(table_batch(batch, names))
        os.replace(table, out)
    except OSError as error:
        raise storage_fault(error, out) from error
    except StorageError as error:
        if isinstance(error.__cause__, OSError):
            raise storage_fault(error.__cause__, out) from error.__cause__
        raise


def _joined(batches: "Iterator[RecordBatch]") -> "Iterator[RecordBatch]":
    """Larger batches: each becomes a row group where the table is Parquet."""
    import pyarrow as pa

    held: list[RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += len(batch)
        if rows >= _GROUP_ROWS:
            yield pa.concat_batches(held)
            held, rows = [], 0
    if held:
        yield pa.concat_batches(held)


def _keep(parts: Parts, error: BaseException, *, resumable: bool) -> None:
    """Keep what is worth it of work that an error ended, and say so."""
    is_worth_it = parts.done.rows or parts.seconds >= parts_module.PART_SECONDS or isinstance(error, Stopped)
    # An interrupt may have come between a row and its count: then only what is in the journal is sure.
    if resumable and is_worth_it and isinstance(error, Exception):
        with suppress(StorageError):
            parts.finish()
    if resumable and parts.done.rows:
        error.add_note(
            f"{parts.done.rows:,} rows are finished and kept in {parts.folder}: the same call goes on."
        )
    else:
        parts.discard()
