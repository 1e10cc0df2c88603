"""Labels follow the taxonomy: which ones an edit leaves standing, and which documents are asked again.

Pure: from the labels of an earlier version, the edits since, and where each document lies now.

A label stays exactly as it is unless an edit touched its category. These are asked again:

- documents of a category that was split or removed, has got others below it, or means something else by a new
  description;
- where a description is new: documents that nothing spoke clearly for, and undefined ones, which lie nearest to that
  category; and unclear ones that it was another label of;
- where a category is new: the undefined ones, the unclear ones, and those that lie nearest to it, however sure
  their label was when it could not be chosen yet;
- documents that have no label.

What a person has labelled is asked again only when the category is no longer there in that meaning.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..checkpoints.labels import LabelRow, Source
from ..taxonomy.lineage import Lineage

LOW = 0.6
"""Confidence below which a label counts as unclear: another category may have had nearly as much for it."""


@dataclass(frozen=True, slots=True)
class Relabel:
    """What becomes of the labels of an earlier version.

    Attributes:
        kept: rows that hold under the new one, by number, ascending. A row that names other categories than before is
            of the source `lineage`, unless a person labelled it.
        ask: numbers of the documents to ask about, ascending.
    """

    kept: tuple[LabelRow, ...]
    ask: tuple[int, ...]


def plan_relabel(
    lineage: Lineage,
    rows: Mapping[int, LabelRow],
    nearest: Mapping[int, str | None],
    *,
    low: float = LOW,
) -> Relabel:
    """Divide documents into those that keep their label and those that are asked again.

    Args:
        lineage: from the version that the rows are of to the one that counts now.
        rows: labels of the earlier version by number.
        nearest: for each document in question, the category of the new version that it lies nearest to; None where it
            fits none. A document that is here and has no row is asked.
        low: confidence below which a label is unclear.
    """
    kept: list[LabelRow] = []
    ask: list[int] = []
    for number in sorted({*rows, *nearest}):
        row = rows.get(number)
        if row is None or _is_open(row, lineage, nearest.get(number), low):
            ask.append(number)
        else:
            kept.append(_carried(row, lineage))
    return Relabel(tuple(kept), tuple(ask))


def _is_open(row: LabelRow, lineage: Lineage, near: str | None, low: float) -> bool:
    """Whether the edits put this label in question."""
    if row.primary is not None and lineage.current(row.primary) is None:
        return True
    if row.source is Source.HUMAN:
        return False
    # A category that is there, and yet labels must be asked again: its description is new.
    is_near_to_redefined = near in lineage.reask
    if row.primary is None:
        return bool(lineage.born) or is_near_to_redefined
    if near in lineage.born and near != lineage.current(row.primary):
        return True
    if row.confidence >= low:
        return False
    return (
        bool(lineage.born) or is_near_to_redefined or any(lineage.current(also) is None for also in row.all)
    )


def _carried(row: LabelRow, lineage: Lineage) -> LabelRow:
    """The row in the words of the new version."""
    if row.primary is None:
        return row
    primary = lineage.current(row.primary)
    targets = [lineage.current(also) for also in row.all]
    every = tuple(dict.fromkeys(target for target in targets if target is not None))
    if (primary, every) == (row.primary, row.all):
        return row
    source = row.source if row.source is Source.HUMAN else Source.LINEAGE
    return replace(row, primary=primary, all=every, source=source)
