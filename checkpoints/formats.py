"""One reader for each format of corpus file. Each streams (id or None, text); messages count rows from 1."""

import csv
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import IO, Any

from ..taxonomy.errors import CorpusError

Pairs = Iterator[tuple[str | None, str]]

_DEFAULT_ID = "id"
_PARQUET_BATCH = 1024
# Old Macintosh files end their lines with a carriage return alone, which a binary file does not split.
_LONE_RETURN = re.compile(r"(?<=\r)(?!\n)")


def find_columns(
    columns: Sequence[str], where: str, text_column: str, id_column: str | None
) -> tuple[int, int | None]:
    """Positions of the text's column and the id's, the latter None where rows are to be numbered.

    Raises:
        CorpusError: one of them is absent or ambiguous; the message lists the columns there are.
    """
    listed = ", ".join(columns) or "none"
    for option, column in (("--text-column", text_column), ("--id-column", id_column)):
        if column is None or columns.count(column) == 1:
            continue
        found = "no column" if column not in columns else "more than one column"
        raise CorpusError(
            f"{where} has {found} {column!r}; its columns are: {listed}. Name one with {option}."
        )
    if id_column is None and columns.count(_DEFAULT_ID) == 1 and text_column != _DEFAULT_ID:
        id_column = _DEFAULT_ID
    return columns.index(text_column), None if id_column is None else columns.index(id_column)


def from_record(
    record: Mapping[Any, Any], where: str, text_column: str, id_column: str | None
) -> tuple[str | None, str]:
    """Id and text of one mapping. A null text is an empty one; other values are taken as they print.

    Raises:
        CorpusError: a key is absent.
    """
    for option, key in (("--text-column", text_column), ("--id-column", id_column)):
        if key is not None and key not in record:
            listed = ", ".join(str(found) for found in record) or "none"
            raise CorpusError(f"{where}: no key {key!r}; its keys are: {listed}. Name one with {option}.")
    key = id_column or (_DEFAULT_ID if text_column != _DEFAULT_ID else None)
    given = None if key is None else record.get(key)
    return (None if given is None else _as_text(given)), _as_text(record[text_column])


def read_lines(stream: IO[Any], where: str) -> Pairs:
    """One text a line, of a binary or a text stream. An empty line is an empty text."""
    for _, line in _lines(stream, where):
        yield None, line.rstrip("\r\n")


def read_csv(stream: IO[bytes], where: str, tabs: bool, text_column: str, id_column: str | None) -> Pairs:
    """Rows under a header. A comma file whose header only makes sense with semicolons or tabs is read with those."""
    # A field may be as long as it likes; the limit of the csv module is one for the whole process.
    csv.field_size_limit(sys.maxsize)
    # Blank lines before the header, as spreadsheets write them, are none of it.
    numbered = ((number, line) for number, line in _lines(stream, where))
    first = next(((number, line) for number, line in numbered if line.strip()), None)
    if first is None:
        raise CorpusError(f"{where} is empty. Give a file with a header and at least one row.")
    delimiter = "\t" if tabs else _find_delimiter(first[1], text_column)
    lines = (line.replace("\0", "") for _, line in chain([first], numbered))
    # strict: a quote that is never closed would swallow the rest of the file without a word.
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    row = 0
    try:
        header = [column.strip() for column in next(rows)]
        text_at, id_at = find_columns(header, where, text_column, id_column)
        for fields in rows:
            if not fields:
                continue
            row += 1
            _check_width(fields, header, max(text_at, id_at or 0), f"{where}, row {row}")
            yield (None if id_at is None else fields[id_at]), fields[text_at]
    except csv.Error as error:
        raise CorpusError(
            f"{where}, row {row + 1} (near line {rows.line_num + first[0] - 1}): {error}. Look for a quote that is not "
            f"closed or not doubled, or convert the file to JSONL."
        ) from error


def _find_delimiter(header: str, text_column: str) -> str:
    for delimiter in ",;\t":
        try:
            columns = next(csv.reader([header], delimiter=delimiter))
        except csv.Error:
            continue
        if text_column in [column.strip() for column in columns]:
            return delimiter
    return ","


def _check_width(fields: list[str], header: list[str], needed: int, where: str) -> None:
    # A row that is too long has a delimiter outside quotes: its text would be cut short without a word.
    if len(fields) <= needed or any(fields[len(header) :]):
        raise CorpusError(
            f"{where}: {len(fields)} fields where the header has {len(header)}. Quote fields that hold the delimiter."
        )


def read_jsonl(stream: IO[bytes], where: str, text_column: str, id_column: str | None) -> Pairs:
    """One JSON object a line; blank lines are skipped."""
    for row, line in _lines(stream, where):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CorpusError(
                f"{where}, row {row}: not JSON ({error}). Each line must be one JSON object."
            ) from error
        if not isinstance(record, dict):
            raise CorpusError(
                f"{where}, row {row}: a JSON {type(record).__name__} where an object is needed."
            )
        yield from_record(record, f"{where}, row {row}", text_column, id_column)


def read_parquet(path: Path, text_column: str, id_column: str | None) -> Pairs:
    """Rows of a Parquet file, a batch at a time; only the columns needed are read."""
    import pyarrow
    import pyarrow.parquet

    row = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            text_at, id_at = find_columns(names, str(path), text_column, id_column)
            wanted = [names[text_at]] if id_at is None else [names[text_at], names[id_at]]
            for batch in file.iter_batches(batch_size=_PARQUET_BATCH, columns=wanted):
                texts = batch.column(wanted[0]).to_pylist()
                ids = [None] * len(texts) if id_at is None else batch.column(wanted[1]).to_pylist()
                for given, text in zip(ids, texts, strict=True):
                    row += 1
                    yield (None if given is None else _as_text(given)), _as_text(text)
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path}, row {row}: not UTF-8. Write the column as strings in UTF-8.") from error
    except (pyarrow.ArrowException, OSError) as error:
        raise CorpusError(f"{path} cannot be read as Parquet: {error}.") from error


def _as_text(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - NaN, what a table has where nothing is
        return ""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _lines(stream: Iterable[Any], where: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers from 1 and their endings, decoded one by one so that an error can name its line."""
    number = 0
    try:
        for raw in stream:
            number += 1
            text = raw if isinstance(raw, str) else raw.decode("utf-8")
            if number == 1:
                text = text.removeprefix("\ufeff")
            if "\r" not in text[:-2]:
                yield number, text
                continue
            pieces = _LONE_RETURN.split(text)
            for piece in pieces:
                if piece:
                    yield number, piece
    except UnicodeDecodeError as error:
        hint = (
            "; it begins like UTF-16"
            if number <= 1 and error.object[:2] in (b"\xff\xfe", b"\xfe\xff")
            else ""
        )
        raise CorpusError(
            f"{where}, row {max(number, 1)}: not UTF-8{hint}. Convert the file to UTF-8."
        ) from error
