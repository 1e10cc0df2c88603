"""Labels of documents that were there before: they stay, unless an edit touched them."""

from collections.abc import Sequence
from dataclasses import replace

from ..checkpoints.labels import LabelRow, Source
from ..taxonomy.lineage import follow
from ..tools.relabel import plan_relabel
from .context import Context


def carried_over(context: Context, version: str, numbers: Sequence[int]) -> dict[int, LabelRow]:
    """The labels that documents keep from the run that this one goes on from, by number.

    A new document whose text was there before gets the label of the first that has it. What the edits put in question
    is left out: the classifier labels it. Empty in a run that began by itself, and where the user went back before the
    taxonomy that it goes on from.
    """
    base = context.base
    line = context.workspace.versions.path(version)
    start = next((place for place, known in enumerate(line) if base and known.id == base.version), None)
    if base is None or start is None:
        return {}
    alike = context.workspace.documents.first_alike(
        [number for number in numbers if number >= base.count], before=base.count
    )
    old = [number for number in numbers if number < base.count]
    rows = context.workspace.labels.of(context.run, base.version, sorted({*old, *alike.values()}))
    kept = {row.number: row for row in plan_relabel(follow(line[start:]), rows, {}).kept}
    found = {}
    for number in [*old, *alike]:
        row = kept.get(alike.get(number, number))
        if row is not None:
            # Only what somebody has labelled is learnt from, whatever name it has now.
            source = Source.STUDENT if rows[row.number].source is Source.STUDENT else row.source
            found[number] = replace(row, number=number, source=source)
    return found
