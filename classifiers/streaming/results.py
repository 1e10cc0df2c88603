"""A batch of predictions as Arrow columns: numbers while it is under way, a table of labels in the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from ..predictions import UNDEFINED, Predictions
from ..tables import TableRow

if TYPE_CHECKING:
    from pyarrow import Array, Buffer, RecordBatch, StringArray


class Source(IntEnum):
    """Who gave a label; the names, in small letters, are what stands in the table."""

    STUDENT = 0
    ABSTAINED = 1
    LLM = 2


@dataclass(frozen=True, slots=True)
class Names:
    """The labels of a classifier as the table shows them.

    Attributes:
        ids: of the categories, in the classifier's order.
        names: likewise.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Labelled:
    """A batch that was labelled.

    Attributes:
        rows, undefined, abstained: how many; those of which the classifier abstained are undefined too.
        stream: the columns as an Arrow IPC stream (see `numbers`).
    """

    rows: int
    undefined: int
    abstained: int
    stream: "Buffer | bytes"


def labelled(ids: "StringArray", found: Predictions) -> Labelled:
    """The predictions for the texts of these ids."""
    batch = numbers(ids, found)
    return Labelled(len(found), int((found.primary < 0).sum()), int(found.abstained.sum()), ipc_stream(batch))


def numbers(ids: "StringArray", found: Predictions) -> "RecordBatch":
    """Columns of n rows, labels as numbers: `id`, `primary` (-1 is undefined), `all` (the primary first, empty for
    undefined), `confidence` with four decimals, `source`.
    """
    import pyarrow as pa

    inside = found.primary >= 0
    others = np.diff(found.offsets)
    offsets = np.concatenate([[0], np.cumsum(np.where(inside, others + 1, 0))]).astype(np.int32)
    every = np.empty(offsets[-1], dtype=np.int32)
    is_first = np.zeros(offsets[-1], dtype=bool)
    is_first[offsets[:-1][inside]] = True
    every[is_first] = found.primary[inside]
    every[~is_first] = found.also[np.repeat(inside, others)]
    source = np.where(found.abstained, Source.ABSTAINED, Source.STUDENT).astype(np.int8)
    if found.asked is not None:
        source[found.asked] = Source.LLM
    columns: dict[str, Any] = {
        "id": ids,
        "primary": pa.array(found.primary.astype(np.int32)),
        "all": pa.ListArray.from_arrays(pa.array(offsets), pa.array(every)),
        "confidence": pa.array(np.rint(found.confidence * 10_000) / 10_000),
        "source": pa.array(source),
    }
    return pa.record_batch(columns)


def table_batch(batch: "RecordBatch", names: Names) -> "RecordBatch":
    """The rows of `numbers` as columns of a `TableRow`."""
    import pyarrow as pa

    primary = batch.column("primary").to_numpy()
    undefined = primary < 0
    every = batch.column("all")
    columns = {
        "id": batch.column("id"),
        "primary_id": _worded(primary, names.ids, missing=undefined),
        "primary": _worded(np.where(undefined, len(names.names), primary), (*names.names, UNDEFINED)),
        "all": pa.ListArray.from_arrays(every.offsets, _worded(every.values.to_numpy(), names.names)),
        "confidence": batch.column("confidence"),
        "source": _worded(batch.column("source").to_numpy(), [source.name.lower() for source in Source]),
        "reason": _worded(np.zeros(len(batch), dtype=np.int32), [""]),
    }
    return pa.record_batch([columns[name] for name in TableRow._fields], names=list(TableRow._fields))


def _worded(places: Any, words: Sequence[str], missing: Any = None) -> "Array":
    import pyarrow as pa

    indices = pa.array(places.astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))


def ipc_stream(batch: "RecordBatch") -> "Buffer":
    """The batch as one complete Arrow IPC stream; such streams can stand one behind the other in a file."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()
