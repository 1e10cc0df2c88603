"""Columns of text as Arrow arrays, mended as `read_corpus` mends single texts, but whole columns at a time."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..taxonomy.errors import CorpusError
from .database import storable
from .formats import as_text, find_columns, not_utf8

if TYPE_CHECKING:
    from pyarrow import Array, StringArray
    from pyarrow.parquet import ParquetFile


def arrow_strings(values: Sequence[str | None]) -> "StringArray":
    """The texts as an Arrow column: null characters removed, half surrogate pairs replaced; None is null."""
    import pyarrow as pa

    try:
        array = pa.array(values, pa.string())
    except UnicodeEncodeError:
        array = pa.array([None if value is None else storable(value) for value in values], pa.string())
    return _without_null_characters(array)


def numbered(ids: "StringArray | None", first: int, count: int) -> "StringArray":
    """The ids, with the row's number, counted from `first`, where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if ids is not None and not ids.null_count:
        return ids
    numbers = pa.array(range(first, first + count), pa.int64()).cast(pa.string())
    return numbers if ids is None else pc.coalesce(ids, numbers)


def parquet_columns(
    path: Path,
    *,
    text_column: str,
    id_column: str | None,
    rows: int,
    size: int,
    told: Callable[[int], None],
) -> Iterator[tuple["StringArray | None", "StringArray"]]:
    """Ids (None where there is no such column) and texts of a Parquet file; only the columns needed are read.

    Args:
        path: the file.
        text_column: column of the text.
        id_column: column of the id.
        rows: most rows at a time.
        size: about so many bytes of text at a time, at most.
        told: is called with the number of rows of the file.

    Raises:
        CorpusError: as `read_corpus`.
    """
    import pyarrow
    import pyarrow.parquet

    row = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            told(file.metadata.num_rows)
            names = file.schema_arrow.names
            text_at, id_at = find_columns(names, str(path), text_column, id_column)
            wanted = [names[at] for at in (text_at, id_at) if at is not None]
            most = max(1, min(rows, size // max(1, _bytes_per_row(file, text_column))))
            for batch in file.iter_batches(batch_size=most, columns=wanted):
                texts = _texts(batch.column(names[text_at]), path, row)
                ids = None if id_at is None else _ids(batch.column(names[id_at]), path, row)
                # A dictionary on disk tells little of the texts' size.
                step = max(1, len(texts) * size // max(texts.nbytes, size, 1))
                for start in range(0, len(texts), step):
                    yield None if ids is None else ids.slice(start, step), texts.slice(start, step)
                row += len(texts)
    except (pyarrow.ArrowException, OSError) as error:
        raise CorpusError(f"{path} cannot be read as Parquet: {error}. Check that it is complete.") from error


def _bytes_per_row(file: "ParquetFile", name: str) -> int:
    """Mean size of a value of the column, of the file's fullest row group."""
    most = 0
    for number in range(file.metadata.num_row_groups):
        group = file.metadata.row_group(number)
        for at in range(group.num_columns):
            column = group.column(at)
            if column.path_in_schema == name and group.num_rows:
                most = max(most, column.total_uncompressed_size // group.num_rows)
    return most


def _texts(column: "Array", path: Path, first: int) -> "StringArray":
    import pyarrow.compute as pc

    whole = _as_strings(column)
    if whole is None:
        return arrow_strings(_one_by_one(column, path, first))
    return _without_null_characters(pc.fill_null(whole, "") if whole.null_count else whole)


def _ids(column: "Array", path: Path, first: int) -> "StringArray":
    import pyarrow as pa

    whole = column.cast(pa.string()) if pa.types.is_integer(column.type) else _as_strings(column)
    if whole is None:
        told = _one_by_one(column, path, first)
        return arrow_strings(
            [text if valid.as_py() else None for text, valid in zip(told, column.is_valid(), strict=True)]
        )
    return _without_null_characters(whole)


def _as_strings(column: "Array") -> "StringArray | None":
    """The column as strings, its nulls kept; None where its values have to be looked at one by one."""
    import pyarrow as pa

    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    try:
        if kind is not column.type:
            column = column.dictionary_decode()
        column.validate(full=True)  # that it is UTF-8: the reader takes the file's word for it
        return column.cast(pa.string())
    except pa.ArrowInvalid:
        return None


def _one_by_one(column: "Array", path: Path, first: int) -> list[str]:
    """Its values as texts, with the row in every error."""
    texts = []
    for row, value in enumerate(column, first + 1):
        try:
            texts.append(as_text(value.as_py(), f"{path}, row {row}"))
        except UnicodeDecodeError as error:
            raise not_utf8(str(path), row, error) from error
    return texts


def _without_null_characters(array: "StringArray") -> "StringArray":
    import pyarrow.compute as pc

    if pc.any(pc.match_substring(array, "\0")).as_py():
        return pc.replace_substring(array, "\0", "")
    return array
