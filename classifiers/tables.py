"""Labels as a table on disk: CSV, JSONL or Parquet by suffix, written in batches, put in place as a whole."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ..checkpoints.files import atomic_path
from ..taxonomy.errors import SettingsError
from .table_formats import csv_header, csv_lines, json_lines, plain_columns

if TYPE_CHECKING:
    from pyarrow import RecordBatch, Schema

SUFFIXES = (".csv", ".jsonl", ".parquet")

# Rows that are held back and written together: a Parquet row group.
_BATCH = 8192


class TableRow(NamedTuple):
    """One document's label, as users read it.

    Attributes:
        id: the user's own id.
        primary_id: category id; None for undefined.
        primary: the category's name, or "undefined".
        all: names of all categories that apply, the primary first.
        confidence: 0..1.
        source: llm, student, lineage, human, or abstained: the student was not sure enough.
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
    """Writes a table of labels, in flat memory.

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
        self._put: Callable[[RecordBatch], None] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            temporary = stack.enter_context(atomic_path(self.path))
            match self.path.suffix.lower():
                case ".parquet":
                    self._put = _parquet(temporary, stack)
                case ".csv":
                    self._put = _lines(temporary, stack, csv_lines, csv_header(TableRow._fields))
                case _:
                    self._put = _lines(temporary, stack, json_lines, b"")
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

    def write_batch(self, batch: "RecordBatch") -> None:
        """Add the rows of an Arrow batch: columns named as the fields of `TableRow`.

        Texts are strings or dictionaries of strings, `all` is a list of either; only `primary_id` has nulls.
        """
        self._flush()
        self._write(batch)

    def _flush(self) -> None:
        if self._held:
            held, self._held = self._held, []
            self._write(_as_batch(held))

    def _write(self, batch: "RecordBatch") -> None:
        assert self._put is not None, "write inside of the with block"  # noqa: S101  # for whoever calls it
        self._put(batch)


def table_schema() -> "Schema":
    """The columns of a table of labels."""
    import pyarrow as pa

    names = {name: pa.string() for name in TableRow._fields}
    return pa.schema(names | {"all": pa.list_(pa.string()), "confidence": pa.float64()})


def _as_batch(rows: list[TableRow]) -> "RecordBatch":
    import pyarrow as pa

    columns = dict(zip(TableRow._fields, zip(*rows, strict=True), strict=True))
    columns["confidence"] = tuple(round(value, 4) for value in columns["confidence"])
    schema = table_schema()
    try:
        arrays = [pa.array(columns[name], schema.field(name).type) for name in TableRow._fields]
    except UnicodeEncodeError:
        # A lone surrogate, in an id mostly, has no UTF-8: better a question mark than no table.
        arrays = [pa.array(map(_whole, columns[name]), schema.field(name).type) for name in TableRow._fields]
    return pa.record_batch(arrays, schema=schema)


def _whole(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_whole, value))
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


def _lines(
    path: Path, stack: ExitStack, form: "Callable[[RecordBatch], memoryview]", header: bytes
) -> "Callable[[RecordBatch], None]":
    file = stack.enter_context(path.open("wb"))
    file.write(header)

    def put(batch: "RecordBatch") -> None:
        file.write(form(batch))

    return put


def _parquet(path: Path, stack: ExitStack) -> "Callable[[RecordBatch], None]":
    from pyarrow import parquet

    schema = table_schema()
    # Ids differ from row to row: to look for a dictionary of them is a third of the time that writing takes.
    repeating = ["primary_id", "primary", "all.list.element", "source", "reason"]
    writer = stack.enter_context(parquet.ParquetWriter(path, schema, use_dictionary=repeating))

    def put(batch: "RecordBatch") -> None:
        writer.write_batch(plain_columns(batch, schema))

    return put
