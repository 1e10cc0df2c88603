"""``apply``: a taxonomy and a list of edits in, a taxonomy out. There is no other way between the two."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from .draft import Draft, Refused
from .edits import Edit
from .values import Taxonomy


@dataclass(frozen=True, slots=True)
class AppliedEdit:
    """An edit that was applied.

    Attributes:
        edit: in canonical form: references are ids, names and descriptions are on one line, a merge spells
            out the name and description it ends with, a redefinition holds only what it changes.
        ids_touched: categories from before the edit that it changed or ended.
        ids_born: categories that it created.
    """

    edit: Edit
    ids_touched: tuple[str, ...]
    ids_born: tuple[str, ...] = ()


class Refusal(BaseModel):
    """An edit that was not applied.

    Attributes:
        edit: as it was given.
        reason: why, in names rather than ids; can be shown to people and models as it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edit: Edit
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a list of edits: every one of them is in ``applied``, in the order of application, or in
    ``refused``, in the order of the list.
    """

    taxonomy: Taxonomy
    applied: tuple[AppliedEdit, ...]
    refused: tuple[Refusal, ...]

    @property
    def edits(self) -> tuple[Edit, ...]:
        """The applied edits. Applied again to the same taxonomy they give the same one, ids included."""
        return tuple(applied.edit for applied in self.applied)


def apply(
    taxonomy: Taxonomy,
    edits: Iterable[Edit],
    *,
    cap: int | None = None,
    origin: str = "",
    settled: Collection[str] = (),
) -> Outcome:
    """Apply edits in order, each whole or not at all. Pure, and total: whatever the list, it never raises.

    An edit is refused that refers to no category, makes three levels, takes a name that is there already, is
    vague or empty, changes nothing, or makes the taxonomy larger than the cap. One that only lacks room is
    tried once more after all the others, and with it those that refer to the category it creates. In a merge,
    and as a parent, a category that an earlier merge of the list took in stands for the one that it went
    into: (a, b), (b, c) is (a, b, c).

    Args:
        taxonomy: what to start from. If it is larger than the cap it may stay so, but not grow.
        edits: any list, also an empty one: then the very same taxonomy is returned.
        cap: how many categories there may be, those with others below them included; None for no limit.
        origin: what tells this taxonomy from one with equal content elsewhere in its history (its version's
            id), so that a category born after another was removed is never taken for it.
        settled: ids of categories that keep their name, description and place: an edit that would change one is
            refused.
    """
    draft = Draft(taxonomy, cap=cap, origin=origin, settled=settled)
    applied: list[AppliedEdit] = []
    refused: dict[int, Refusal] = {}
    waiting: dict[int, Edit] = {}

    def attempt(position: int, edit: Edit, *, may_wait: bool) -> None:
        try:
            step = draft.perform(edit)
        except Refused as refusal:
            if may_wait and refusal.for_room:
                draft.hold(edit)
                waiting[position] = edit
            else:
                refused[position] = Refusal(edit=edit, reason=str(refusal))
        else:
            applied.append(AppliedEdit(step.edit, step.touched, step.born))

    for position, edit in enumerate(edits):
        attempt(position, edit, may_wait=True)
    for position, edit in waiting.items():
        attempt(position, edit, may_wait=False)

    return Outcome(
        taxonomy=Taxonomy(categories=draft.categories) if applied else taxonomy,
        applied=tuple(applied),
        refused=tuple(refusal for _, refusal in sorted(refused.items())),
    )
