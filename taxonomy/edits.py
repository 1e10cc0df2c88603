"""The typed edits: the only words in which anybody - model, reviewer, person - can change a taxonomy.

A reference (``id``, ``ids``, ``parent``) is a category's id or its name; also the name of a category that an
earlier edit of the same list creates. What an edit means, and when it is refused, is in `draft`.
"""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from .values import Text


class _Value(BaseModel):
    """Frozen, and an unknown field is an error: a misspelt one must not pass for an absent one."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Add(_Value):
    """A new category, last in order."""

    op: Literal["add"] = "add"
    name: Text
    description: Text
    parent: Text | None = None
    exemplars: tuple[int, ...] = ()


class Redefine(_Value):
    """Other words, or other exemplars, for the same category. None leaves a part as it is."""

    op: Literal["redefine"] = "redefine"
    id: Text
    name: Text | None = None
    description: Text | None = None
    exemplars: tuple[int, ...] | None = None


class Merge(_Value):
    """Two or more categories become one: the first, which keeps its id and place and takes in the others.

    It keeps its name unless one is given. Without a new description it gets all the old ones, one after the
    other.
    """

    op: Literal["merge"] = "merge"
    ids: tuple[Text, ...] = Field(min_length=2)
    name: Text | None = None
    description: Text | None = None


class Part(_Value):
    """One of the categories that another is split into."""

    name: Text
    description: Text
    exemplars: tuple[int, ...] = ()


class Split(_Value):
    """One category becomes two or more new ones, in its place. One of them may take its name."""

    op: Literal["split"] = "split"
    id: Text
    parts: tuple[Part, ...] = Field(min_length=2)


class Remove(_Value):
    """One category goes. Those below it, if any, stay and move to the top."""

    op: Literal["remove"] = "remove"
    id: Text


class Move(_Value):
    """One category goes below another, or to the top (None)."""

    op: Literal["move"] = "move"
    id: Text
    parent: Text | None


Edit: TypeAlias = Annotated[Add | Redefine | Merge | Split | Remove | Move, Field(discriminator="op")]
"""Any of the six, told apart by ``op``."""

EDIT: TypeAdapter[Edit] = TypeAdapter(Edit)
"""Reads and writes one edit: ``EDIT.validate_json(text)``, ``EDIT.json_schema()``."""

EDITS: TypeAdapter[tuple[Edit, ...]] = TypeAdapter(tuple[Edit, ...])
"""Reads and writes a list of edits."""
