"""What lies between two points: steps of a run, versions, or runs; and how many labels differ."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..checkpoints.workspace import Workspace
from ..taxonomy.errors import WorkspaceError
from ..taxonomy.version import Version
from ..tools.compare import compare, match_by_documents, match_by_names
from ..tools.comparison import Comparison
from .history import at

NEWEST = "-"
_STEP = re.compile(r"-?[0-9]{1,9}")
_BEGINNING = re.compile(r"[0-9a-f]{4,16}")
"""Of a version's id; shorter ones are as likely to be a slip."""


@dataclass(frozen=True, slots=True)
class Point:
    """A taxonomy with its past.

    Attributes:
        text: what it is, for people.
        run: whose labels belong to it.
        path: its version and all before it, the first one first.
    """

    text: str
    run: str
    path: tuple[Version, ...]

    @property
    def version(self) -> Version:
        """The version itself."""
        return self.path[-1]


def diff(workspace: Path | str, run: str, a: str, b: str = NEWEST) -> Comparison:
    """Compare two points of a workspace.

    Where the two have categories of one history, that history tells what became of each; else the documents that have
    a label at both match them; else their names.

    Args:
        workspace: its directory.
        run: what steps are of.
        a, b: what to compare, the earlier first: see `find_point`.

    Raises:
        WorkspaceError: one of them cannot be found, or is not the only one that is meant.
        RunNotFoundError, RunStateError, StorageError: as they say.
    """
    return compare_points(workspace, find_point(workspace, run, a), find_point(workspace, run, b))


def find_point(workspace: Path | str, run: str, reference: str) -> Point:
    """A point by what a user calls it.

    Args:
        workspace: its directory.
        run: what steps are of, and the labels of versions.
        reference: a step (a whole number), the name of a run (its newest step), the id of a version or its beginning
            (four digits or more), or "-", or nothing, for the newest step.

    Raises:
        WorkspaceError: there is no such thing, or several versions begin so.
        RunNotFoundError, RunStateError, StorageError: as they say.
    """
    with Workspace.open(workspace) as tables:
        names = [row.name for row in tables.runs.list()]
        is_newest = reference in ("", NEWEST)
        if is_newest or _STEP.fullmatch(reference):
            moment = at(workspace, run, None if is_newest else int(reference))
            return Point(f"{run}, step {moment.step}", run, _path(tables, moment.version))
        if reference in names:
            moment = at(workspace, reference, None)
            return Point(f"{reference}, step {moment.step}", reference, _path(tables, moment.version))
        found = tables.versions.find(reference) if _BEGINNING.fullmatch(reference) else ()
        if len(found) == 1:
            return Point(f"version {found[0]}", run, _path(tables, found[0]))
        if found:
            raise WorkspaceError(
                f"{len(found)} versions begin with {reference!r}: {', '.join(found[:5])}"
                f"{', ...' if len(found) > 5 else ''}. Give more of the one you mean."
            )
        raise WorkspaceError(
            f"{tables.path} has nothing called {reference!r}. Give a step of `tnt history`, a version's id (its first "
            f"four digits or more), '-' for the newest step, or a run: {', '.join(names)}."
        )


def compare_points(workspace: Path | str, a: Point, b: Point) -> Comparison:
    """Compare two points that `find_point` found."""
    before, after = a.version.taxonomy, b.version.taxonomy
    comparison = compare(before, after, _way(a.path, b.path))
    with Workspace.open(workspace) as tables:
        labels = {row.number: row.primary for row in tables.labels.get(a.run, a.version.id)}
        others = ((row.number, row.primary) for row in tables.labels.get(b.run, b.version.id))
        if comparison.is_related or not before.categories or not after.categories:
            counted = comparison.with_labels(labels, others)
            return counted if counted.labels_compared else comparison
        matched = match_by_documents(labels, dict(others), before, after)
    return matched if matched.labels_compared else match_by_names(before, after)


def _path(tables: Workspace, version: str | None) -> tuple[Version, ...]:
    # Before the first minibatch there is the empty taxonomy that all of them begin with.
    return (Version.first(),) if version is None else tuple(tables.versions.path(version))


def _way(a: Sequence[Version], b: Sequence[Version]) -> tuple[Version, ...]:
    """From the last of `a` up to the newest version that both have and down to the last of `b`; () if there is none."""
    shared = 0
    while shared < min(len(a), len(b)) and a[shared].id == b[shared].id:
        shared += 1
    return (*reversed(a[shared:]), a[shared - 1], *b[shared:]) if shared else ()
