"""A batch of labels as lines of CSV or JSON: whole columns at a time, since row by row it costs as much as to classify.

Each text of a column is looked at by one regular expression; Python handles those few that hold something odd.
"""

import csv
import io
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pyarrow import Array, ListArray, RecordBatch, Schema, StringArray

# A spreadsheet runs a cell that starts with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Between the names in the one CSV cell of `all`.
_BETWEEN = "|"
# What a text that csv or json would not write as it is holds; more may match.
_ODD_IN_CSV = r'^[=+\-@\t]|[",\r\n]'
_ODD_IN_JSON = r'["\\\x00-\x1f]'


def csv_header(names: Sequence[str]) -> bytes:
    """The first line of a CSV file."""
    return (",".join(names) + "\n").encode()


def csv_lines(batch: "RecordBatch") -> memoryview:
    """The rows as UTF-8 lines of CSV.

    A text that a spreadsheet would run gets an apostrophe before it; a list is one cell with "|" between.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    cells = []
    for column in batch.columns:
        if pa.types.is_floating(column.type):
            cells.append(_decimals(column, "{:.4f}".format))
            continue
        texts = (
            pc.binary_join(_list_of(column, _plain), _BETWEEN) if pa.types.is_list(column.type) else column
        )
        cells.append(_changed(texts, _ODD_IN_CSV, _csv_cell).fill_null(""))
    return _bytes(pc.binary_join_element_wise(pc.binary_join_element_wise(*cells, ","), "\n", ""))


def json_lines(batch: "RecordBatch") -> memoryview:
    """The rows as UTF-8 lines of JSON objects."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts: list[Any] = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        parts.append(("{" if not parts else ", ") + json.dumps(name) + ": ")
        if pa.types.is_floating(column.type):
            parts.append(_decimals(column, repr))
        elif pa.types.is_list(column.type):
            parts += ["[", pc.binary_join(_list_of(column, _json_strings), ", "), "]"]
        else:
            parts.append(_json_strings(column).fill_null("null"))
    return _bytes(pc.binary_join_element_wise(*parts, "}\n", ""))


def plain_columns(batch: "RecordBatch", schema: "Schema") -> "RecordBatch":
    """The same with plain strings in place of dictionaries."""
    import pyarrow as pa

    columns = [_list_of(one, _plain) if pa.types.is_list(one.type) else _plain(one) for one in batch.columns]
    return pa.record_batch(columns, schema=schema)


def _plain(column: "Array") -> "Array":
    import pyarrow as pa

    return column.dictionary_decode() if pa.types.is_dictionary(column.type) else column


def _list_of(column: "ListArray", change: "Callable[[Array], Array]") -> "ListArray":
    """The same lists with other values."""
    import pyarrow as pa

    return pa.ListArray.from_arrays(column.offsets, change(column.values))


def _changed(column: "Array", odd: str, change: Callable[[str], str]) -> "StringArray":
    """The texts, those that match `odd` changed; null stays null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        return _changed(column.dictionary, odd, change).take(column.indices)
    which = pc.match_substring_regex(column, odd).fill_null(False)
    if not which.true_count:
        return column
    return pc.replace_with_mask(
        column, which, pa.array(map(change, column.filter(which).to_pylist()), pa.string())
    )


def _json_strings(column: "Array") -> "StringArray":
    import pyarrow.compute as pc

    return pc.binary_join_element_wise('"', _changed(column, _ODD_IN_JSON, _json_cell), '"', "")


def _decimals(column: "Array", form: Callable[[float], str]) -> "StringArray":
    """Numbers with four decimals, each different one put into words once."""
    import pyarrow as pa

    steps, places = np.unique(np.rint(column.to_numpy(zero_copy_only=False) * 10_000), return_inverse=True)
    return pa.array([form(float(step) / 10_000) for step in steps], pa.string()).take(pa.array(places))


def spreadsheet_safe(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would run it, and lines that end as csv expects.

    A carriage return becomes a line feed: Python 3.11's csv module writes it unquoted, which breaks the row.
    """
    text = f"'{text}" if text.startswith(_FORMULA) else text
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _csv_cell(text: str) -> str:
    """A cell as csv writes it."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow([spreadsheet_safe(text), ""])
    return line.getvalue()[: -len(",\n")]


def _json_cell(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _bytes(lines: "StringArray") -> memoryview:
    """The texts behind each other; the array must be fresh, no slice of another."""
    end = int(np.frombuffer(lines.buffers()[1], dtype=np.int32)[len(lines)]) if len(lines) else 0
    return memoryview(lines.buffers()[2])[:end] if end else memoryview(b"")
