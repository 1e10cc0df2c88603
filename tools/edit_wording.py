"""An edit of a taxonomy in words that a reader understands without knowing an id."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from ..taxonomy.apply import apply
from ..taxonomy.edits import Add, Edit, Merge, Move, Redefine, Remove, Split
from ..taxonomy.values import Taxonomy
from ..taxonomy.version import Version


@dataclass(frozen=True, slots=True)
class EditLine:
    """One edit, worded.

    Attributes:
        op: what kind of edit: "add", "redefine", "merge", "split", "remove" or "move".
        parts: (text, whether it is a category's name), to be joined in order.
        detail: the description that came with it, or "".
    """

    op: str
    parts: tuple[tuple[str, bool], ...]
    detail: str = ""

    @property
    def text(self) -> str:
        """The sentence with names in quotes."""
        return "".join(f"“{text}”" if is_name else text for text, is_name in self.parts)


def word_version(
    version: Version, before: Taxonomy
) -> tuple[tuple[EditLine, ...], tuple[tuple[EditLine, str], ...]]:
    """The applied edits of `version` in order, and the refused ones with the reason of each.

    Args:
        version: whose edits to word.
        before: its parent's taxonomy.
    """
    names = _names(version, before)
    refused = tuple((word_edit(refusal.edit, names), refusal.reason) for refusal in version.refused)
    return tuple(word_edit(edit, names) for edit in version.edits), refused


def _names(version: Version, before: Taxonomy) -> dict[str, str]:
    """Name by id: of the categories before, of those after, and of those that came and went in between."""
    names = {category.id: category.name for category in (*version.taxonomy, *before)}
    for step in apply(before, version.edits, origin=version.parent or "").applied:
        match step.edit:
            case Add(name=name):
                born = [name]
            case Split(parts=parts):
                born = [part.name for part in parts]
            case _:
                born = []
        for category_id, name in zip(step.ids_born, born, strict=True):
            names.setdefault(category_id, name)
    return names


def word_edit(edit: Edit, names: Mapping[str, str]) -> EditLine:
    """The sentence for `edit`; a reference that `names` does not have is a name itself."""
    match edit:
        case Add():
            under = ((" under ", False), _name(edit.parent, names)) if edit.parent else ()
            return EditLine("add", (("Add ", False), (edit.name, True), *under), edit.description)
        case Redefine():
            return _redefine(edit, names)
        case Merge():
            kept = edit.name or _name(edit.ids[0], names)[0]
            parts = (("Merge ", False), *_list([_name(i, names) for i in edit.ids]), (" into ", False))
            return EditLine("merge", (*parts, (kept, True)), edit.description or "")
        case Split():
            new = _list([(part.name, True) for part in edit.parts])
            return EditLine("split", (("Split ", False), _name(edit.id, names), (" into ", False), *new))
        case Remove():
            return EditLine("remove", (("Remove ", False), _name(edit.id, names)))
        case Move():
            where = (
                ((" under ", False), _name(edit.parent, names)) if edit.parent else ((" to the top", False),)
            )
            return EditLine("move", (("Move ", False), _name(edit.id, names), *where))
    assert_never(edit)


def _redefine(edit: Redefine, names: Mapping[str, str]) -> EditLine:
    old = _name(edit.id, names)
    if edit.name is not None and edit.name != old[0]:
        return EditLine(
            "redefine", (("Rename ", False), old, (" to ", False), (edit.name, True)), edit.description or ""
        )
    if edit.description is not None:
        return EditLine("redefine", (("Reword ", False), old), edit.description)
    return EditLine("redefine", (("Choose other examples for ", False), old))


def _name(reference: str, names: Mapping[str, str]) -> tuple[str, bool]:
    return names.get(reference, reference), True


def _list(names: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    """[A, B, C] -> A, B and C."""
    listed: list[tuple[str, bool]] = []
    for position, name in enumerate(names):
        if position:
            listed.append((" and " if position == len(names) - 1 else ", ", False))
        listed.append(name)
    return listed
