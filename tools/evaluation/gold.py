"""Gold labels: read from a file, joined to the documents by id. They are compared with labels, and shown to nobody."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import CorpusError, SettingsError
from .records import read_records

UNKNOWN = -1
_BETWEEN = "|"
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldFile:
    """Where gold labels are.

    Attributes:
        path: CSV, TSV, JSONL or Parquet.
        column: the labels: one a document, or several as a list or with "|" between.
        id_column: the documents' ids; None for `id` where there is such a column, else the row's number from 0, as
            `tnt run` numbers them.
        parent_column: the class above; None where there is one level.
        catch_all: classes that only say that no other fits.
    """

    path: Path
    column: str
    id_column: str | None = None
    parent_column: str | None = None
    catch_all: tuple[str, ...] = ()

    @classmethod
    def asked_for(
        cls,
        path: Path | str | None,
        *,
        column: str | None,
        id_column: str | None = None,
        parent_column: str | None = None,
        catch_all: Sequence[str] = (),
    ) -> Self | None:
        """What somebody wants, None where that is nothing.

        Raises:
            SettingsError: the column is missing, or something is said of a file that is not given.
        """
        if path is None:
            for option, given in (
                ("--gold-column", column),
                ("--gold-id-column", id_column),
                ("--gold-parent-column", parent_column),
                ("--catch-all", catch_all),
            ):
                if given:
                    raise SettingsError(f"{option} is about gold labels: give their file with --gold FILE")
            return None
        if column is None:
            raise SettingsError(f"--gold {path} needs --gold-column: the name of its column of labels")
        return cls(
            path=Path(path),
            column=column,
            id_column=id_column,
            parent_column=parent_column,
            catch_all=tuple(catch_all),
        )


@dataclass(frozen=True, slots=True)
class Classes:
    """One gold class a document.

    Attributes:
        names: of the g classes that are no catch-all, in alphabetical order.
        codes: int64 [n]: place of the class, g for a catch-all, -1 where the class is not known.
        catch_all: names of the catch-all classes.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int64]
    catch_all: tuple[str, ...]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Documents whose class is known, bool [n]."""
        return self.codes >= 0

    @property
    def has_catch_all(self) -> bool:
        """Whether any document is of a catch-all class."""
        return bool((self.codes == len(self.names)).any())

    @classmethod
    def of(cls, labels: Sequence[str | None], catch_all: Iterable[str] = ()) -> "Classes":
        """From a name for each document; None where it is not known."""
        every = tuple(catch_all)
        names = tuple(sorted({label for label in labels if label is not None} - set(every)))
        places: dict[str | None, int] = {name: place for place, name in enumerate(names)}
        places |= dict.fromkeys(every, len(names)) | {None: UNKNOWN}
        return cls(names, np.array([places[label] for label in labels], dtype=np.int64), every)


@dataclass(frozen=True, slots=True)
class Gold:
    """Gold labels of n documents, in their order.

    Attributes:
        classes: one class a document; None where documents have several.
        sets: all classes of each document, None where they are not known; None where documents have one each.
        parents: one class above, a document; None where there is one level.
        catch_all: names of the classes that only say that no other fits.
        notes: sentences about what did not fit together.
    """

    classes: Classes | None
    sets: tuple[frozenset[str] | None, ...] | None
    parents: Classes | None
    catch_all: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_gold(file: GoldFile, ids: Sequence[str]) -> Gold:
    """The gold labels of these documents.

    A document whose id the file does not have, or has without a label, is left out of every comparison, and so are the
    file's other rows; notes tell how many. Documents that share an id share its label.

    Raises:
        CorpusError: the file cannot be read, has no label for any document, or two different ones for one id.
        SettingsError: a catch-all is none of its classes.
    """
    found = _read(file)
    known = [found.get(id_) for id_ in ids]
    joined = sum(row is not None and bool(row.labels) for row in known)
    if not joined:
        raise CorpusError(_nothing_joined(file, found, ids))
    labels = [row.labels if row is not None else () for row in known]
    notes = _notes(file, found, ids, joined)
    parents = None
    if file.parent_column is not None:
        above = [row.parent if row is not None else None for row in known]
        parents = Classes.of(above, [name for name in file.catch_all if name in above])
    several = max(map(len, labels)) > 1
    present = {name for row in found.values() for name in (*row.labels, *filter(None, [row.parent]))}
    if strange := [name for name in file.catch_all if name not in present]:
        raise SettingsError(
            f"--catch-all {strange[0]!r} is no class in the column {file.column!r} of {file.path}. "
            f"Its classes: {_listed(sorted(present), 10)}."
        )
    if several:
        sets = tuple(frozenset(row) if row else None for row in labels)
        return Gold(None, sets, parents, file.catch_all, notes)
    single = [row[0] if row else None for row in labels]
    classes = Classes.of(single, [name for name in file.catch_all if name in single])
    return Gold(classes, None, parents, file.catch_all, notes)


@dataclass(frozen=True, slots=True)
class _Row:
    row: int
    labels: tuple[str, ...]
    parent: str | None


def _read(file: GoldFile) -> dict[str, _Row]:
    needed = {file.column: "--gold-column"}
    if file.id_column is not None:
        needed[file.id_column] = "--gold-id-column"
    if file.parent_column is not None:
        needed[file.parent_column] = "--gold-parent-column"
    found: dict[str, _Row] = {}
    for row, record in read_records(file.path, needed):
        key = file.id_column or "id"
        id_ = str(record[key]) if key in record else str(row - 1)
        parent = _text(record[file.parent_column]) if file.parent_column is not None else ""
        this = _Row(row, _labels(record[file.column]), parent or None)
        before = found.setdefault(id_, this)
        if (before.labels, before.parent) != (this.labels, this.parent):
            raise CorpusError(
                f"{file.path} has two gold labels for the id {id_!r}: {_BETWEEN.join(before.labels) or 'none'} in "
                f"row {before.row} and {_BETWEEN.join(this.labels) or 'none'} in row {row}. Keep one of them."
            )
    return found


def _labels(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list | tuple) else _text(value).split(_BETWEEN)
    return tuple(dict.fromkeys(filter(None, map(_text, parts))))


def _text(value: Any) -> str:
    if value is None or value != value:  # NaN, as pandas writes what is missing
        return ""
    return str(value).strip()


def _notes(file: GoldFile, found: dict[str, _Row], ids: Sequence[str], joined: int) -> tuple[str, ...]:
    notes = []
    if joined < len(ids):
        without = [id_ for id_ in ids if id_ not in found or not found[id_].labels]
        notes.append(
            f"{len(ids) - joined:,} of {len(ids):,} documents have no gold label in {file.path.name} "
            f"({_listed(without, _SHOWN)}) and are left out where gold is needed."
        )
    there = set(ids)
    if others := sum(id_ not in there for id_ in found):
        notes.append(f"{others:,} of {len(found):,} ids in {file.path.name} are no document of this run.")
    if repeated := sum(count for count in Counter(ids).values() if count > 1):
        notes.append(f"{repeated:,} documents share their id with another one: they got the same gold label.")
    return tuple(notes)


def _nothing_joined(file: GoldFile, found: dict[str, _Row], ids: Sequence[str]) -> str:
    if not any(row.labels for row in found.values()):
        return f"{file.path} has {len(found):,} rows and no label in its column {file.column!r}."
    return (
        f"None of the {len(ids):,} documents is among the {len(found):,} ids of {file.path}. The run has ids like "
        f"{_listed(ids, _SHOWN)}; the file has {_listed(list(found), _SHOWN)}. Name its column of ids with "
        "--gold-id-column."
    )


def _listed(names: Sequence[str], most: int) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return f"{shown}, ..." if len(names) > most else shown
