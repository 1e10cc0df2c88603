"""Compare two taxonomies: along one history by ids and edits, else by their documents, or by names alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from ..taxonomy.apply import apply
from ..taxonomy.distance import match
from ..taxonomy.edits import Merge, Split
from ..taxonomy.names import same_name
from ..taxonomy.values import Taxonomy
from ..taxonomy.version import Version
from .comparison import Comparison, Link, MatchedBy, arrange

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def compare(before: Taxonomy, after: Taxonomy, versions: Sequence[Version] = ()) -> Comparison:
    """Compare two taxonomies of one history, by ids; merges and splits are known from the edits between them.

    Args:
        before, after: any two.
        versions: the way from one to the other, both ends included, each the parent or a child of the next; down for
            an ordinary past, up where edits were undone, both where branches are compared. Without it nothing but
            equal ids tells what belongs together.

    Raises:
        ValueError: the versions are no such way.
    """
    links = {(category.id, category.id) for category in before if category.id in after}
    if versions:
        if versions[0].taxonomy != before or versions[-1].taxonomy != after:
            raise ValueError("the versions do not lead from the one taxonomy to the other")
        links = {(category.id, category.id) for category in before}
        for one, other in pairwise(versions):
            if other.parent == one.id:
                step = _links_down(one.taxonomy, other)
            elif one.parent == other.id:
                step = {(old, new) for new, old in _links_down(other.taxonomy, one)}
            else:
                raise ValueError(
                    f"version {one.id} is neither parent nor child of {other.id} that follows it"
                )
            links = _composed(links, step)
    return arrange(before, after, links, MatchedBy.HISTORY)


def match_by_documents(
    labels_a: Mapping[int, str | None],
    labels_b: Mapping[int, str | None],
    taxonomy_a: Taxonomy,
    taxonomy_b: Taxonomy,
) -> Comparison:
    """Compare two taxonomies without a common history by the documents that carry a label of both.

    Categories are paired so that the pairs have most documents in common (the assignment problem; Kuhn, The Hungarian
    method, 1955), where they share at least half of the smaller one's. One that is left over, and has more than half
    of its documents in one category of the other taxonomy, counts as a part of it; without any documents its name
    decides. A category with others below it holds their documents, and is matched with one of its kind.

    Args:
        labels_a, labels_b: category id by document number; None is undefined.
        taxonomy_a, taxonomy_b: what the labels are of.
    """
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    rows, columns = list(taxonomy_a), list(taxonomy_b)
    overlap, size_a, size_b = _overlap(labels_a, labels_b, taxonomy_a, taxonomy_b)
    # Where documents leave the choice the name decides; it does not outweigh a document.
    weight = overlap.copy()
    for row, column in zip(*np.nonzero(overlap), strict=True):
        weight[row, column] += 0.5 * same_name(rows[row].name, columns[column].name) / len(rows)
    paired = {
        (int(row), int(column))
        for row, column in zip(*linear_sum_assignment(weight, maximize=True), strict=True)
        if overlap[row, column] > 0 and overlap[row, column] * 2 >= min(size_a[row], size_b[column])
    }
    links = set(paired)
    for row in {*range(len(rows))} - {row for row, _ in paired}:
        if columns and overlap[row].max() * 2 > size_a[row]:
            links.add((row, int(overlap[row].argmax())))
    for column in {*range(len(columns))} - {column for _, column in paired}:
        if rows and overlap[:, column].max() * 2 > size_b[column]:
            links.add((int(overlap[:, column].argmax()), column))
    empty_a = [category for category, size in zip(rows, size_a, strict=True) if not size]
    empty_b = [category for category, size in zip(columns, size_b, strict=True) if not size]
    named = match(Taxonomy(categories=tuple(empty_a)), Taxonomy(categories=tuple(empty_b)))
    comparison = arrange(
        taxonomy_a,
        taxonomy_b,
        {(rows[row].id, columns[column].id) for row, column in links}
        | {(one.id, other.id) for one, other in named},
        MatchedBy.DOCUMENTS,
        shared={
            (rows[row].id, columns[column].id): int(overlap[row, column]) for row, column in sorted(links)
        },
    )
    return comparison.with_labels(labels_a, labels_b.items())


def _overlap(
    labels_a: Mapping[int, str | None],
    labels_b: Mapping[int, str | None],
    taxonomy_a: Taxonomy,
    taxonomy_b: Taxonomy,
) -> "tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]":
    """Documents of each of (n, m) pairs of categories, none where only one of them has others below it; and of the n
    and of the m categories, among those that have a label of both.
    """
    import numpy as np

    above_a, above_b = _with_parents(taxonomy_a), _with_parents(taxonomy_b)
    overlap = np.zeros((len(taxonomy_a), len(taxonomy_b)))
    size_a, size_b = np.zeros(len(taxonomy_a)), np.zeros(len(taxonomy_b))
    common = Counter((labels_a[number], labels_b[number]) for number in labels_a.keys() & labels_b.keys())
    for (a, b), count in common.items():
        in_a, in_b = above_a.get(a, []), above_b.get(b, [])
        size_a[in_a] += count
        size_b[in_b] += count
        overlap[np.ix_(in_a, in_b)] += count
    overlap[_is_leaf(taxonomy_a)[:, None] != _is_leaf(taxonomy_b)[None, :]] = 0
    return overlap, size_a, size_b


def _is_leaf(taxonomy: Taxonomy) -> "NDArray[np.bool_]":
    import numpy as np

    parents = {category.parent for category in taxonomy}
    return np.array([category.id not in parents for category in taxonomy], bool)


def match_by_names(before: Taxonomy, after: Taxonomy) -> Comparison:
    """Compare two taxonomies without a common history of which there are no labels: by equal names."""
    links = {(one.id, other.id) for one, other in match(before, after)}
    return arrange(before, after, links, MatchedBy.NAMES)


def _links_down(parent: Taxonomy, version: Version) -> set[Link]:
    """What became of each category of `parent` by the edits of its child `version`."""
    now = {category.id: {category.id} for category in parent}
    for step in apply(parent, version.edits, origin=version.parent or "").applied:
        match step.edit:
            case Merge(ids=(survivor, *others)):
                became, ended = {survivor}, {survivor, *others}
            case Split(id=ended_id):
                became, ended = set(step.ids_born), {ended_id}
            case _:
                continue
        for category_id, heirs in now.items():
            if heirs & ended:
                now[category_id] = (heirs - ended) | became
    left = set(version.taxonomy.ids)
    return {(category_id, heir) for category_id, heirs in now.items() for heir in heirs & left}


def _composed(links: set[Link], step: set[Link]) -> set[Link]:
    """The links over both: what is linked to something that is linked on."""
    further: dict[str, list[str]] = {}
    for middle, new in step:
        further.setdefault(middle, []).append(new)
    return {(old, new) for old, middle in links for new in further.get(middle, ())}


def _with_parents(taxonomy: Taxonomy) -> dict[str | None, list[int]]:
    """For each category's id its place and that of its parent: where a document with that label counts."""
    places = {category.id: place for place, category in enumerate(taxonomy)}
    return {
        category.id: [places[key] for key in (category.id, category.parent) if key is not None]
        for category in taxonomy
    }
