"""The result as files that other programs read: `taxonomy.json`, `labels.parquet` and `labels.csv`."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

from ..checkpoints.files import write_atomic
from ..checkpoints.labels import LabelRow
from ..classifiers.tables import LabelWriter, TableRow
from ..taxonomy.document import Document
from ..taxonomy.values import Taxonomy

LABEL_FILES = ("labels.parquet", "labels.csv")
UNDEFINED = "undefined"
_CHUNK = 4096


def export_taxonomy(
    path: Path,
    *,
    use_case: str,
    version: str,
    taxonomy: Taxonomy,
    counts: Mapping[str | None, int],
    documents_by_number: Mapping[int, Document],
) -> None:
    """Write a taxonomy as JSON; the file is replaced as a whole.

    Args:
        path: where to.
        use_case: what the user wanted to learn.
        version: the version's id.
        taxonomy: its categories, written in their order.
        counts: documents by primary category id; None stands for `undefined`.
        documents_by_number: at least the exemplars; one that is not there is left out.

    Raises:
        StorageError: the disk is full or the file cannot be written.
    """
    categories = [
        {
            "id": category.id,
            "name": category.name,
            "description": category.description,
            "parent": category.parent,
            "exemplars": [
                documents_by_number[number].id
                for number in category.exemplars
                if number in documents_by_number
            ],
            "count": counts.get(category.id, 0),
        }
        for category in taxonomy
    ]
    content = {
        "use_case": use_case,
        "version": version,
        "categories": categories,
        "undefined": counts.get(None, 0),
    }
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    # An id from a JSONL corpus may hold half a surrogate pair, which UTF-8 cannot.
    write_atomic(path, text.encode("utf-8", "replace"))


def export_labels(folder: Path, rows: Iterable[TableRow]) -> int:
    """Write `labels.parquet` and `labels.csv` into `folder`, in the order of `rows`, in flat memory.

    If anything fails before the last row is written, both files stay as they were.

    Returns:
        how many rows there were.

    Raises:
        StorageError: the disk is full or a file cannot be written.
    """
    remaining = iter(rows)
    count = 0
    with ExitStack() as stack:
        writers = [stack.enter_context(LabelWriter(folder / name)) for name in LABEL_FILES]
        while chunk := list(islice(remaining, _CHUNK)):
            count += len(chunk)
            for writer in writers:
                writer.write(chunk)
    return count


def table_rows(
    documents: Iterable[Document], labels: Iterable[LabelRow], taxonomy: Taxonomy
) -> Iterator[TableRow]:
    """One row for each document, its label worded with the names of `taxonomy`.

    A document without a label, or with one that `taxonomy` does not have, is `undefined`. Categories that
    `taxonomy` does not have are left out of `all`.

    Args:
        documents: by number, ascending.
        labels: by number, ascending; some may be missing.
        taxonomy: the version that the labels are of.
    """
    names = {category.id: category.name for category in taxonomy}
    upcoming = iter(labels)
    label = next(upcoming, None)
    for document in documents:
        while label is not None and label.number < document.number:
            label = next(upcoming, None)
        if label is None or label.number != document.number:
            yield TableRow(document.id, None, UNDEFINED, (), 0.0, "", "")
            continue
        known = label.primary if label.primary in names else None
        yield TableRow(
            id=document.id,
            primary_id=known,
            primary=UNDEFINED if known is None else names[known],
            all=tuple(names[category_id] for category_id in label.all if category_id in names),
            confidence=label.confidence,
            source=str(label.source),
            reason=label.reason,
        )
