"""Any corpus as a stream of Arrow batches: what `read_corpus` reads, for work that goes over millions of rows."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .columns import arrow_strings, numbered, parquet_columns
from .formats import count_directory
from .readers import Meter, is_parquet, read_pairs

if TYPE_CHECKING:
    from pyarrow import StringArray

# Beside the rows, what bounds a batch: memory stays flat however long the texts are.
_CHARACTERS = 4 << 20


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that follow each other in a corpus; neither column holds a null.

    Attributes:
        first: number of its first row, from 0.
        ids: the user's ids, else the rows' numbers; string [n].
        texts: as they came, null characters removed; string [n].
    """

    first: int
    ids: "StringArray"
    texts: "StringArray"

    def __len__(self) -> int:
        """Rows."""
        return len(self.texts)

    def slice(self, start: int, stop: int | None = None) -> "Batch":
        """Its rows from `start` on, counted from 0, to before `stop`."""
        length = (len(self) if stop is None else stop) - start
        return Batch(self.first + start, self.ids.slice(start, length), self.texts.slice(start, length))


class CorpusBatches:
    """The rows of a corpus, in order. To be gone over once.

    Args:
        source: as `read_corpus` takes it; the same rows come out, and the same errors.
        text_column: column, or key, of the text.
        id_column: column, or key, of the user's id.
        rows: most rows of a batch. Long texts make smaller ones. The same corpus gives the same batches again.

    Raises:
        CorpusError: the source cannot be read; the message names the file and, counted from 1, the row. Raised here
            or while the batches are read; rows of the batch that holds the fault are not given.
    """

    def __init__(
        self, source: Any, *, text_column: str = "text", id_column: str | None = None, rows: int
    ) -> None:
        self._meter = Meter()
        self._done = 0
        self._total: int | None = None
        columns: dict[str, Any] = {"text_column": text_column, "id_column": id_column}
        if is_parquet(source):
            self._batches = self._parquet(Path(source), columns, rows)
        else:
            self._batches = self._gathered(read_pairs(source, **columns, meter=self._meter), rows)
            if hasattr(source, "__len__") and not isinstance(source, str | bytes):
                self._total = len(source)
            elif isinstance(source, str | Path) and Path(source).is_dir():
                self._total = count_directory(Path(source))

    def __iter__(self) -> Iterator[Batch]:
        for batch in self._batches:
            self._done += len(batch)
            yield batch

    @property
    def total(self) -> int | None:
        """Rows there will be, as far as that is known without reading them: exactly for Parquet and what has a
        length, estimated for other files from what is read of them, None for a stream."""
        if self._total is not None:
            return self._total
        share = self._meter.share
        return round(self._done / share) if share and self._done else None

    def _parquet(self, path: Path, columns: dict[str, Any], rows: int) -> Iterator[Batch]:
        def told(total: int) -> None:
            self._total = total

        first = 0
        for ids, texts in parquet_columns(path, **columns, rows=rows, size=_CHARACTERS, told=told):
            yield Batch(first, numbered(ids, first, len(texts)), texts)
            first += len(texts)

    @staticmethod
    def _gathered(pairs: Iterator[tuple[str | None, str]], rows: int) -> Iterator[Batch]:
        first, size = 0, 0
        ids: list[str | None] = []
        texts: list[str] = []
        for given, text in pairs:
            ids.append(given)
            texts.append(text)
            size += len(text)
            if len(texts) >= rows or size > _CHARACTERS:
                yield _batch(first, ids, texts)
                first, size, ids, texts = first + len(texts), 0, [], []
        if texts:
            yield _batch(first, ids, texts)


def _batch(first: int, ids: list[str | None], texts: list[str]) -> Batch:
    given = None if ids.count(None) == len(ids) else arrow_strings(ids)
    return Batch(first, numbered(given, first, len(ids)), arrow_strings(texts))
