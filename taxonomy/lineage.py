"""Lineage: where a label that was given under an old version of the taxonomy points now.

A rename or a move keeps a label; a merge maps it to the category that took its own in; a changed description,
a split and a removal ask its documents again. Purely from the versions' edits: no documents, no model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .edits import Edit, Merge, Redefine
from .version import Version


@dataclass(frozen=True, slots=True)
class Lineage:
    """What became of the categories along a path of versions.

    Attributes:
        targets: for every category that could label a document somewhere on the path, the one its labels
            count for now, or None.
        born: categories of the last version that came up on the path and label documents. Documents that were
            undefined, or sure of nothing, may belong to them: ask those too.
    """

    targets: Mapping[str, str | None]
    born: frozenset[str]

    def current(self, category_id: str) -> str | None:
        """Where a label given under the first version points under the last; None: ask its document again.

        For a category born on the path: where a label given when it was born points. An unknown id is None.
        """
        return self.targets.get(category_id)

    @property
    def reask(self) -> frozenset[str]:
        """Ids whose documents need asking again."""
        return frozenset(category_id for category_id, target in self.targets.items() if target is None)


def follow(versions_path: Sequence[Version]) -> Lineage:
    """Follow labels along a path of versions, from the one they were given under to the one that counts now.

    What counts is the difference between the two ends: a description that was changed and changed back asks
    nobody, and neither does a category that had others below it for a while. One that has others below it in
    the last version labels no documents, so its own are asked again.

    Args:
        versions_path: each the parent of the next, both ends included. The first one's own edits came before
            its labels.

    Raises:
        ValueError: the path is empty, or a version is not the parent of the next.
    """
    if not versions_path:
        raise ValueError("a path of versions has at least one")
    first, last = versions_path[0], versions_path[-1]
    meaning = {category.id: category.description for category in first.taxonomy}
    trails = {category.id: _Trail(category.id, category.description) for category in first.taxonomy.leaves}

    for parent, version in pairwise(versions_path):
        if version.parent != parent.id:
            raise ValueError(f"version {parent.id} is not the parent of version {version.id} that follows it")
        for edit in version.edits:
            _follow(edit, trails, meaning)
        # Categories that did not outlive the list they were born in never labelled a document.
        for category in version.taxonomy:
            meaning[category.id] = category.description
        for category in version.taxonomy.leaves:
            trails.setdefault(category.id, _Trail(category.id, category.description))

    leaves = {category.id for category in last.taxonomy.leaves}
    targets = {
        category_id: trail.at if trail.at in leaves and trail.holds(meaning) else None
        for category_id, trail in trails.items()
    }
    return Lineage(targets=targets, born=frozenset(leaves - set(first.taxonomy.ids)))


@dataclass(frozen=True, slots=True)
class _Trail:
    """Where the labels of one category have come to, and the description under which they are right there."""

    at: str
    description: str

    def holds(self, meaning: Mapping[str, str]) -> bool:
        return meaning.get(self.at) == self.description


def _follow(edit: Edit, trails: dict[str, _Trail], meaning: dict[str, str]) -> None:
    """One canonical edit further. What was split or removed needs nothing: the last version lacks it."""
    match edit:
        case Redefine(description=str(description)):
            meaning[edit.id] = description
        case Merge(description=str(description)):
            survivor = edit.ids[0]
            # What was redefined before it was merged may not belong to the survivor: it stays behind.
            holding = [
                category_id
                for category_id, trail in trails.items()
                if trail.at in edit.ids and trail.holds(meaning)
            ]
            trails.update((category_id, _Trail(survivor, description)) for category_id in holding)
            meaning[survivor] = description
