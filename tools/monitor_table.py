"""The incoming texts of a monitor report as a file: a row for each, with its label and its novelty."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..checkpoints.files import atomic_path
from ..classifiers.table_formats import spreadsheet_safe
from ..taxonomy.errors import SettingsError
from .monitor import Rows

COLUMNS = ("id", "primary_id", "primary", "confidence", "novelty", "novel")
SUFFIXES = (".csv", ".jsonl", ".parquet")


def check_table_path(path: Path | str) -> Path:
    """The path, where a table can be written to a file of its kind.

    Raises:
        SettingsError: another suffix.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise SettingsError(f"texts can be written to {', '.join(SUFFIXES)} files: {path} is none of these")
    return path


def write_rows(rows: Rows, path: Path | str) -> None:
    """Write the rows, in order; the file appears, or replaces the old one, when all of it is there.

    In CSV a text that a spreadsheet would run as a formula gets an apostrophe before it, and `novel` is yes or no.

    Raises:
        SettingsError: the suffix is none of .csv, .jsonl and .parquet.
        StorageError: the disk is full or the file cannot be written.
    """
    path = check_table_path(path)
    with atomic_path(path) as temporary:
        match path.suffix.lower():
            case ".parquet":
                _write_parquet(rows, temporary)
            case ".csv":
                with temporary.open("w", encoding="utf-8", newline="", errors="replace") as file:
                    writer = csv.writer(file, lineterminator="\n")
                    writer.writerow(COLUMNS)
                    for row in _each(rows):
                        texts = [spreadsheet_safe(text or "") for text in row[:3]]
                        writer.writerow([*texts, f"{row[3]:.4f}", f"{row[4]:.4f}", "yes" if row[5] else "no"])
            case _:
                with temporary.open("w", encoding="utf-8", errors="replace") as file:
                    for row in _each(rows):
                        values = dict(zip(COLUMNS, row, strict=True))
                        file.write(json.dumps(values, ensure_ascii=False) + "\n")


def _each(rows: Rows) -> Iterator[tuple[str, str | None, str, float, float, bool]]:
    columns = (rows.primary.tolist(), rows.confidence.tolist(), rows.novelty.tolist(), rows.is_novel.tolist())
    for document_id, label, confidence, novelty, is_novel in zip(rows.ids, *columns, strict=True):
        yield (
            document_id,
            rows.category_ids[label],
            rows.names[label],
            round(confidence, 4),
            round(novelty, 4),
            is_novel,
        )


def _write_parquet(rows: Rows, path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    kinds: tuple[Any, ...] = (pa.string(), pa.string(), pa.string(), pa.float64(), pa.float64(), pa.bool_())
    columns = list(zip(*_each(rows), strict=True)) or [()] * len(COLUMNS)
    texts = [
        [None if text is None else text.encode("utf-8", "replace").decode() for text in column]
        for column in columns[:3]
    ]
    arrays = [pa.array(column, kind) for column, kind in zip([*texts, *columns[3:]], kinds, strict=True)]
    parquet.write_table(pa.table(dict(zip(COLUMNS, arrays, strict=True))), path)
