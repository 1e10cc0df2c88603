"""How far two taxonomies are apart."""

import pytest
from hypothesis import given
from taxonomies import EDITS, FAST, grown, outcome, taxonomies
from tnt_llm.taxonomy.distance import match, touched_share
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.values import Category, Taxonomy

FOUR = grown("Apples", "Bread", "Cheese", "Dates")


@pytest.mark.parametrize(
    ("edits", "share"),
    [
        ([], 0),
        ([Redefine(id="bread", exemplars=(1,))], 0),
        ([Redefine(id="bread", name="Loaves")], 1 / 4),
        ([Redefine(id="bread", description="Loaves.")], 1 / 4),
        ([Move(id="bread", parent="apples")], 1 / 4),
        ([Remove(id="bread")], 1 / 4),
        ([Add(name="Eggs", description="From hens.")], 1 / 5),
        ([Merge(ids=("bread", "dates"))], 2 / 4),
        (
            [Split(id="bread", parts=(Part(name="A1", description="a"), Part(name="B1", description="b")))],
            3 / 6,
        ),
        ([Redefine(id="bread", name="Loaves"), Redefine(id="bread", name="Bread")], 0),
        ([Remove(id=name) for name in FOUR.ids], 1),
    ],
)
def test_the_share_counts_each_category_that_differs_once(edits: list[Edit], share: float) -> None:
    after = outcome(FOUR, *edits).taxonomy
    assert touched_share(FOUR, after) == pytest.approx(share)
    assert touched_share(after, FOUR) == pytest.approx(share)


def test_two_empty_taxonomies_do_not_differ() -> None:
    assert touched_share(Taxonomy(), Taxonomy()) == 0


def test_two_with_nothing_in_common_differ_wholly() -> None:
    assert touched_share(grown("Apples"), grown("Bread")) == 1


@FAST
@given(taxonomies(), EDITS)
def test_the_share_is_a_share_and_zero_only_where_names_texts_and_parents_stand(
    taxonomy: Taxonomy, edits: list[Edit]
) -> None:
    after = outcome(taxonomy, *edits).taxonomy
    share = touched_share(taxonomy, after)
    assert 0 <= share <= 1

    def content(of: Taxonomy) -> set[tuple[str, str, str, str | None]]:
        return {(category.id, category.name, category.description, category.parent) for category in of}

    assert (share == 0) == (content(taxonomy) == content(after))


def test_unrelated_taxonomies_match_by_name() -> None:
    other = grown("cheeses", "Fish", "apple")
    assert [(a.name, b.name) for a, b in match(FOUR, other)] == [("Apples", "apple"), ("Cheese", "cheeses")]


def test_a_match_is_one_to_one_and_exact_names_go_first() -> None:
    ones = Taxonomy(categories=(*grown("breads"), Category(id="x", name="Bread", description="Too.")))
    others = Taxonomy(categories=(*grown("Bread"), Category(id="y", name="BREAD", description="Too.")))
    assert [(a.id, b.id) for a, b in match(ones, others)] == [("breads", "y"), ("x", "bread")]
    assert [(a.id, b.id) for a, b in match(ones, grown("Bread"))] == [("x", "bread")]


@FAST
@given(taxonomies())
def test_a_taxonomy_matches_itself_wholly(taxonomy: Taxonomy) -> None:
    assert match(taxonomy, taxonomy) == tuple((category, category) for category in taxonomy)
