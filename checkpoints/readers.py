"""Any corpus as a stream of `Document`: files of several formats, a directory, standard input, Python objects.

UTF-8 with or without BOM; anything else is an error that names the row, never a guess. Nothing is dropped silently:
an empty text is a document with an empty text.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from ..taxonomy.document import Document
from ..taxonomy.errors import CorpusError
from .database import storable
from .formats import find_columns, from_record, read_csv, read_jsonl, read_lines, read_parquet

_KINDS = (
    "CSV, TSV, JSONL, Parquet, .txt (one text a line), a directory of .txt files, or - for standard input"
)


def read_corpus(
    source: Any, *, text_column: str = "text", id_column: str | None = None
) -> Iterator[Document]:
    """Stream the documents of a corpus, numbered from 0.

    Args:
        source: path of a CSV, TSV, JSONL, Parquet or .txt file (one text a line) or of a directory of .txt files (one
            text each, in order of their names); ``"-"`` for standard input or any open stream (one text a line); a
            pandas DataFrame; or an iterable of texts, (id, text) pairs, mappings or documents.
        text_column: column, or key, of the text.
        id_column: column, or key, of the user's id. Without it that is ``id`` where there is one, else the row's number
            counted from 0. A directory's ids are its file names. Ids need not be unique.

    Raises:
        CorpusError: the source cannot be read, is not UTF-8, is malformed or lacks a column; the message names the file
            and, counted from 1, the row. Raised here or while the stream is read.
    """
    if isinstance(source, str | Path):
        pairs = _from_path(source, text_column, id_column)
    elif hasattr(source, "read"):
        pairs = read_lines(source, describe_source(source))
    elif _is_frame(source):
        pairs = _from_frame(source, text_column, id_column)
    elif isinstance(source, Iterable) and not isinstance(source, Mapping | bytes):
        pairs = _from_items(source, text_column, id_column)
    else:
        raise CorpusError(
            f"A {type(source).__name__} is not a corpus. Give a path ({_KINDS}), a DataFrame or an iterable."
        )
    return _number(pairs)


def describe_source(source: Any) -> str:
    """Where a corpus comes from, in words, for messages and the report."""
    if source == "-" if isinstance(source, str) else source is sys.stdin:
        return "standard input"
    if isinstance(source, str | Path):
        return str(source)
    if hasattr(source, "read"):
        return str(getattr(source, "name", f"a {type(source).__name__}"))
    size = f" of {len(source)} texts" if hasattr(source, "__len__") else ""
    return f"a Python {type(source).__name__}{size}"


def _number(pairs: Iterable[tuple[str | None, str]]) -> Iterator[Document]:
    for number, (given, text) in enumerate(pairs):
        yield Document(number, str(number) if given is None else storable(given), storable(text))


def _from_path(
    source: str | Path, text_column: str, id_column: str | None
) -> Iterator[tuple[str | None, str]]:
    if source == "-":
        return read_lines(sys.stdin.buffer, "standard input")
    path = Path(source)
    if path.is_dir():
        return _from_directory(path)
    if not path.exists():
        raise CorpusError(f"There is no file {path}. Give {_KINDS}.")
    suffix = path.suffix.lower()
    if suffix in {".csv", ".tsv", ".tab"}:
        return _opened(path, lambda file: read_csv(file, str(path), suffix != ".csv", text_column, id_column))
    if suffix in {".jsonl", ".ndjson"}:
        return _opened(path, lambda file: read_jsonl(file, str(path), text_column, id_column))
    if suffix in {".parquet", ".pq"}:
        return read_parquet(path, text_column, id_column)
    if suffix == ".txt":
        return _opened(path, lambda file: read_lines(file, str(path)))
    raise CorpusError(f"{path} is of no kind that can be read ({suffix or 'no suffix'}). Give {_KINDS}.")


def _opened(
    path: Path, read: Callable[[IO[bytes]], Iterator[tuple[str | None, str]]]
) -> Iterator[tuple[str | None, str]]:
    try:
        with path.open("rb") as file:
            yield from read(file)
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror or error}.") from error


def _from_directory(path: Path) -> Iterator[tuple[str | None, str]]:
    files = sorted(file for file in path.rglob("*.txt") if file.is_file())
    if not files:
        raise CorpusError(f"The directory {path} holds no .txt files. Give {_KINDS}.")
    for file in files:
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            raise CorpusError(f"{file}, line {line}: not UTF-8. Convert the file to UTF-8.") from error
        except OSError as error:
            raise CorpusError(f"{file} cannot be read: {error.strerror or error}.") from error
        yield file.relative_to(path).as_posix(), text


def _is_frame(source: Any) -> bool:
    # Without importing pandas, which may be absent and is slow to load.
    return type(source).__name__ == "DataFrame" and hasattr(source, "columns") and hasattr(source, "isna")


def _from_frame(frame: Any, text_column: str, id_column: str | None) -> Iterator[tuple[str | None, str]]:
    columns = [str(column) for column in frame.columns]
    text_at, id_at = find_columns(columns, "the DataFrame", text_column, id_column)
    texts = frame.iloc[:, text_at]
    ids = [None] * len(frame) if id_at is None else frame.iloc[:, id_at]
    for given, text, missing in zip(ids, texts, texts.isna(), strict=True):
        yield (None if given is None else str(given)), "" if missing else str(text)


def _from_items(
    items: Iterable[Any], text_column: str, id_column: str | None
) -> Iterator[tuple[str | None, str]]:
    for row, item in enumerate(items, 1):
        if isinstance(item, Document):
            yield item.id, item.text
        elif isinstance(item, str):
            yield None, item
        elif isinstance(item, Mapping):
            yield from_record(item, f"item {row}", text_column, id_column)
        elif isinstance(item, tuple | list) and len(item) == 2 and isinstance(item[1], str):
            yield str(item[0]), item[1]
        else:
            raise CorpusError(
                f"Item {row} of the corpus is a {type(item).__name__}. Give texts, (id, text) pairs, mappings or documents."
            )
