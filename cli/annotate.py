"""`tnt annotate`: a blind sheet of documents for people to label."""

from pathlib import Path

from .console import say


def write_sheet(workspace: Path, run: str, *, sheet: Path, count: int, seed: int) -> None:
    """Write the sheet, and say what to do with it."""
    from ..graph.evaluation import write_annotation_sheet

    written, key = write_annotation_sheet(workspace, run, sheet, count=count, seed=seed)
    say(f"{sheet}: {written:,} documents to label; {key}: the categories")
    say(
        "Fill the column 'label' with names or numbers of categories, or 'undefined'; each person a copy of the file."
    )
    say(f"Then: tnt evaluate -w {workspace} {run} --human {sheet}")
