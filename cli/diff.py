"""`tnt diff`: what lies between two taxonomies."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .console import out, say

if TYPE_CHECKING:
    from ..tools.comparison import Comparison

_STYLES = {"Added": "green", "Only after": "green", "Gone": "red", "Only before": "red"}


def show_diff(workspace: Path, run: str, a: str, b: str, *, as_json: bool) -> None:
    """Print the comparison of two points, for people or as JSON.

    Args:
        workspace: the folder.
        run: what steps are of.
        a, b: steps, versions or runs; "-" or "" for the newest step.
        as_json: for machines.
    """
    from ..graph.difference import compare_points, find_point

    one, other = find_point(workspace, run, a), find_point(workspace, run, b)
    comparison = compare_points(workspace, one, other)
    if as_json:
        ends = {
            name: {"point": point.text, "run": point.run, "version": point.version.id}
            for name, point in (("from", one), ("to", other))
        }
        # ASCII: what a document or a model wrote cannot reach a terminal as an escape sequence.
        out().file.write(json.dumps({**ends, **comparison.to_dict()}, indent=2) + "\n")
        return
    before, after = len(comparison.before), len(comparison.after)
    say(f"From {one.text} ({_count(before)}) to {other.text} ({_count(after)})", style="bold")
    if how := _HOW.get(comparison.matched_by.value):
        say(how, style="dim")
    for line in comparison.lines():
        head = line.split(" “")[0].removesuffix(":")
        say(f"  {line}", style=_STYLES.get(head, ""))
    say(_rest(comparison))


_HOW = {
    "documents": "No history in common: matched by the texts that have a label of both",
    "names": "No history in common, and no text has a label of both: matched by name",
}


def _rest(comparison: "Comparison") -> str:
    """What is the same."""
    kept = len(comparison.kept)
    same = (
        "Nothing differs"
        if not comparison.lines()
        else f"{_count(kept)} {'is' if kept == 1 else 'are'} the same"
    )
    if comparison.labels_compared and not comparison.labels_changed:
        compared = comparison.labels_compared
        same += f"; {compared:,} {'label' if compared == 1 else 'labels'} compared, none differs"
    return same


def _count(categories: int) -> str:
    return f"{categories} {'category' if categories == 1 else 'categories'}"
