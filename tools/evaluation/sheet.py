"""The sheet that people label: which documents are on it, how it is written, and how it is read when it comes back.

It is blind: it shows no label of anybody's, and its order tells nothing.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...checkpoints.files import write_atomic
from ...classifiers.table_formats import spreadsheet_safe
from ...taxonomy.document import Document
from ...taxonomy.errors import CorpusError
from ...taxonomy.values import Taxonomy
from .outcome import UNDEFINED, Answers
from .records import read_records

COLUMNS = ("id", "text", "label")
UNDEFINED_NAME = "undefined"
_LEAST_EACH = 3
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Sheet:
    """What one person said.

    Attributes:
        name: of the person: the file's, without its ending.
        labels: by row of the run's documents, the place of the category; -1 is undefined.
        notes: sentences about what is missing.
    """

    name: str
    labels: Mapping[int, int]
    notes: tuple[str, ...] = ()


def choose_documents(
    labels: Answers, first: NDArray[np.bool_], usable: NDArray[np.bool_], count: int, seed: int
) -> list[int]:
    """Rows for a sheet, in the order in which they stand on it.

    Documents of `first` come before others: those that the LLM labelled can be compared with everybody. Every category,
    `undefined` too, has three documents where it has as many, and the rest are drawn at random.

    Args:
        labels: of the run.
        first, usable: bool [n]; only usable ones are drawn.
        count: how many documents are wanted.
        seed: of what is drawn.
    """
    draw = np.random.default_rng(seed)
    shuffled = draw.permutation(np.flatnonzero(usable))
    # A stable sort: at random within both groups.
    shuffled = shuffled[np.argsort(~first[shuffled], kind="stable")]
    chosen: dict[int, None] = {}
    taken: dict[int, int] = {}
    for row in shuffled.tolist():
        category = int(labels.primary[row])
        if taken.get(category, 0) < _LEAST_EACH:
            taken[category] = taken.get(category, 0) + 1
            chosen[row] = None
    # Where there is no room for three of each, none of a category comes before the first of all.
    rank = {row: place for place, row in enumerate(_in_turn(list(chosen), labels))}
    wanted = sorted(chosen, key=rank.__getitem__) + [row for row in shuffled.tolist() if row not in chosen]
    return [int(row) for row in draw.permutation(np.array(wanted[: max(count, 0)], dtype=np.int64))]


def _in_turn(rows: Sequence[int], labels: Answers) -> list[int]:
    """The first of each category, then the second of each."""
    seen: dict[int, int] = {}
    turns = []
    for row in rows:
        category = int(labels.primary[row])
        turns.append((seen.get(category, 0), row))
        seen[category] = seen.get(category, 0) + 1
    order = sorted(range(len(rows)), key=lambda place: turns[place][0])
    return [rows[place] for place in order]


def write_sheet(path: Path, documents: Sequence[Document], taxonomy: Taxonomy) -> Path:
    """Write the sheet, and beside it the categories with their descriptions; returns where these are.

    Both are CSV that no spreadsheet takes for formulas.

    Raises:
        StorageError: the disk is full or a file cannot be written.
    """
    key = path.with_name(f"{path.stem}-categories.csv")
    parents = {category.id: category.name for category in taxonomy}
    rows = [
        (str(number), leaf.name, leaf.description, parents.get(leaf.parent or "", ""))
        for number, leaf in enumerate(taxonomy.leaves, 1)
    ]
    rows.append(("", UNDEFINED_NAME, "Belongs to none of these.", ""))
    write_atomic(key, _csv([("number", "name", "description", "part of"), *rows]))
    write_atomic(path, _csv([COLUMNS, *((document.id, document.text, "") for document in documents)]))
    return key


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [[spreadsheet_safe(cell) for cell in row] for row in rows]
    )
    # With a byte order mark Excel takes it for UTF-8.
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8", "replace")


def read_sheet(path: Path, documents: Sequence[Document], taxonomy: Taxonomy) -> Sheet:
    """What a person filled in: a category's name or number, or `undefined`; case and space around do not matter.

    Args:
        path: the sheet, as CSV however a spreadsheet has saved it, TSV, JSONL or Parquet.
        documents: of the run, by row.
        taxonomy: that the sheet was written for.

    Raises:
        CorpusError: the sheet cannot be read, holds a label or a document that is not there, gives one document two
            labels, or no label at all; the message names the row.
    """
    meanings = _meanings(taxonomy)
    lookup = _Lookup(documents)
    labels: dict[int, int] = {}
    given_in: dict[int, int] = {}
    empty: list[int] = []
    strange: list[str] = []
    missing: list[str] = []
    count = 0
    for row, record in read_records(path, dict.fromkeys(COLUMNS, "its head: tnt annotate writes it")):
        count += 1
        label = "" if record["label"] is None else str(record["label"]).strip()
        if not label:
            empty.append(row)
            continue
        document = lookup.find(_as_text(record["id"]), _as_text(record["text"]))
        place = meanings.get(_key(label))
        if document is None:
            missing.append(f"row {row} ({record['id']!r})")
        elif place is None:
            strange.append(f"row {row} ({label!r})")
        elif labels.setdefault(document, place) != place:
            raise CorpusError(
                f"{path}, row {row}: the document {record['id']!r} got another label in row {given_in[document]}. "
                "Keep one of them."
            )
        else:
            given_in.setdefault(document, row)
    if missing:
        raise CorpusError(
            f"{path}: {len(missing)} of {count} rows are of no document of this run: {_listed(missing)}. "
            "Is it a sheet of another run or corpus?"
        )
    if strange:
        raise CorpusError(
            f"{path}: {len(strange)} labels are no category: {_listed(strange)}. Write one of: "
            f"{', '.join(leaf.name for leaf in taxonomy.leaves)}, {UNDEFINED_NAME}; or its number."
        )
    if not labels:
        raise CorpusError(f"{path} has {count} rows and no label in any of them: fill its column 'label'.")
    notes: tuple[str, ...] = ()
    if empty:
        notes = (
            f"{path.name}: {len(empty)} of {count} rows have no label, the first is row {empty[0]}; they are left out.",
        )
    return Sheet(path.stem, labels, notes)


def _meanings(taxonomy: Taxonomy) -> dict[str, int]:
    """What can be written in the sheet; a name counts before a number."""
    numbers = {str(place + 1): place for place in range(len(taxonomy.leaves))}
    names = {_key(leaf.name): place for place, leaf in enumerate(taxonomy.leaves)}
    safe = {_key(spreadsheet_safe(leaf.name)): place for place, leaf in enumerate(taxonomy.leaves)}
    return numbers | {UNDEFINED_NAME: UNDEFINED} | safe | names


def _key(label: str) -> str:
    return " ".join(label.casefold().split())


def _as_text(value: object) -> str:
    return "" if value is None else str(value)


def _listed(faults: Sequence[str]) -> str:
    return ", ".join(faults[:_SHOWN]) + (", ..." if len(faults) > _SHOWN else "")


class _Lookup:
    """Rows of documents by id, and by text where the id is not enough: spreadsheets make 7 of 007, and ids repeat."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._by_id: dict[str, list[int]] = {}
        self._by_text: dict[str, int] = {}
        for row, document in enumerate(documents):
            for id_ in {document.id, spreadsheet_safe(document.id)}:
                self._by_id.setdefault(id_, []).append(row)
            self._by_text.setdefault(_key(spreadsheet_safe(document.text)), row)
        self._texts = documents

    def find(self, id_: str, text: str) -> int | None:
        rows = self._by_id.get(id_, [])
        if len(rows) == 1:
            return rows[0]
        same = [row for row in rows if _key(spreadsheet_safe(self._texts[row].text)) == _key(text)]
        if same:
            return same[0]
        return self._by_text.get(_key(text)) if text.strip() else None
