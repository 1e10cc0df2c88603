"""An edit as a sentence: what history, diffs, reports and prompts show instead of ids."""

from collections.abc import Sequence
from typing import assert_never

from .edits import Add, Edit, Merge, Move, Redefine, Remove, Split
from .names import quoted
from .values import Taxonomy


def describe(edit: Edit, *taxonomies: Taxonomy) -> str:
    """Say in a few words what an edit does: ``merge "Late" and "Not here" into "Late delivery"``.

    Args:
        edit: an applied or a refused one.
        taxonomies: where to look ids up, the first one that knows an id wins: the taxonomy before the edit,
            then the one after it. An id that none knows, or a name, stands for itself.
    """

    def name(reference: str) -> str:
        for taxonomy in taxonomies:
            if reference in taxonomy:
                return quoted(taxonomy[reference].name)
        return quoted(reference)

    match edit:
        case Add():
            return f"add {quoted(edit.name)}" + (f" below {name(edit.parent)}" if edit.parent else "")
        case Redefine():
            return _redefinition(edit, name(edit.id))
        case Merge():
            into = quoted(edit.name) if edit.name else name(edit.ids[0])
            return f"merge {_listed([name(reference) for reference in edit.ids])} into {into}"
        case Split():
            return f"split {name(edit.id)} into {_listed([quoted(part.name) for part in edit.parts])}"
        case Remove():
            return f"remove {name(edit.id)}"
        case Move():
            return f"move {name(edit.id)} " + (f"below {name(edit.parent)}" if edit.parent else "to the top")
    assert_never(edit)


def _redefinition(edit: Redefine, old: str) -> str:
    changes = []
    new = old if edit.name is None else quoted(edit.name)
    if edit.name is not None:
        changes.append(f"rename {old} to {new}")
    if edit.description is not None:
        changes.append(f"describe {new} as {quoted(edit.description, limit=500)}")
    if edit.exemplars is not None:
        changes.append(f"choose other examples for {new}")
    return ", ".join(changes) or f"leave {old} as it is"


def _listed(items: Sequence[str]) -> str:
    return f"{', '.join(items[:-1])} and {items[-1]}"
