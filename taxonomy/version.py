"""A version: a taxonomy with where it came from. Versions form a tree; history is the path to its root."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from hashlib import blake2b
from itertools import pairwise

from pydantic import BaseModel, ConfigDict

from .apply import Refusal, apply
from .edits import Edit
from .values import Taxonomy, Text


class Author(StrEnum):
    """Who wrote a version's edits."""

    MODEL = "model"
    REVIEWER = "reviewer"
    HUMAN = "human"
    IMPORTED = "imported"


class Version(BaseModel):
    """One state in a taxonomy's history. Undo is going back to the parent: it is there, unchanged.

    JSON both ways: ``Version.model_validate_json(version.model_dump_json()) == version``.

    Attributes:
        id: 16 hexadecimal digits over the parent's id and everything below: equal ids, equal history.
        parent: id of the version that it was made from; None for the first.
        author: who wrote the edits.
        edits: what was applied to the parent's taxonomy, in canonical form (see `AppliedEdit`).
        refused: what was asked for and not applied, with the reasons.
        taxonomy: the outcome.
        note: why, in the author's words; may be empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    parent: str | None
    author: Author
    edits: tuple[Edit, ...]
    refused: tuple[Refusal, ...]
    taxonomy: Taxonomy
    note: Text = ""

    @classmethod
    def first(cls) -> Version:
        """The root of every history: no categories, no parent. An imported taxonomy is its child."""
        empty = Taxonomy()
        return cls(
            id=_hash(empty.fingerprint),
            parent=None,
            author=Author.IMPORTED,
            edits=(),
            refused=(),
            taxonomy=empty,
        )

    def then(
        self,
        edits: Iterable[Edit],
        *,
        author: Author,
        cap: int | None = None,
        note: str = "",
        settled: Collection[str] = (),
    ) -> Version:
        """The version that these edits lead to; `apply` says what is refused. Changes nothing, never raises.

        The same call always gives the same version, so a step that is repeated after a crash repeats its id.
        """
        outcome = apply(self.taxonomy, edits, cap=cap, origin=self.id, settled=settled)
        child = Version(
            id="",
            parent=self.id,
            author=author,
            edits=outcome.edits,
            refused=outcome.refused,
            taxonomy=outcome.taxonomy,
            note=note,
        )
        return child.model_copy(update={"id": _hash(child.model_dump_json(exclude={"id"}))})


def settled_by_people(versions_path: Sequence[Version]) -> frozenset[str]:
    """Ids of the categories of the last version that a person made or changed: the model leaves them alone.

    Args:
        versions_path: each the parent of the next, the root first.
    """
    settled: set[str] = set()
    for parent, version in pairwise(versions_path):
        if version.author is Author.HUMAN:
            before = {category.id: category.meaning for category in parent.taxonomy}
            settled |= {
                category.id for category in version.taxonomy if before.get(category.id) != category.meaning
            }
    return frozenset(settled & set(versions_path[-1].taxonomy.ids)) if versions_path else frozenset()


def _hash(content: str) -> str:
    return blake2b(content.encode(), digest_size=8).hexdigest()
