"""How far two taxonomies are apart: by id along one history, by name between unrelated ones."""

from .names import same_name
from .values import Category, Taxonomy


def touched_share(before: Taxonomy, after: Taxonomy) -> float:
    """Share of categories that differ between two taxonomies of one history, 0 (none) to 1 (all of them).

    Of the categories that either has (by id), those that only one has, or whose name, description or parent
    differ. Exemplars and order do not count: they may change with every minibatch while the taxonomy stands
    still.
    """
    old = {category.id: category.meaning for category in before}
    new = {category.id: category.meaning for category in after}
    either = old.keys() | new.keys()
    if not either:
        return 0.0
    return sum(old.get(category_id) != new.get(category_id) for category_id in either) / len(either)


def match(a: Taxonomy, b: Taxonomy) -> tuple[tuple[Category, Category], ...]:
    """Pairs of categories of two unrelated taxonomies that share a name (`same_name`), in the order of ``a``.

    One to one: a name that is letter for letter the same goes before one that differs in case, number or
    punctuation.
    """
    pairs: dict[str, Category] = {}
    free = list(b)
    for alike in (str.__eq__, same_name):
        for category in a:
            if category.id in pairs:
                continue
            found = next((other for other in free if alike(category.name, other.name)), None)
            if found is not None:
                pairs[category.id] = found
                free.remove(found)
    return tuple((category, pairs[category.id]) for category in a if category.id in pairs)
