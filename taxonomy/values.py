"""The values: a category, and a taxonomy of them."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _encodable(text: str) -> str:
    return (
        text.encode("utf-8", "replace").decode()
        if any("\ud800" <= char <= "\udfff" for char in text)
        else text
    )


Text = Annotated[str, AfterValidator(_encodable)]
"""Text that UTF-8 can hold: JSON from a model may carry half a surrogate pair, which nothing can store."""


class Category(BaseModel):
    """One label with its meaning.

    Attributes:
        id: stable across versions; never shown to people or models.
        name: a short noun phrase, unique within its taxonomy.
        description: one or two sentences that say what belongs.
        parent: id of the parent category, or None at the top; two levels at most.
        exemplars: numbers of documents that show the category best, the best first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Text
    name: Text
    description: Text
    parent: Text | None = None
    exemplars: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """``name: description``, what is embedded and shown to a model."""
        return f"{self.name}: {self.description}"

    @property
    def meaning(self) -> tuple[str, str, str | None]:
        """Name, description and parent: all that people see of it."""
        return self.name, self.description, self.parent


class Taxonomy(BaseModel):
    """An ordered, frozen set of categories. Only `apply` makes a new one from an old one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    categories: tuple[Category, ...] = ()

    def __len__(self) -> int:
        return len(self.categories)

    def __iter__(self) -> Iterator[Category]:  # type: ignore[override]  # a taxonomy is its categories
        return iter(self.categories)

    def __contains__(self, category_id: object) -> bool:
        return any(category.id == category_id for category in self.categories)

    def __getitem__(self, category_id: str) -> Category:
        for category in self.categories:
            if category.id == category_id:
                return category
        raise KeyError(category_id)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids in order."""
        return tuple(category.id for category in self.categories)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(category.name for category in self.categories)

    @property
    def leaves(self) -> tuple[Category, ...]:
        """Categories that are nobody's parent: the ones that label documents."""
        parents = {category.parent for category in self.categories}
        return tuple(category for category in self.categories if category.id not in parents)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits over the whole content: equal taxonomies have equal fingerprints."""
        return blake2b(self.model_dump_json().encode(), digest_size=8).hexdigest()
