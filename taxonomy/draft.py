"""A taxonomy while a list of edits is being applied to it: what each edit means, and when it is refused.

Private to `apply`. One method an edit; each returns its whole `Step`, or raises `Refused` and has changed
nothing. The invariants that every step keeps, if they held before it:

- ids are unique, and never used again in all the history of a taxonomy;
- a parent is a category of the taxonomy that itself has none: two levels;
- no two names are the same (`same_name`), none is vague (`is_vague`), no name or description is empty;
- no step makes the taxonomy larger than the cap; every category counts, those with others below them too.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import zip_longest
from typing import assert_never

from .edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from .names import is_vague, normalise_name, one_line, quoted, same_name
from .values import Category, Taxonomy


class Refused(Exception):  # noqa: N818  # an outcome, which `apply` turns into a value
    """An edit that cannot be applied; its text is the reason, in names, fit for people and models.

    Attributes:
        for_room: nothing but the cap stands in its way, so it may pass once later edits have made room.
    """

    def __init__(self, reason: str, *, for_room: bool = False) -> None:
        super().__init__(reason)
        self.for_room = for_room


@dataclass(frozen=True, slots=True)
class Step:
    """One edit, applied.

    Attributes:
        edit: in canonical form: references are ids, texts are clean, a merge spells out its name and
            description.
        categories: all of them, after it.
        touched: ids from before the edit that it changed or ended.
        born: ids that it created.
    """

    edit: Edit
    categories: tuple[Category, ...]
    touched: tuple[str, ...]
    born: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Former:
    """A name that an earlier edit of this list took away, and who answers to it now (None: nobody)."""

    id: str
    name: str
    fate: str
    heir: str | None = None


class Draft:
    """The working copy of one `apply`.

    Ids of new categories come from a chain of hashes: its root is the origin and the taxonomy's content, and
    every applied edit extends it. Two categories share an id only if everything that led to them is the same.
    """

    def __init__(
        self, taxonomy: Taxonomy, *, cap: int | None, origin: str, settled: Collection[str] = ()
    ) -> None:
        self.categories = taxonomy.categories
        self._cap = cap
        self._settled = settled
        self._chain = _digest(origin, taxonomy.fingerprint)
        self._former: list[_Former] = []
        self._held: list[str] = []

    def perform(self, edit: Edit) -> Step:
        """Apply one edit to this copy. Raises `Refused`, and then nothing has changed."""
        step = self._step(edit)
        self._spare_the_settled(step)
        size = len(step.categories)
        if self._cap is not None and len(self.categories) < size > self._cap:
            raise Refused(
                f"it would make {size} categories where {self._cap} are allowed: merge or remove some first",
                for_room=True,
            )
        self._remember(step)
        self._chain = self._link(step.edit)
        self.categories = step.categories
        return step

    def hold(self, edit: Edit) -> None:
        """Take note that this edit waits for room, and with it the edits that refer to what it will name."""
        match edit:
            case Split():
                self._held.extend(part.name for part in edit.parts)
            case Add() | Redefine() | Merge():
                self._held.extend([edit.name] if edit.name else [])

    # --- the six edits

    def _step(self, edit: Edit) -> Step:
        match edit:
            case Add():
                return self._add(edit)
            case Redefine():
                return self._redefine(edit)
            case Merge():
                return self._merge(edit)
            case Split():
                return self._split(edit)
            case Remove():
                return self._remove(edit)
            case Move():
                return self._move(edit)
        assert_never(edit)

    def _add(self, edit: Add) -> Step:
        parent = self._parent(edit.parent)
        edit = Add(
            name=self._new_name(edit.name),
            description=_description(edit.description),
            parent=parent,
            exemplars=_distinct(edit.exemplars),
        )
        (new_id,) = self._new_ids(edit, 1)
        new = Category(
            id=new_id, name=edit.name, description=edit.description, parent=parent, exemplars=edit.exemplars
        )
        return Step(edit, (*self.categories, new), touched=(), born=(new_id,))

    def _redefine(self, edit: Redefine) -> Step:
        old = self._find(edit.id)
        name = _other(old.name, edit.name)
        text = _other(old.description, edit.description)
        exemplars = None if edit.exemplars is None else _distinct(edit.exemplars)
        edit = Redefine(
            id=old.id,
            name=None if name is None else self._new_name(name, besides=(old.id,)),
            description=None if text is None else _description(text),
            exemplars=None if exemplars == old.exemplars else exemplars,
        )
        changes = edit.model_dump(exclude={"op", "id"}, exclude_none=True)
        if not changes:
            raise Refused(f"{quoted(old.name)} says that already: nothing would change")
        return Step(edit, self._replaced({old.id: (old.model_copy(update=changes),)}), touched=(old.id,))

    def _merge(self, edit: Merge) -> Step:
        found = {category.id: category for category in (self._find(ref, heir=True) for ref in edit.ids)}
        first, *others = found.values()
        if not others:
            raise Refused(f"these are one category already: {quoted(first.name)}")
        below = [
            category for category in self.categories if category.parent in found and category.id not in found
        ]
        parent = None if first.parent in found else first.parent
        if below and parent is not None:
            raise Refused(
                f"{quoted(first.name)} is below another category and cannot have any below it: two levels"
            )
        name = _other(first.name, edit.name)
        text = _joined([category.description for category in found.values()])
        edit = Merge(
            ids=tuple(found),
            name=first.name if name is None else self._new_name(name, besides=found),
            description=_description(text if edit.description is None else edit.description),
        )
        changes = {
            "name": edit.name,
            "description": edit.description,
            "parent": parent,
            "exemplars": _interleaved([category.exemplars for category in found.values()]),
        }
        moved = [category for category in below if category.parent != first.id]
        new: dict[str, tuple[Category, ...]] = {
            category.id: (category.model_copy(update={"parent": first.id}),) for category in moved
        }
        new[first.id] = (first.model_copy(update=changes),)
        new.update((category.id, ()) for category in others)
        return Step(edit, self._replaced(new), touched=(*found, *(category.id for category in moved)))

    def _split(self, edit: Split) -> Step:
        old = self._find(edit.id)
        if any(category.parent == old.id for category in self.categories):
            raise Refused(f"{quoted(old.name)} has categories below it: move or remove them first")
        parts: list[Part] = []
        for part in edit.parts:
            name = self._new_name(part.name, besides=(old.id,))
            if any(same_name(name, earlier.name) for earlier in parts):
                raise Refused(f"two of the parts are named {quoted(name)}")
            text = _description(part.description)
            parts.append(Part(name=name, description=text, exemplars=_distinct(part.exemplars)))
        edit = Split(id=old.id, parts=tuple(parts))
        born = self._new_ids(edit, len(parts))
        new = tuple(
            Category(
                id=new_id,
                name=part.name,
                description=part.description,
                parent=old.parent,
                exemplars=part.exemplars,
            )
            for new_id, part in zip(born, parts, strict=True)
        )
        return Step(edit, self._replaced({old.id: new}), touched=(old.id,), born=born)

    def _remove(self, edit: Remove) -> Step:
        old = self._find(edit.id)
        below = [category for category in self.categories if category.parent == old.id]
        new: dict[str, tuple[Category, ...]] = {
            category.id: (category.model_copy(update={"parent": None}),) for category in below
        }
        new[old.id] = ()
        touched = (old.id, *(category.id for category in below))
        return Step(Remove(id=old.id), self._replaced(new), touched=touched)

    def _move(self, edit: Move) -> Step:
        old = self._find(edit.id)
        if edit.parent is not None and self._find(edit.parent, heir=True).id == old.id:
            raise Refused(f"{quoted(old.name)} cannot be below itself")
        parent = self._parent(edit.parent)
        if parent == old.parent:
            raise Refused(f"{quoted(old.name)} is there already: nothing would change")
        if parent is not None and any(category.parent == old.id for category in self.categories):
            raise Refused(f"{quoted(old.name)} has categories below it: two levels at most")
        new = {old.id: (old.model_copy(update={"parent": parent}),)}
        return Step(Move(id=old.id, parent=parent), self._replaced(new), touched=(old.id,))

    # --- references

    def _find(self, reference: str, *, heir: bool = False) -> Category:
        """The category with this id, or else this name; with ``heir``, also the one that took it in."""
        for category in self.categories:
            if category.id == reference:
                return category
        named = [category for category in self.categories if category.name == reference]
        named = named or [category for category in self.categories if same_name(category.name, reference)]
        if len(named) > 1:
            raise Refused(f"more than one category is named {quoted(reference)}")
        if named:
            return named[0]
        for former in reversed(self._former):
            if former.id == reference or same_name(former.name, reference):
                if former.heir is not None and (heir or former.heir == former.id):
                    return self._find(former.heir, heir=heir)
                raise Refused(f"{quoted(former.name)} {former.fate} by an earlier edit of this list")
        if any(same_name(name, reference) for name in self._held):
            raise Refused(f"{quoted(reference)} is not there: there was no room for it", for_room=True)
        raise Refused(f"no category has the id or name {quoted(reference)}")

    def _parent(self, reference: str | None) -> str | None:
        if reference is None:
            return None
        parent = self._find(reference, heir=True)
        if parent.parent is not None:
            raise Refused(f"{quoted(parent.name)} is itself below another category: two levels at most")
        return parent.id

    def _spare_the_settled(self, step: Step) -> None:
        after = {category.id: category.meaning for category in step.categories}
        for old in self.categories:
            if old.id in self._settled and old.id in step.touched and after.get(old.id) != old.meaning:
                raise Refused(f"{quoted(old.name)} is as its user wants it")

    def _remember(self, step: Step) -> None:
        """Keep the names and ids that this step takes away, so that later references get a good answer."""
        after = {category.id: category for category in step.categories}
        edit = step.edit
        for old in self.categories:
            if old.id not in step.touched:
                continue
            if old.id in after:
                if not same_name(old.name, after[old.id].name):
                    self._former.append(_Former(old.id, old.name, "was renamed", heir=old.id))
            elif isinstance(edit, Merge):
                self._former.append(_Former(old.id, old.name, "was merged", heir=edit.ids[0]))
            else:
                self._former.append(_Former(old.id, old.name, "was split" if step.born else "was removed"))

    # --- names and ids

    def _new_name(self, name: str, *, besides: Collection[str] = ()) -> str:
        clean = normalise_name(name)
        if not clean:
            raise Refused("the name is empty")
        if is_vague(clean):
            raise Refused(f"the name {quoted(clean)} is too vague: name what its documents are about")
        for category in self.categories:
            if category.id not in besides and same_name(category.name, clean):
                raise Refused(f"the name {quoted(clean)} is taken by the category {quoted(category.name)}")
        return clean

    def _link(self, edit: Edit) -> str:
        return _digest(self._chain, edit.model_dump_json())

    def _new_ids(self, edit: Edit, count: int) -> tuple[str, ...]:
        link = self._link(edit)
        return tuple(_digest(link, str(part)) for part in range(count))

    def _replaced(self, new: Mapping[str, tuple[Category, ...]]) -> tuple[Category, ...]:
        """The categories in order, each one with an entry in ``new`` replaced by what stands there."""

        def pieces() -> Iterator[Category]:
            for category in self.categories:
                yield from new.get(category.id, (category,))

        return tuple(pieces())


def _digest(*parts: str) -> str:
    """12 hexadecimal digits."""
    return blake2b("\n".join(parts).encode(), digest_size=6).hexdigest()


def _other(old: str, new: str | None) -> str | None:
    """The new text, or None where there is none or it is the old one but for the way it is written down."""
    return None if new is None or old in {new, one_line(new), normalise_name(new)} else new


def _description(text: str) -> str:
    clean = one_line(text)
    if not clean:
        raise Refused("the description is empty")
    return clean


def _joined(descriptions: Sequence[str]) -> str:
    """All of them as sentences, each once."""
    sentences = [
        text if text.endswith((".", "!", "?", "。", "…")) else f"{text}." for text in descriptions if text
    ]
    return " ".join(dict.fromkeys(sentences))


def _distinct(numbers: Sequence[int]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(numbers))


def _interleaved(lists: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The best of each first, then the second best of each: the first few show all of a merged category."""
    return _distinct([number for rank in zip_longest(*lists) for number in rank if number is not None])
