"""Labels as a table on disk: CSV, JSONL or Parquet by suffix, written in batches, put in place as a whole."""

import csv
import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TextIO

from ..checkpoints.files import atomic_path
from ..taxonomy.errors import SettingsError

SUFFIXES = (".csv", ".jsonl", ".parquet")

# Rows that are held back and written together: a Parquet row group.
_BATCH = 8192
# A spreadsheet runs a cell that starts with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Between the names in the one CSV cell of `all`.
_BETWEEN = "|"


class TableRow(NamedTuple):
    """One document's label, as users read it.

    Attributes:
        id: the user's own id.
        primary_id: category id; None for undefined.
        primary: the category's name, or "undefined".
        all: names of all categories that apply, the primary first.
        confidence: 0..1.
        source: llm, student, lineage or human.
        reason: one sentence, or "".
    """

    id: str
    primary_id: str | None
    primary: str
    all: tuple[str, ...]
    confidence: float
    source: str = "student"
    reason: str = ""


class LabelWriter:
    """Writes a table of labels, row by row in flat memory.

    A context manager: the file appears, or replaces the old one, when the block ends; when the block
    raises, what was there before stays. In CSV a text that a spreadsheet would run as a formula gets an
    apostrophe before it, and `all` is one cell with "|" between the names.

    Args:
        path: ends in .csv, .jsonl or .parquet; its folder is made if need be.

    Raises:
        SettingsError: another suffix.
        StorageError: the disk is full or the file cannot be written.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        if self.path.suffix.lower() not in SUFFIXES:
            raise SettingsError(
                f"labels can be written to {', '.join(SUFFIXES)} files: {self.path} is none of these"
            )
        self._held: list[TableRow] = []
        self._stack = ExitStack()
        self._put: Callable[[list[TableRow]], None] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_path(self.path))
            suffix = self.path.suffix.lower()
            if suffix == ".parquet":
                self._put = _parquet(temporary, stack)
            else:
                # A lone surrogate in an id has no UTF-8: better a question mark than no table.
                file = stack.enter_context(
                    temporary.open("w", encoding="utf-8", errors="replace", newline="")
                )
                self._put = _csv(file) if suffix == ".csv" else _jsonl(file)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            try:
                self._flush()
            except BaseException as late:
                self._stack.__exit__(type(late), late, late.__traceback__)
                raise
        self._stack.__exit__(kind, error, trace)

    def write(self, rows: Iterable[TableRow | tuple[Any, ...]]) -> None:
        """Add rows in the order they come: `TableRow`, or tuples with its fields."""
        for row in rows:
            self._held.append(row if isinstance(row, TableRow) else TableRow(*row))
            if len(self._held) >= _BATCH:
                self._flush()

    def _flush(self) -> None:
        assert self._put is not None, "write inside of the with block"  # noqa: S101  # for whoever calls it
        self._put(self._held)
        self._held = []


def _csv(file: TextIO) -> Callable[[list[TableRow]], None]:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(TableRow._fields)

    def put(rows: list[TableRow]) -> None:
        for row in rows:
            cells = (row.id, row.primary_id or "", row.primary, _BETWEEN.join(row.all))
            writer.writerow([*map(_inert, cells), f"{row.confidence:.4f}", row.source, _inert(row.reason)])

    return put


def _jsonl(file: TextIO) -> Callable[[list[TableRow]], None]:
    def put(rows: list[TableRow]) -> None:
        for row in rows:
            record = {**row._asdict(), "all": list(row.all), "confidence": round(row.confidence, 4)}
            file.write(json.dumps(record, ensure_ascii=False) + "\n")

    return put


def _parquet(path: Path, stack: ExitStack) -> Callable[[list[TableRow]], None]:
    import pyarrow as pa
    from pyarrow import parquet

    names = {name: pa.string() for name in TableRow._fields}
    schema = pa.schema(names | {"all": pa.list_(pa.string()), "confidence": pa.float64()})
    writer = stack.enter_context(parquet.ParquetWriter(path, schema))

    def put(rows: list[TableRow]) -> None:
        if rows:
            columns = zip(*rows, strict=True)
            named = dict(zip(TableRow._fields, (list(column) for column in columns), strict=True))
            named["id"] = [text.encode("utf-8", "replace").decode("utf-8") for text in named["id"]]
            named["confidence"] = [round(value, 4) for value in named["confidence"]]
            writer.write_table(pa.table(named, schema=schema))

    return put


def _inert(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would run.

    A carriage return becomes a line feed: Python 3.11's csv module writes it unquoted, which breaks the row.
    """
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return text.replace("\r\n", "\n").replace("\r", "\n")
