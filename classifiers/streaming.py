"""`classify`: label a corpus of any size with a trained classifier, in flat memory."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from ..checkpoints.readers import read_corpus
from ..taxonomy.document import Document
from ..taxonomy.errors import SettingsError
from .classifier import Classifier
from .tables import LabelWriter, TableRow


@dataclass(frozen=True, slots=True)
class ClassifySummary:
    """What `classify` did.

    Attributes:
        documents: rows written.
        undefined: those among them that belong to no category.
        seconds: wall time.
    """

    documents: int
    undefined: int
    seconds: float

    @property
    def documents_per_second(self) -> float:
        """Documents labelled in a second."""
        return self.documents / self.seconds if self.seconds else 0.0


def classify(
    source: Any,
    *,
    classifier: Path | str | Classifier,
    out: Path | str,
    text_column: str = "text",
    id_column: str | None = None,
    batch: int = 2048,
    on_progress: Callable[[int], None] | None = None,
) -> ClassifySummary:
    """Label every document and write one row for each, in order.

    Args:
        source: what `read_corpus` reads: a file, a directory, ``"-"``, a DataFrame, an iterable of texts.
        classifier: a bundle's folder, or a classifier.
        out: where the table goes: .csv, .jsonl or .parquet. Appears when all is done.
        text_column: column or key of the text.
        id_column: column or key of the id; without it, ``id`` where there is one, else the row's number.
        batch: documents that are read, encoded and labelled at a time.
        on_progress: called with the number of documents done, after each batch.

    Raises:
        SettingsError: `out` has an unknown suffix, is the input itself, or `batch` is below 1.
        BundleError: the classifier cannot be loaded.
        CorpusError: the input cannot be read; the message names the row.
        StorageError: the output cannot be written.
    """
    out = Path(out)
    if batch < 1:
        raise SettingsError(f"a batch of {batch} documents makes no sense: give 1 or more")
    if isinstance(source, str | Path) and out.exists() and out.samefile(source):
        raise SettingsError(f"{out} is the input: name another file for the output")
    writer = LabelWriter(out)
    if not isinstance(classifier, Classifier):
        classifier = Classifier.load(classifier)
    started = time.monotonic()
    documents = read_corpus(source, text_column=text_column, id_column=id_column)
    done = undefined = 0
    with writer:
        for some in _batches(documents, batch):
            predictions = classifier.predict([document.text for document in some])
            writer.write(
                TableRow(document.id, found.primary_id, found.primary, found.all, found.confidence)
                for document, found in zip(some, predictions, strict=True)
            )
            done += len(some)
            undefined += sum(found.primary_id is None for found in predictions)
            if on_progress is not None:
                on_progress(done)
    return ClassifySummary(done, undefined, time.monotonic() - started)


def _batches(documents: Iterator[Document], size: int) -> Iterator[list[Document]]:
    while some := list(islice(documents, size)):
        yield some
