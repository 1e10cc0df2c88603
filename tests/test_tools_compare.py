"""Comparisons: along a history by ids and edits, between unrelated runs by documents or names."""

import json
from collections import Counter
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taxonomies import EDITS, FAST, taxonomies
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.taxonomy.version import Author, Version
from tnt_llm.tools.compare import compare, match_by_documents, match_by_names
from tnt_llm.tools.comparison import Comparison, Group, MatchedBy, Pair


def version(*names: str) -> Version:
    """A version whose categories are these, each described as "About NAME."."""
    return Version.first().then(
        [Add(name=name, description=f"About {name}.") for name in names], author=Author.MODEL
    )


def path(first: Version, *steps: list[Edit]) -> list[Version]:
    versions = [first]
    for edits in steps:
        versions.append(versions[-1].then(edits, author=Author.HUMAN))
        assert not versions[-1].refused
    return versions


def along(versions: list[Version]) -> Comparison:
    return compare(versions[0].taxonomy, versions[-1].taxonomy, versions)


def names(pieces: tuple[Category | Pair | Group, ...]) -> list[object]:
    return [
        piece.name
        if isinstance(piece, Category)
        else (piece.before.name, piece.after.name)
        if isinstance(piece, Pair)
        else ([one.name for one in piece.before], [other.name for other in piece.after])
        for piece in pieces
    ]


def taxonomy(*names_: str, below: dict[str, str] | None = None, mark: str = "") -> Taxonomy:
    """A taxonomy without a history: ids are names with a mark, `below` gives parents by name."""
    parents = below or {}
    return Taxonomy(
        categories=tuple(
            Category(
                id=mark + name,
                name=name,
                description=f"{mark}{name}.",
                parent=mark + parents[name] if name in parents else None,
            )
            for name in names_
        )
    )


def part(name: str) -> Part:
    return Part(name=name, description=f"Part {name}.")


ABC = version("Apples", "Bears", "Cars")


# --- along a history


def test_nothing_differs_between_a_version_and_itself() -> None:
    comparison = along([ABC])
    assert comparison.lines() == ()
    assert names(comparison.kept) == [("Apples", "Apples"), ("Bears", "Bears"), ("Cars", "Cars")]


def test_other_exemplars_are_no_difference() -> None:
    assert along(path(ABC, [Redefine(id="Apples", exemplars=(3, 4))])).lines() == ()


def test_an_addition_and_a_removal_are_told() -> None:
    comparison = along(path(ABC, [Remove(id="Bears"), Add(name="Dogs", description="About dogs.")]))
    assert names(comparison.gone) == ["Bears"]
    assert names(comparison.added) == ["Dogs"]
    assert comparison.lines() == ("Added “Dogs”: About dogs.", "Gone: “Bears”")


def test_a_category_that_is_renamed_and_reworded_and_moved_is_told_thrice_and_kept_in_no_list() -> None:
    comparison = along(
        path(
            ABC, [Redefine(id="Bears", name="Beers", description="Drinks."), Move(id="Beers", parent="Cars")]
        )
    )
    assert (
        names(comparison.renamed)
        == names(comparison.reworded)
        == names(comparison.moved)
        == [("Bears", "Beers")]
    )
    assert len(comparison.kept) == 2
    assert comparison.lines() == (
        "Renamed “Bears” to “Beers”",
        "Reworded “Beers”: Drinks.",
        "Moved “Beers” under “Cars”",
    )


def test_a_merge_is_known_from_the_edits_between() -> None:
    versions = path(ABC, [Merge(ids=("Apples", "Cars"), name="Things")])
    assert names(along(versions).merged) == [(["Apples", "Cars"], ["Things"])]
    assert along(versions).lines() == ("Merged “Apples” and “Cars” into “Things”",)


def test_without_the_edits_a_merge_is_a_change_and_a_loss() -> None:
    versions = path(ABC, [Merge(ids=("Apples", "Cars"), name="Things")])
    comparison = compare(ABC.taxonomy, versions[-1].taxonomy)
    assert (names(comparison.renamed), names(comparison.gone)) == ([("Apples", "Things")], ["Cars"])


def test_a_split_is_told_with_its_parts() -> None:
    versions = path(
        ABC, [Split(id="Bears", parts=(part("Black bears"), part("Polar bears"), part("Pandas")))]
    )
    assert along(versions).lines() == ("Split “Bears” into “Black bears”, “Polar bears” and “Pandas”",)


def test_a_part_that_is_merged_elsewhere_carries_its_origin_along() -> None:
    versions = path(
        ABC,
        [Split(id="Bears", parts=(part("Pandas"), part("Polar bears")))],
        [Merge(ids=("Apples", "Pandas"))],
    )
    assert names(along(versions).regrouped) == [(["Apples", "Bears"], ["Apples", "Polar bears"])]
    assert along(versions).lines() == ("Regrouped “Apples” and “Bears” into “Apples” and “Polar bears”",)


def test_a_split_that_was_merged_again_is_one_category_as_before() -> None:
    versions = path(
        ABC,
        [Split(id="Bears", parts=(part("Pandas"), part("Polar bears")))],
        [Merge(ids=("Pandas", "Polar bears"), name="Bears", description="About Bears.")],
    )
    assert names(along(versions).kept) == [(name, name) for name in ("Apples", "Bears", "Cars")]
    assert along(versions).lines() == ()


def test_what_was_merged_and_then_removed_is_gone() -> None:
    versions = path(ABC, [Merge(ids=("Apples", "Bears"))], [Remove(id="Apples")])
    assert names(along(versions).gone) == ["Apples", "Bears"]


def test_what_came_and_went_in_between_is_not_told() -> None:
    versions = path(
        ABC,
        [Add(name="Dogs", description="...")],
        [Merge(ids=("Dogs", "Cars"), name="Cars", description="About Cars.")],
    )
    assert along(versions).added == ()
    assert names(along(versions).kept)[-1] == ("Cars", "Cars")


def test_a_child_stays_where_it_is_when_its_parent_is_merged_into_another() -> None:
    first = path(ABC, [Move(id="Cars", parent="Bears")])[-1]
    comparison = along(path(first, [Merge(ids=("Apples", "Bears"), name="Fruit")]))
    assert comparison.moved == ()
    assert names(comparison.kept) == [("Cars", "Cars")]


def test_going_to_the_top_is_a_move() -> None:
    first = path(ABC, [Move(id="Cars", parent="Bears")])[-1]
    comparison = along(path(first, [Move(id="Cars", parent=None)]))
    assert comparison.lines() == ("Moved “Cars” to the top",)
    assert comparison.to_dict()["moved"][0]["parents"] == ["Bears", None]


def test_branches_are_compared_over_the_version_they_have_in_common() -> None:
    left = path(ABC, [Merge(ids=("Apples", "Bears"), name="Food")])[-1]
    right = path(ABC, [Redefine(id="Cars", name="Trucks")])[-1]
    comparison = along([left, ABC, right])
    assert names(comparison.split) == [(["Food"], ["Apples", "Bears"])]
    assert names(comparison.renamed) == [("Cars", "Trucks")]


def test_versions_that_do_not_lead_there_are_refused() -> None:
    child = path(ABC, [Remove(id="Cars")])[-1]
    grandchild = path(child, [Remove(id="Bears")])[-1]
    with pytest.raises(ValueError, match="neither parent nor child"):
        along([ABC, grandchild])
    with pytest.raises(ValueError, match="do not lead"):
        compare(ABC.taxonomy, grandchild.taxonomy, [ABC, child])


@FAST
@given(taxonomies(), st.lists(EDITS, max_size=3))
def test_every_category_of_either_is_told_of_exactly_once(start: Taxonomy, lists: list[list[Edit]]) -> None:
    versions = [Version.first().model_copy(update={"taxonomy": start})]
    for edits in lists:
        versions.append(versions[-1].then(edits, author=Author.HUMAN))
    comparison = along(versions)
    before = [*comparison.gone, *(pair.before for pair in comparison.pairs)]
    after = [*comparison.added, *(pair.after for pair in comparison.pairs)]
    before += [one for group in comparison.groups for one in group.before]
    after += [other for group in comparison.groups for other in group.after]
    assert Counter(one.id for one in before) == Counter(start.ids)
    assert Counter(other.id for other in after) == Counter(versions[-1].taxonomy.ids)
    assert all(len(group.before) + len(group.after) > 2 for group in comparison.groups)
    assert (comparison.lines() == ()) == (len(comparison.kept) == len(start) == len(versions[-1].taxonomy))
    assert set(comparison.heirs()) == set(start.ids)


@FAST
@given(taxonomies(), EDITS)
def test_the_way_back_tells_the_same_the_other_way_round(start: Taxonomy, edits: list[Edit]) -> None:
    parent = Version.first().model_copy(update={"taxonomy": start})
    child = parent.then(edits, author=Author.HUMAN)
    forth, back = along([parent, child]), along([child, parent])
    assert forth.added == tuple(one for one in child.taxonomy if one in back.gone)
    assert {(pair.before, pair.after) for pair in forth.pairs} == {
        (pair.after, pair.before) for pair in back.pairs
    }
    assert {(group.before, group.after) for group in forth.groups} == {
        (group.after, group.before) for group in back.groups
    }
    assert {pair.before.id for pair in forth.moved} == {pair.after.id for pair in back.moved}


# --- labels


def test_labels_that_follow_their_category_have_not_changed() -> None:
    versions = path(
        version("Apples", "Bears", "Cars", "Dogs"),
        [
            Redefine(id="Dogs", name="Puppies"),
            Merge(ids=("Apples", "Cars")),
            Split(id="Bears", parts=(part("Pandas"), part("Polar bears"))),
        ],
    )
    old, new = versions[0].taxonomy, versions[-1].taxonomy
    by_name = {category.name: category.id for category in [*old, *new]}
    before = dict(enumerate(by_name[name] for name in ("Dogs", "Cars", "Bears", "Bears", "Apples")))
    after = dict(
        enumerate(by_name[name] for name in ("Puppies", "Apples", "Pandas", "Polar bears", "Puppies"))
    )
    comparison = along(versions).with_labels(before, after.items())
    assert (comparison.labels_changed, comparison.labels_compared) == (1, 5)
    assert comparison.lines()[-1] == "1 of 5 labels differ"


def test_undefined_is_a_label_and_documents_without_one_are_not_compared() -> None:
    apples, bears, _ = ABC.taxonomy.ids
    before = {0: None, 1: None, 2: apples, 3: apples, 9: bears}
    after = {0: None, 1: apples, 2: None, 3: apples, 8: bears}
    comparison = along([ABC]).with_labels(before, after.items())
    assert (comparison.labels_changed, comparison.labels_compared) == (2, 4)


def test_no_labels_were_looked_at_unless_they_were_given() -> None:
    assert (along([ABC]).labels_changed, along([ABC]).labels_compared) == (None, None)


# --- by documents


def labels(**members: str) -> dict[int, str | None]:
    """`labels(A="012")`: documents 0, 1 and 2 are in A; "_" is undefined."""
    return {
        int(digit, 36): None if name == "_" else name for name, digits in members.items() for digit in digits
    }


def test_categories_are_matched_by_their_documents_whatever_they_are_called() -> None:
    comparison = match_by_documents(
        labels(A="0123", B="456"), labels(X="456", Y="0123"), taxonomy("A", "B"), taxonomy("X", "Y")
    )
    assert names(comparison.renamed) == [("A", "Y"), ("B", "X")]
    assert [pair.shared for pair in comparison.renamed] == [4, 3]
    assert comparison.lines() == ("“A” as “Y” (4 texts in both)", "“B” as “X” (3 texts in both)")
    assert (comparison.labels_changed, comparison.labels_compared) == (0, 7)
    assert comparison.matched_by is MatchedBy.DOCUMENTS


def test_all_pairs_together_have_most_documents_in_common() -> None:
    # Greedily A would take X (3), and B be left with nothing.
    found = match_by_documents(
        labels(A="01234", B="567"), labels(X="012567", Y="34"), taxonomy("A", "B"), taxonomy("X", "Y")
    )
    assert names(found.renamed) == [("A", "Y"), ("B", "X")]
    assert found.labels_changed == 3


@FAST
@given(
    st.lists(st.sampled_from("ABC"), min_size=1, max_size=30),
    st.lists(st.sampled_from("XYZ"), min_size=30, max_size=30),
)
def test_the_matching_is_the_best_of_all(own: list[str], other: list[str]) -> None:
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    count = Counter(zip(own, other, strict=False))
    best = max(sum(count[a, b] for a, b in zip("ABC", order, strict=True)) for order in permutations("XYZ"))
    overlap = np.array([[count[a, b] for b in "XYZ"] for a in "ABC"])
    assert overlap[linear_sum_assignment(overlap, maximize=True)].sum() == best
    found = match_by_documents(
        dict(enumerate(own)), dict(enumerate(other)), taxonomy("A", "B", "C"), taxonomy("X", "Y", "Z")
    )
    assert sum(pair.shared or 0 for pair in found.pairs) <= best
    assert found.labels_compared == len(own)
    assert {pair.before.id for pair in found.pairs} | {
        old.id for group in found.groups for old in group.before
    } | {old.id for old in found.gone} == set("ABC")


def test_a_category_in_two_on_the_other_side_is_a_split_and_the_other_way_round_a_merge() -> None:
    whole, halves = labels(A="01234567", B="89"), labels(X="01234", Y="567", Z="89")
    forth = match_by_documents(whole, halves, taxonomy("A", "B"), taxonomy("X", "Y", "Z"))
    assert names(forth.split) == [(["A"], ["X", "Y"])]
    back = match_by_documents(halves, whole, taxonomy("X", "Y", "Z"), taxonomy("A", "B"))
    assert names(back.merged) == [(["X", "Y"], ["A"])]
    assert back.lines()[0] == "“X” and “Y” as “A”"


def test_a_category_whose_documents_are_scattered_has_no_match() -> None:
    found = match_by_documents(
        labels(A="0123", B="4567", C="89ab"),
        labels(X="0123489", Y="567ab"),
        taxonomy("A", "B", "C"),
        taxonomy("X", "Y"),
    )
    assert names(found.gone) == ["C"]
    assert found.lines()[-2:] == ("Only before: “C”", "5 of 12 labels differ")


def test_what_is_undefined_on_the_other_side_is_only_there() -> None:
    found = match_by_documents(labels(A="01", _="2"), labels(_="01", X="2"), taxonomy("A"), taxonomy("X"))
    assert (names(found.gone), names(found.added)) == (["A"], ["X"])
    assert not found.is_related
    assert found.lines()[0].startswith("Only after: “X”: ")


def test_a_parent_is_matched_by_the_documents_below_it() -> None:
    below = {"B": "A", "C": "A"}
    found = match_by_documents(
        labels(B="012", C="34", D="5"),
        labels(xY="012", xZ="34", xD="5"),
        taxonomy("A", "B", "C", "D"),
        taxonomy("X", "Y", "Z", "D", below={"Y": "X", "Z": "X"}, mark="x"),
    )
    assert names(found.pairs) == [("B", "Y"), ("C", "Z"), ("D", "D")]
    assert (names(found.moved), names(found.added)) == ([("B", "Y"), ("C", "Z")], ["X"])
    nested = match_by_documents(
        labels(B="012", C="34", D="5"),
        labels(xY="012", xZ="34", xD="5"),
        taxonomy("A", "B", "C", "D", below=below),
        taxonomy("X", "Y", "Z", "D", below={"Y": "X", "Z": "X"}, mark="x"),
    )
    assert names(nested.renamed) == [("A", "X"), ("B", "Y"), ("C", "Z")]
    assert nested.moved == ()


def test_between_equal_overlaps_the_name_decides() -> None:
    found = match_by_documents(
        labels(Apples="01", Bears="23"),
        labels(xBear="02", xApple="13"),
        taxonomy("Apples", "Bears"),
        taxonomy("Bear", "Apple", mark="x"),
    )
    assert names(found.pairs) == [("Apples", "Apple"), ("Bears", "Bear")]


def test_categories_without_documents_are_matched_by_name() -> None:
    found = match_by_documents(
        labels(A="0"), labels(xA="0"), taxonomy("A", "Empty"), taxonomy("A", "empty", mark="x")
    )
    assert names(found.pairs) == [("A", "A"), ("Empty", "empty")]
    # Other words in another run are no news.
    assert found.lines() == ("“Empty” as “empty”",)


@pytest.mark.parametrize("sides", [("", "X"), ("A", ""), ("", "")])
def test_an_empty_taxonomy_matches_nothing(sides: tuple[str, str]) -> None:
    found = match_by_documents({0: None}, {0: None}, taxonomy(*sides[0]), taxonomy(*sides[1]))
    assert (names(found.gone), names(found.added)) == (list(sides[0]), list(sides[1]))


# --- by names


def test_without_labels_names_decide() -> None:
    found = match_by_names(taxonomy("Refunds", "Bikes"), taxonomy("Refund", "Cars", mark="x"))
    assert names(found.renamed) == [("Refunds", "Refund")]
    assert (names(found.gone), names(found.added)) == (["Bikes"], ["Cars"])
    assert found.matched_by is MatchedBy.NAMES
    assert found.lines()[0] == "“Refunds” as “Refund”"


def test_everything_is_in_the_json() -> None:
    versions = path(
        version("Apples", "Bears", "Cars", "Dogs", "Eels", "Foxes", "Gnus"),
        [Merge(ids=("Apples", "Bears")), Split(id="Cars", parts=(part("Vans"), part("Trucks")))],
        [Redefine(id="Dogs", name="Puppies"), Remove(id="Eels"), Add(name="Hens", description="...")],
        [Move(id="Foxes", parent="Puppies"), Redefine(id="Gnus", description="Grazing.")],
    )
    found = json.loads(json.dumps(along(versions).with_labels({}, ()).to_dict()))
    assert found["matched_by"] == "history"
    assert found["categories"] == [7, 7]
    assert [[one["name"] for one in group["before"]] for group in found["merged"]] == [["Apples", "Bears"]]
    assert [[one["name"] for one in group["after"]] for group in found["split"]] == [["Vans", "Trucks"]]
    assert found["renamed"][0]["before"]["name"] == "Dogs"
    assert found["reworded"][0]["after"]["description"] == "Grazing."
    assert found["moved"][0]["parents"] == [None, "Puppies"]
    assert [one["name"] for one in found["gone"] + found["added"]] == ["Eels", "Hens"]
    assert (found["kept"], found["regrouped"]) == ([], [])
    assert (found["labels_compared"], found["labels_changed"]) == (0, 0)
