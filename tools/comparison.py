"""A comparison of two taxonomies as a value: what came, went, was renamed, merged, split or moved.

It is arranged from links: pairs of a category before and one after that have to do with each other. Whatever hangs
together by links is one piece of news: one to one is the same category, perhaps renamed; several to one is a merge; one
to several a split. Where links come from is in `compare`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ..taxonomy.values import Category, Taxonomy

Link = tuple[str, str]
"""Id of a category before, id of one after."""


class MatchedBy(StrEnum):
    """What tells that two categories are one."""

    HISTORY = "history"
    DOCUMENTS = "documents"
    NAMES = "names"


@dataclass(frozen=True, slots=True)
class Pair:
    """A category before and after.

    Attributes:
        shared: documents that are in both, where that is what matched them; None else.
    """

    before: Category
    after: Category
    shared: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Categories that became others: several one, one several, or several several."""

    before: tuple[Category, ...]
    after: tuple[Category, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two taxonomies. Each category of either is in exactly one of `added`, `gone`, `merged`,
    `split`, `regrouped` and the pairs; a pair is `kept`, or in one or more of `renamed`, `reworded` and `moved`.

    Attributes:
        before, after: what was compared.
        matched_by: how the categories were told to be the same.
        added: categories after that come from none before.
        gone: categories before of which nothing came.
        renamed: pairs whose names differ.
        reworded: pairs whose descriptions differ.
        moved: pairs that have another parent, or none where they had one, or the other way round.
        kept: pairs of which neither name, description nor parent differs; other exemplars do not count.
        merged: several that became one.
        split: one that became several.
        regrouped: several that became several others.
        labels_compared: documents with a label at both; None when that was not looked at.
        labels_changed: those of them that are in a category now that theirs did not become. A label that follows its
            category through a rename, a merge or a split has not changed.
    """

    before: Taxonomy
    after: Taxonomy
    matched_by: MatchedBy
    added: tuple[Category, ...]
    gone: tuple[Category, ...]
    renamed: tuple[Pair, ...]
    reworded: tuple[Pair, ...]
    moved: tuple[Pair, ...]
    kept: tuple[Pair, ...]
    merged: tuple[Group, ...]
    split: tuple[Group, ...]
    regrouped: tuple[Group, ...] = ()
    labels_compared: int | None = None
    labels_changed: int | None = None

    @property
    def is_related(self) -> bool:
        """Whether any category of the one has to do with any of the other."""
        return bool(self.pairs or self.groups)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All pairs, in the order of the categories before."""
        found = {pair.before.id: pair for pair in (*self.kept, *self.renamed, *self.reworded, *self.moved)}
        return tuple(found[category.id] for category in self.before if category.id in found)

    @property
    def groups(self) -> tuple[Group, ...]:
        """All merges, splits and the like."""
        return (*self.merged, *self.split, *self.regrouped)

    def heirs(self) -> dict[str, frozenset[str]]:
        """For the id of each category before, the ids of those after that it became."""
        heirs = {category.id: frozenset[str]() for category in self.gone}
        heirs |= {pair.before.id: frozenset([pair.after.id]) for pair in self.pairs}
        for group in self.groups:
            heirs |= {category.id: frozenset(heir.id for heir in group.after) for category in group.before}
        return heirs

    def with_labels(
        self, before: Mapping[int, str | None], after: Iterable[tuple[int, str | None]]
    ) -> "Comparison":
        """The same with the labels of both counted.

        Args:
            before: category id by document number; None is undefined.
            after: (document number, category id).
        """
        heirs = self.heirs()
        changes = [
            label is not None if (old := before[number]) is None else label not in heirs.get(old, ())
            for number, label in after
            if number in before
        ]
        return replace(self, labels_compared=len(changes), labels_changed=sum(changes))

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {
            "matched_by": self.matched_by.value,
            "categories": [len(self.before), len(self.after)],
            "added": [_plain(category) for category in self.added],
            "gone": [_plain(category) for category in self.gone],
            "renamed": [_plain_pair(pair) for pair in self.renamed],
            "reworded": [_plain_pair(pair) for pair in self.reworded],
            "moved": [
                {
                    **_plain_pair(pair),
                    "parents": [
                        _parent_name(pair.before, self.before),
                        _parent_name(pair.after, self.after),
                    ],
                }
                for pair in self.moved
            ],
            "kept": [_plain_pair(pair) for pair in self.kept],
            "merged": [_plain_group(group) for group in self.merged],
            "split": [_plain_group(group) for group in self.split],
            "regrouped": [_plain_group(group) for group in self.regrouped],
            "labels_compared": self.labels_compared,
            "labels_changed": self.labels_changed,
        }

    def lines(self) -> tuple[str, ...]:
        """One sentence for each difference; none when nothing differs. Names are as they are: clean them for a
        terminal.
        """
        return tuple(self._lines())

    def _lines(self) -> Iterator[str]:
        by_history = self.matched_by is MatchedBy.HISTORY
        for verb, groups in (("Merged", self.merged), ("Split", self.split), ("Regrouped", self.regrouped)):
            for group in groups:
                old, new = _listed(group.before), _listed(group.after)
                yield f"{verb} {old} into {new}" if by_history else f"{old} as {new}"
        for pair in self.renamed:
            old, new = _name(pair.before), _name(pair.after)
            shared = "" if pair.shared is None else f" ({_texts(pair.shared)} in both)"
            yield f"Renamed {old} to {new}" if by_history else f"{old} as {new}{shared}"
        # Unrelated taxonomies never use the same words for a thing: that is no news.
        for pair in self.reworded if by_history else ():
            yield f"Reworded {_name(pair.after)}: {pair.after.description}"
        for pair in self.moved:
            parent = _parent_name(pair.after, self.after)
            yield f"Moved {_name(pair.after)} {f'under “{parent}”' if parent else 'to the top'}"
        for category in self.added:
            yield f"{'Added' if by_history else 'Only after:'} {_name(category)}: {category.description}"
        for category in self.gone:
            yield f"{'Gone:' if by_history else 'Only before:'} {_name(category)}"
        if self.labels_changed:
            yield f"{self.labels_changed:,} of {self.labels_compared:,} labels differ"


def arrange(
    before: Taxonomy,
    after: Taxonomy,
    links: set[Link],
    matched_by: MatchedBy,
    shared: Mapping[Link, int] | None = None,
) -> Comparison:
    """Sort what hangs together by links into what it is.

    Args:
        before, after: the two taxonomies.
        links: which categories of theirs have to do with each other.
        matched_by: where the links are from.
        shared: how many documents both ends of a link hold, where that is known.
    """
    pairs: list[Pair] = []
    gone: list[Category] = []
    groups: list[Group] = []
    for old, new in _components(before, after, links):
        if not new:
            gone += old
        elif len(old) == len(new) == 1:
            count = None if shared is None else shared.get((old[0].id, new[0].id))
            pairs.append(Pair(old[0], new[0], count))
        else:
            groups.append(Group(old, new))
    linked = {new for _, new in links}
    heirs = {pair.before.id: {pair.after.id} for pair in pairs} | {
        old.id: {new.id for new in group.after} for group in groups for old in group.before
    }

    def is_moved(pair: Pair) -> bool:
        one, other = pair.before.parent, pair.after.parent
        return (one is None) != (other is None) or (one is not None and other not in heirs.get(one, ()))

    renamed = tuple(pair for pair in pairs if pair.before.name != pair.after.name)
    reworded = tuple(pair for pair in pairs if pair.before.description != pair.after.description)
    moved = tuple(pair for pair in pairs if is_moved(pair))
    differing = {pair.before.id for pair in (*renamed, *reworded, *moved)}
    return Comparison(
        before=before,
        after=after,
        matched_by=matched_by,
        added=tuple(category for category in after if category.id not in linked),
        gone=tuple(gone),
        renamed=renamed,
        reworded=reworded,
        moved=moved,
        kept=tuple(pair for pair in pairs if pair.before.id not in differing),
        merged=tuple(group for group in groups if len(group.after) == 1),
        split=tuple(group for group in groups if len(group.before) == 1),
        regrouped=tuple(group for group in groups if len(group.before) > 1 and len(group.after) > 1),
    )


def _components(
    before: Taxonomy, after: Taxonomy, links: set[Link]
) -> Iterator[tuple[tuple[Category, ...], tuple[Category, ...]]]:
    """The pieces that hang together by links and hold a category before, in the order of these."""
    forth: dict[str, set[str]] = {}
    back: dict[str, set[str]] = {}
    for old, new in links:
        forth.setdefault(old, set()).add(new)
        back.setdefault(new, set()).add(old)
    done: set[str] = set()
    for category in before:
        if category.id in done:
            continue
        olds, news, waiting = {category.id}, set[str](), [category.id]
        while waiting:
            for new in forth.get(waiting.pop(), set()) - news:
                news.add(new)
                waiting += back[new] - olds
                olds |= back[new]
        done |= olds
        yield (
            tuple(one for one in before if one.id in olds),
            tuple(other for other in after if other.id in news),
        )


def _plain(category: Category) -> dict[str, Any]:
    return category.model_dump(mode="json", include={"id", "name", "description"})


def _plain_pair(pair: Pair) -> dict[str, Any]:
    shared = {} if pair.shared is None else {"shared": pair.shared}
    return {"before": _plain(pair.before), "after": _plain(pair.after), **shared}


def _plain_group(group: Group) -> dict[str, Any]:
    return {"before": [_plain(one) for one in group.before], "after": [_plain(one) for one in group.after]}


def _parent_name(category: Category, taxonomy: Taxonomy) -> str | None:
    return taxonomy[category.parent].name if category.parent is not None else None


def _name(category: Category) -> str:
    return f"“{category.name}”"


def _listed(categories: Sequence[Category]) -> str:
    """“A”, “B” and “C”."""
    *most, last = [_name(category) for category in categories]
    return f"{', '.join(most)} and {last}" if most else last


def _texts(count: int) -> str:
    return f"{count:,} {'text' if count == 1 else 'texts'}"
