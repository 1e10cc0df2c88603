"""Columns of a file of records by name: gold labels, and sheets that people filled."""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from ...taxonomy.errors import CorpusError

_KINDS = "a .csv, .tsv, .jsonl or .parquet file"


def read_records(path: Path, needed: Mapping[str, str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(row from 1, values by column) of every record.

    Args:
        path: CSV or TSV under a header (commas, semicolons or tabs), JSONL, or Parquet.
        needed: columns that must be there, each with the option that names it, for the message.

    Raises:
        CorpusError: the file cannot be read, is malformed, or lacks a column; the message names it, and the row.
    """
    try:
        match path.suffix.lower():
            case ".csv" | ".tsv" | ".tab":
                yield from _read_csv(path, needed)
            case ".jsonl" | ".ndjson":
                yield from _read_jsonl(path, needed)
            case ".parquet" | ".pq":
                yield from _read_parquet(path, needed)
            case suffix:
                raise CorpusError(
                    f"{path} is of no kind that can be read ({suffix or 'no suffix'}). Give {_KINDS}."
                )
    except FileNotFoundError as error:
        raise CorpusError(f"There is no file {path}. Give {_KINDS}.") from error
    except OSError as error:
        raise CorpusError(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not UTF-8. Convert it to UTF-8.") from error


def _read_csv(path: Path, needed: Mapping[str, str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    row = 0
    with path.open(encoding="utf-8-sig", newline="") as file:
        first = next((line for line in file if line.strip()), None)
        if first is None:
            raise CorpusError(f"{path} is empty. Give a file with a header and at least one row.")
        try:
            # What a spreadsheet saves depends on its country.
            delimiter = max(",;\t", key=lambda mark: _fits(first, mark, needed))
            # strict: a quote that is never closed would swallow the rest of the file without a word.
            lines = csv.reader(chain([first], file), delimiter=delimiter, strict=True)
            header = [name.strip() for name in next(lines)]
            _check(path, header, needed)
            for fields in lines:
                if not fields:
                    continue
                row += 1
                if len(fields) < len(header) and not any(fields):
                    continue
                if len(fields) != len(header) and (len(fields) < len(header) or any(fields[len(header) :])):
                    raise CorpusError(
                        f"{path}, row {row}: {len(fields)} fields where the header has {len(header)}. "
                        "Quote fields that hold the delimiter."
                    )
                yield row, dict(zip(header, fields, strict=False))
        except csv.Error as error:
            raise CorpusError(
                f"{path}, row {row + 1}: {error}. Look for a quote that is not closed or not doubled."
            ) from error


def _fits(line: str, delimiter: str, needed: Mapping[str, str]) -> int:
    header = [name.strip() for name in next(csv.reader([line], delimiter=delimiter))]
    return sum(name in header for name in needed)


def _read_jsonl(path: Path, needed: Mapping[str, str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig") as file:
        for row, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise CorpusError(f"{path}, row {row}: not JSON ({error}).") from error
            if not isinstance(record, dict):
                raise CorpusError(
                    f"{path}, row {row}: a JSON {type(record).__name__} where an object is needed."
                )
            _check(f"{path}, row {row}", list(record), needed)
            yield row, record


def _read_parquet(path: Path, needed: Mapping[str, str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            names = file.schema_arrow.names
            _check(path, names, needed)
            wanted = [*needed, *(["id"] if "id" in names and "id" not in needed else [])]
            row = 0
            for batch in file.iter_batches(columns=wanted):
                for record in batch.to_pylist():
                    row += 1
                    yield row, record
    except pyarrow.ArrowException as error:
        raise CorpusError(f"{path} cannot be read as Parquet: {error}. Check that it is complete.") from error


def _check(where: Path | str, names: Sequence[str], needed: Mapping[str, str]) -> None:
    for name, option in needed.items():
        if name not in names:
            raise CorpusError(
                f"{where} has no column {name!r}; its columns are: {', '.join(names) or 'none'}. "
                f"Name one with {option}."
            )
