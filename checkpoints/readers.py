"""Any corpus as a stream of `Document`: files of several kinds, a directory, standard input, Python objects.

UTF-8 with or without BOM; anything else is an error that names the row, never a guess. Nothing is dropped
silently: an empty text is a document with an empty text.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ..taxonomy.document import Document
from ..taxonomy.errors import CorpusError
from .database import storable
from .formats import (
    Pairs,
    from_record,
    read_csv,
    read_directory,
    read_frame,
    read_jsonl,
    read_lines,
    read_parquet,
)

_PARQUET = (".parquet", ".pq")
_KINDS = (
    "CSV, TSV, JSONL, Parquet, .txt (one text a line), a directory of .txt files, or - for standard input"
)


def read_corpus(
    source: Any, *, text_column: str = "text", id_column: str | None = None
) -> Iterator[Document]:
    """Stream the documents of a corpus, numbered from 0. Null characters are removed.

    Args:
        source: path of a CSV, TSV, JSONL, Parquet or .txt file (one text a line) or of a directory of .txt
            files (one text each, in order of their names); ``"-"`` for standard input, or any open stream
            (one text a line); a pandas DataFrame; or an iterable of texts, (id, text) pairs, mappings or
            documents.
        text_column: column, or key, of the text.
        id_column: column, or key, of the user's id. Without it that is ``id`` where there is one, else the
            row's number counted from 0. A directory's ids are its file names. Ids need not be unique.

    Raises:
        CorpusError: the source cannot be read, is not UTF-8, is malformed or lacks a column; the message
            names the file and, counted from 1, the row. Raised here or while the stream is read.
    """
    return _number(read_pairs(source, text_column=text_column, id_column=id_column))


class Meter:
    """How far a file has been read."""

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        self._size = 0

    def watch(self, file: IO[bytes]) -> None:
        """Measure this one."""
        self._file, self._size = file, os.fstat(file.fileno()).st_size

    @property
    def share(self) -> float | None:
        """Share of its bytes that were read, 0 to 1; None while there is no file, or an empty one."""
        if self._file is None or not self._size:
            return None
        # Below the buffer, where a stream of lines can still be asked: its own position costs a walk over them.
        at = self._size if self._file.closed else getattr(self._file, "raw", self._file).tell()
        return min(1.0, at / self._size)


def is_parquet(source: Any) -> bool:
    """Whether it is a Parquet file that is there."""
    return (
        isinstance(source, str | os.PathLike)
        and Path(source).suffix.lower() in _PARQUET
        and Path(source).is_file()
    )


def describe_source(source: Any) -> str:
    """Where a corpus comes from, in words, for messages and the report."""
    if source is sys.stdin or (isinstance(source, str | Path) and str(source) == "-"):
        return "standard input"
    if isinstance(source, str | os.PathLike):
        return os.fspath(source)
    if hasattr(source, "read"):
        return str(getattr(source, "name", f"a {type(source).__name__}"))
    size = f" of {len(source)} rows" if hasattr(source, "__len__") else ""
    return f"a Python {type(source).__name__}{size}"


def _number(pairs: Pairs) -> Iterator[Document]:
    for number, (given, text) in enumerate(pairs):
        yield Document(number, str(number) if given is None else storable(given), storable(text))


def read_pairs(
    source: Any, *, text_column: str = "text", id_column: str | None = None, meter: Meter | None = None
) -> Pairs:
    """Stream (id or None, text) of a corpus as they stand there, null characters and half characters included.

    Args:
        source, text_column, id_column: as for `read_corpus`.
        meter: is told of the file that is read, where it is one that is read line by line.

    Raises:
        CorpusError: as `read_corpus`.
    """
    where = describe_source(source)
    if isinstance(source, str | os.PathLike):
        if str(source) == "-":
            return read_lines(getattr(sys.stdin, "buffer", sys.stdin), where)
        return _from_path(Path(source), text_column, id_column, meter or Meter())
    if hasattr(source, "read"):
        return read_lines(source, where)
    # Told by its looks, without importing pandas, which may be absent and is slow to load.
    if hasattr(source, "columns") and hasattr(source, "iloc"):
        return read_frame(source, where, text_column=text_column, id_column=id_column)
    if isinstance(source, Iterable) and not isinstance(source, Mapping | bytes):
        return _from_items(source, text_column, id_column)
    raise CorpusError(
        f"A {type(source).__name__} is not a corpus. Give a path ({_KINDS}), a DataFrame, or an iterable of "
        f"texts, (id, text) pairs or mappings."
    )


def _from_path(path: Path, text_column: str, id_column: str | None, meter: Meter) -> Pairs:
    columns: dict[str, Any] = {"text_column": text_column, "id_column": id_column}
    where = str(path)
    if path.is_dir():
        return read_directory(path)
    if not path.exists():
        raise CorpusError(f"There is no file {path}. Give {_KINDS}.")
    match path.suffix.lower():
        case ".csv":
            return _opened(path, meter, lambda file: read_csv(file, where, tabs=False, **columns))
        case ".tsv" | ".tab":
            return _opened(path, meter, lambda file: read_csv(file, where, tabs=True, **columns))
        case ".jsonl" | ".ndjson":
            return _opened(path, meter, lambda file: read_jsonl(file, where, **columns))
        case suffix if suffix in _PARQUET:
            return read_parquet(path, **columns)
        case ".txt":
            return _opened(path, meter, lambda file: read_lines(file, where))
        case suffix:
            raise CorpusError(
                f"{path} is of no kind that can be read ({suffix or 'no suffix'}). Give {_KINDS}."
            )


def _opened(path: Path, meter: Meter, read: Callable[[IO[bytes]], Pairs]) -> Pairs:
    try:
        with path.open("rb") as file:
            meter.watch(file)
            yield from read(file)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror or error}.") from error


def _from_items(items: Iterable[Any], text_column: str, id_column: str | None) -> Pairs:
    for row, item in enumerate(items, 1):
        if isinstance(item, Document):
            yield item.id, item.text
        elif isinstance(item, str):
            yield None, item
        elif isinstance(item, Mapping):
            yield from_record(item, f"Item {row} of the corpus", text_column, id_column)
        elif isinstance(item, tuple | list) and len(item) == 2 and isinstance(item[1], str):
            yield str(item[0]), item[1]
        else:
            raise CorpusError(
                f"Item {row} of the corpus is a {type(item).__name__}. "
                f"Give texts, (id, text) pairs, mappings or documents."
            )
