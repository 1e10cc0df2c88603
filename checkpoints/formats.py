"""One reader for each kind of corpus. Each streams (id or None, text); messages count rows from 1."""

import csv
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from pathlib import Path
from typing import IO, Any

from ..taxonomy.errors import CorpusError

Pairs = Iterator[tuple[str | None, str]]

_DEFAULT_ID = "id"
_PARQUET_BATCH = 1024
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
# Old Macintosh files end their lines with a carriage return alone, where a binary file is not split.
_LONE_RETURN = re.compile(r"(?<=\r)(?![\r\n]|$)")


def read_lines(stream: Iterable[Any], where: str) -> Pairs:
    """One text a line, of a binary or a text stream. An empty line is an empty text."""
    row = 0
    try:
        for line in _Lines(stream):
            row += 1
            yield None, line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise not_utf8(where, row + 1, error) from error


def read_csv(stream: IO[bytes], where: str, *, tabs: bool, text_column: str, id_column: str | None) -> Pairs:
    """Rows under a header. A comma file whose header only makes sense with ; or tabs is read with those."""
    # A field may be as long as it likes; the limit of the csv module is one for the whole process.
    csv.field_size_limit(sys.maxsize)
    lines = iter(_Lines(stream))
    row = 0
    try:
        first = next((line for line in lines if line.strip()), None)
        if first is None:
            raise CorpusError(f"{where} is empty. Give a file with a header and at least one row.")
        delimiter = "\t" if tabs else _find_delimiter(first, text_column)
        # strict: a quote that is never closed would swallow the rest of the file without a word.
        rows = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
        header = [column.strip() for column in next(rows)]
        text_at, id_at = find_columns(header, where, text_column, id_column)
        for fields in rows:
            if not fields:
                continue
            row += 1
            _check_width(fields, len(header), max(text_at, id_at or 0), f"{where}, row {row}")
            yield (None if id_at is None else fields[id_at]), fields[text_at]
    except csv.Error as error:
        raise CorpusError(
            f"{where}, row {row + 1}: {error}. Look for a quote that is not closed or not doubled, "
            f"or convert the file to JSONL."
        ) from error
    except UnicodeDecodeError as error:
        raise not_utf8(where, row + 1, error) from error


def read_jsonl(stream: IO[bytes], where: str, *, text_column: str, id_column: str | None) -> Pairs:
    """One JSON object a line; blank lines are skipped, but counted."""
    row = 0
    try:
        for line in _Lines(stream):
            row += 1
            if line.strip():
                yield from_record(
                    _load(line, f"{where}, row {row}"), f"{where}, row {row}", text_column, id_column
                )
    except UnicodeDecodeError as error:
        raise not_utf8(where, row + 1, error) from error


def read_parquet(path: Path, *, text_column: str, id_column: str | None) -> Pairs:
    """Rows of a Parquet file, a batch at a time; only the columns needed are read."""
    import pyarrow
    import pyarrow.parquet

    row = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            text_at, id_at = find_columns(names, str(path), text_column, id_column)
            wanted = [names[at] for at in (text_at, id_at) if at is not None]
            for batch in file.iter_batches(batch_size=_PARQUET_BATCH, columns=wanted):
                texts = batch.column(names[text_at])
                ids = repeat(None, len(texts)) if id_at is None else batch.column(names[id_at])
                for given, text in zip(ids, texts, strict=True):
                    row += 1
                    where = f"{path}, row {row}"
                    # One by one: a whole column would not say which of its strings is not UTF-8.
                    known = None if given is None else given.as_py()
                    yield (None if known is None else as_text(known, where)), as_text(text.as_py(), where)
    except UnicodeDecodeError as error:
        raise not_utf8(str(path), row, error) from error
    except (pyarrow.ArrowException, OSError) as error:
        raise CorpusError(f"{path} cannot be read as Parquet: {error}. Check that it is complete.") from error


def read_directory(path: Path) -> Pairs:
    """Each .txt file, also of folders within, as one text; its id is its path from the directory."""
    files = sorted(_text_files(path))
    if not files:
        raise CorpusError(f"The directory {path} holds no .txt files. Give one that does, or a file.")
    for file in files:
        try:
            yield file.relative_to(path).as_posix(), file.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise not_utf8(str(file), error.object.count(b"\n", 0, error.start) + 1, error) from error
        except OSError as error:
            raise CorpusError(f"{file} cannot be read: {error.strerror or error}.") from error


def count_directory(path: Path) -> int:
    """The texts that `read_directory` will give."""
    return sum(1 for _ in _text_files(path))


def _text_files(path: Path) -> Iterator[Path]:
    return (file for file in path.rglob("*.txt") if file.is_file())


def read_frame(frame: Any, where: str, *, text_column: str, id_column: str | None) -> Pairs:
    """Rows of a pandas DataFrame; its index is not looked at. Missing texts are empty ones."""
    columns = [str(column) for column in frame.columns]
    text_at, id_at = find_columns(columns, where, text_column, id_column)
    texts = _column(frame, text_at)
    ids = [None] * len(frame) if id_at is None else _column(frame, id_at)
    for row, (given, text) in enumerate(zip(ids, texts, strict=True), 1):
        at = f"{where}, row {row}"
        yield (None if given is None else as_text(given, at)), as_text(text, at)


def find_columns(
    columns: Sequence[str], where: str, text_column: str, id_column: str | None
) -> tuple[int, int | None]:
    """Positions of the text's column and the id's, the latter None where rows are to be numbered.

    Raises:
        CorpusError: one of them is absent or there twice; the message lists the columns there are.
    """
    listed = ", ".join(columns) or "none"
    for option, column in (("--text-column", text_column), ("--id-column", id_column)):
        if column is None or columns.count(column) == 1:
            continue
        found = "no column" if column not in columns else "more than one column"
        raise CorpusError(
            f"{where} has {found} {column!r}; its columns are: {listed}. Name one with {option}."
        )
    if id_column is None and text_column != _DEFAULT_ID and columns.count(_DEFAULT_ID) == 1:
        id_column = _DEFAULT_ID
    return columns.index(text_column), None if id_column is None else columns.index(id_column)


def from_record(
    record: Mapping[Any, Any], where: str, text_column: str, id_column: str | None
) -> tuple[str | None, str]:
    """Id and text of one mapping. A null text is an empty one; numbers are taken as they print.

    Raises:
        CorpusError: a key is absent, or its value is no text.
    """
    for option, key in (("--text-column", text_column), ("--id-column", id_column)):
        if key is not None and key not in record:
            listed = ", ".join(str(found) for found in record) or "none"
            raise CorpusError(f"{where} has no key {key!r}; its keys are: {listed}. Name one with {option}.")
    key = id_column or (None if text_column == _DEFAULT_ID else _DEFAULT_ID)
    given = record.get(key)
    return (None if given is None else as_text(given, where)), as_text(record[text_column], where)


class _Lines:
    """Lines with their endings, decoded one by one, so that whoever reads knows where a fault is."""

    def __init__(self, stream: Iterable[Any]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[str]:
        first = True
        for raw in self._stream:
            text: str = raw if isinstance(raw, str) else raw.decode("utf-8")
            if first:
                text = text.removeprefix("\ufeff")
                first = False
            if "\0" in text:
                # The csv module of some Pythons refuses them; they are removed from every text anyway.
                text = text.replace("\0", "")
            if "\r" in text and "\r" in text.rstrip("\r\n"):
                yield from _LONE_RETURN.split(text)
            else:
                yield text


def not_utf8(where: str, row: int, error: UnicodeDecodeError) -> CorpusError:
    """The error of a row that is not UTF-8."""
    hint = " (it begins like UTF-16)" if row == 1 and error.object[:2] in _UTF16_MARKS else ""
    return CorpusError(f"{where}, row {row}: not UTF-8{hint}. Convert it to UTF-8.")


def _find_delimiter(header: str, text_column: str) -> str:
    for delimiter in ",;\t":
        columns = next(csv.reader([header], delimiter=delimiter))
        if text_column in [column.strip() for column in columns]:
            return delimiter
    return ","


def _check_width(fields: list[str], width: int, needed: int, where: str) -> None:
    # A row that is too long has a delimiter outside quotes: its text would be cut short without a word.
    if len(fields) <= needed or any(fields[width:]):
        raise CorpusError(
            f"{where}: {len(fields)} fields where the header has {width}. "
            f"Quote fields that hold the delimiter."
        )


def _load(line: str, where: str) -> Mapping[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise CorpusError(f"{where}: not JSON ({error}). Each line must be one JSON object.") from error
    if not isinstance(record, dict):
        raise CorpusError(f"{where}: a JSON {type(record).__name__} where an object is needed.")
    return record


def _column(frame: Any, at: int) -> list[Any]:
    column = frame.iloc[:, at]
    # Pandas has several values for what is missing, and some refuse to be compared.
    return [None if missing else value for value, missing in zip(column, column.isna(), strict=True)]


def as_text(value: object, where: str) -> str:
    """A value of a column as a text: nothing is "", and numbers are as they print.

    Raises:
        CorpusError: it is no text; the message begins with `where`.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise CorpusError(f"{where}: not UTF-8. Convert it to UTF-8.") from error
    if isinstance(value, dict | list | tuple):
        raise CorpusError(f"{where}: a {type(value).__name__} where a text is needed. Name another column.")
    return str(value)
