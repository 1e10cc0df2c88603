"""apply, rule by rule."""

import pytest
from taxonomies import grown, outcome, reasons
from tnt_llm.taxonomy.apply import apply
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.values import Category, Taxonomy

ABC = grown("Apples", "Bread", "Cheese")


def add(name: str, parent: str | None = None) -> Add:
    return Add(name=name, description=f"About {name}.", parent=parent)


def parts(*names: str) -> tuple[Part, ...]:
    return tuple(Part(name=name, description=f"About {name}.") for name in names)


def tree(taxonomy: Taxonomy) -> dict[str, str | None]:
    """Names with the name of the parent."""
    names = {category.id: category.name for category in taxonomy}
    return {category.name: names[category.parent] if category.parent else None for category in taxonomy}


# --- the six edits


def test_no_edits_give_the_very_same_taxonomy() -> None:
    assert apply(ABC, []).taxonomy is ABC


def test_edits_that_are_all_refused_give_the_very_same_taxonomy() -> None:
    assert outcome(ABC, Remove(id="nothing"), add("Other")).taxonomy is ABC


def test_add_puts_a_category_last() -> None:
    result = outcome(ABC, Add(name=" Dates. ", description="Sweet\nones", exemplars=(4, 4, 2)))
    new = result.taxonomy.categories[-1]
    assert result.taxonomy.names == ("Apples", "Bread", "Cheese", "Dates")
    assert (new.name, new.description, new.exemplars) == ("Dates", "Sweet ones", (4, 2))
    assert result.applied[0].ids_born == (new.id,)
    assert result.applied[0].ids_touched == ()


def test_redefine_changes_what_it_names_and_nothing_else() -> None:
    result = outcome(
        ABC, Redefine(id="bread", name="Loaves"), Redefine(id="apples", description="Round ones.")
    )
    assert result.taxonomy.names == ("Apples", "Loaves", "Cheese")
    assert result.taxonomy["bread"].description == "About Bread."
    assert result.taxonomy["apples"].description == "Round ones."
    assert [applied.ids_touched for applied in result.applied] == [("bread",), ("apples",)]


def test_redefine_can_take_all_exemplars_away() -> None:
    with_exemplars = outcome(ABC, Redefine(id="bread", exemplars=(3, 1))).taxonomy
    assert with_exemplars["bread"].exemplars == (3, 1)
    assert outcome(with_exemplars, Redefine(id="bread", exemplars=())).taxonomy["bread"].exemplars == ()


def test_a_category_may_take_another_spelling_of_its_own_name() -> None:
    assert outcome(ABC, Redefine(id="bread", name="BREADS")).taxonomy.names == ("Apples", "BREADS", "Cheese")


def test_merge_keeps_the_first_in_its_place() -> None:
    result = outcome(ABC, Merge(ids=("cheese", "apples"), name="Food", description="Both."))
    assert result.taxonomy.names == ("Bread", "Food")
    assert result.taxonomy["cheese"].description == "Both."
    assert result.applied[0].ids_touched == ("cheese", "apples")
    assert result.applied[0].ids_born == ()


def test_merge_without_words_of_its_own_keeps_the_name_and_all_descriptions() -> None:
    result = outcome(ABC, Redefine(id="bread", description="Baked"), Merge(ids=("apples", "bread", "cheese")))
    assert result.taxonomy["apples"].text == "Apples: About Apples. Baked. About Cheese."


def test_merge_of_twins_says_their_description_once() -> None:
    twins = outcome(ABC, Redefine(id="bread", description="About Apples")).taxonomy
    assert outcome(twins, Merge(ids=("bread", "apples"))).taxonomy["bread"].description == "About Apples."


def test_merge_may_take_the_name_of_the_one_it_takes_in() -> None:
    assert outcome(ABC, Merge(ids=("apples", "bread"), name="Bread")).taxonomy.names == ("Bread", "Cheese")


def test_merge_takes_the_exemplars_in_turn() -> None:
    start = outcome(
        ABC, Redefine(id="apples", exemplars=(1, 2, 3)), Redefine(id="bread", exemplars=(9, 2))
    ).taxonomy
    assert outcome(start, Merge(ids=("apples", "bread"))).taxonomy["apples"].exemplars == (1, 9, 2, 3)


def test_split_puts_its_parts_in_the_place_of_the_whole() -> None:
    result = outcome(ABC, Split(id="bread", parts=parts("Rolls", "Bread")))
    assert result.taxonomy.names == ("Apples", "Rolls", "Bread", "Cheese")
    assert "bread" not in result.taxonomy
    assert result.applied[0].ids_touched == ("bread",)
    assert result.applied[0].ids_born == result.taxonomy.ids[1:3]


def test_split_below_a_parent_stays_below_it() -> None:
    result = outcome(grown("Food", "Bread", under="Food"), Split(id="bread", parts=parts("Rolls", "Loaves")))
    assert tree(result.taxonomy) == {"Food": None, "Rolls": "Food", "Loaves": "Food"}


def test_remove_takes_one_away() -> None:
    result = outcome(ABC, Remove(id="bread"))
    assert result.taxonomy.names == ("Apples", "Cheese")
    assert result.applied[0].ids_touched == ("bread",)


def test_remove_of_a_parent_leaves_those_below_it_at_the_top() -> None:
    result = outcome(grown("Food", "Bread", "Cheese", under="Food"), Remove(id="food"))
    assert tree(result.taxonomy) == {"Bread": None, "Cheese": None}
    assert result.applied[0].ids_touched == ("food", "bread", "cheese")


def test_move_goes_below_another_and_back_to_the_top() -> None:
    below = outcome(ABC, Move(id="bread", parent="apples")).taxonomy
    assert tree(below) == {"Apples": None, "Bread": "Apples", "Cheese": None}
    assert outcome(below, Move(id="bread", parent=None)).taxonomy == ABC


# --- two levels


def test_merge_of_a_parent_takes_those_below_it_along() -> None:
    start = outcome(ABC, Move(id="cheese", parent="bread")).taxonomy
    result = outcome(start, Merge(ids=("apples", "bread")))
    assert tree(result.taxonomy) == {"Apples": None, "Cheese": "Apples"}
    assert result.applied[0].ids_touched == ("apples", "bread", "cheese")


def test_merge_of_a_category_into_the_parent_above_it_leaves_the_parent() -> None:
    result = outcome(grown("Food", "Bread", "Cheese", under="Food"), Merge(ids=("food", "bread")))
    assert tree(result.taxonomy) == {"Food": None, "Cheese": "Food"}


def test_merge_of_a_parent_into_one_below_it_lifts_that_to_the_top() -> None:
    result = outcome(grown("Food", "Bread", "Cheese", under="Food"), Merge(ids=("bread", "food")))
    assert tree(result.taxonomy) == {"Bread": None, "Cheese": "Bread"}


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (add("Rolls", "bread"), '"Bread" is itself below another category: two levels at most'),
        (Move(id="apples", parent="bread"), '"Bread" is itself below another category: two levels at most'),
        (Move(id="food", parent="apples"), '"Food" has categories below it: two levels at most'),
        (Move(id="food", parent="food"), '"Food" cannot be below itself'),
        (
            Merge(ids=("bread", "drinks")),
            '"Bread" is below another category and cannot have any below it: two levels',
        ),
        (
            Split(id="food", parts=parts("A1", "B1")),
            '"Food" has categories below it: move or remove them first',
        ),
    ],
)
def test_a_third_level_is_refused(edit: Edit, reason: str) -> None:
    start = Taxonomy(
        categories=(
            *grown("Food", "Bread", under="Food"),
            *grown("Drinks", "Tea", under="Drinks"),
            *grown("Apples"),
        )
    )
    assert reasons(start, [edit]) == [reason]


# --- names, texts and references


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (add("Other"), 'the name "Other" is too vague: name what its documents are about'),
        (
            Redefine(id="bread", name="Misc."),
            'the name "Misc" is too vague: name what its documents are about',
        ),
        (Merge(ids=("bread", "apples"), name="General"), 'the name "General" is too vague'),
        (Split(id="bread", parts=parts("Rolls", "Various")), 'the name "Various" is too vague'),
        (add("apple"), 'the name "apple" is taken by the category "Apples"'),
        (Redefine(id="bread", name="CHEESE"), 'the name "CHEESE" is taken by the category "Cheese"'),
        (
            Merge(ids=("bread", "apples"), name="Cheese"),
            'the name "Cheese" is taken by the category "Cheese"',
        ),
        (
            Split(id="bread", parts=parts("Rolls", "Cheese")),
            'the name "Cheese" is taken by the category "Cheese"',
        ),
        (Split(id="bread", parts=parts("Rolls", "rolls")), 'two of the parts are named "rolls"'),
        (add(" ?! "), "the name is empty"),
        (Redefine(id="bread", name=""), "the name is empty"),
        (Add(name="Rolls", description=" \n"), "the description is empty"),
        (Redefine(id="bread", description=""), "the description is empty"),
        (Merge(ids=("bread", "apples"), description=" "), "the description is empty"),
        (
            Split(id="bread", parts=(*parts("Rolls"), Part(name="Buns", description=""))),
            "the description is empty",
        ),
        (Remove(id="Soup"), 'no category has the id or name "Soup"'),
        (add("Rolls", "Soup"), 'no category has the id or name "Soup"'),
        (Remove(id="x" * 90), f'no category has the id or name "{"x" * 77}..."'),
        (Merge(ids=("bread", "Bread")), 'these are one category already: "Bread"'),
        (Redefine(id="bread"), '"Bread" says that already: nothing would change'),
        (
            Redefine(id="bread", name="Bread.", description="About Bread.", exemplars=()),
            '"Bread" says that already',
        ),
        (Move(id="bread", parent=None), '"Bread" is there already: nothing would change'),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_reason(edit: Edit, reason: str) -> None:
    result = outcome(ABC, edit)
    assert result.taxonomy is ABC
    assert result.refused[0].edit == edit
    assert result.refused[0].reason.startswith(reason)


def test_a_refused_edit_leaves_the_others_standing() -> None:
    result = outcome(ABC, Remove(id="apples"), Remove(id="soup"), add("Dates"))
    assert result.taxonomy.names == ("Bread", "Cheese", "Dates")
    assert [refusal.edit for refusal in result.refused] == [Remove(id="soup")]


def test_a_name_does_for_an_id() -> None:
    assert outcome(ABC, Remove(id=" breads ")).edits == (Remove(id="bread"),)


def test_a_later_edit_may_name_a_category_of_an_earlier_one() -> None:
    result = outcome(ABC, add("Food"), Move(id="bread", parent="Food"), add("Rolls", "Food"))
    assert tree(result.taxonomy) == {
        "Apples": None,
        "Bread": "Food",
        "Cheese": None,
        "Food": None,
        "Rolls": "Food",
    }
    assert not result.refused


def test_an_id_goes_before_a_name() -> None:
    confusing = Taxonomy(
        categories=(
            Category(id="Tea", name="Coffee", description="Black."),
            Category(id="x", name="Tea", description="Green."),
        )
    )
    assert outcome(confusing, Remove(id="Tea")).taxonomy.names == ("Tea",)


def test_a_name_that_two_have_refers_to_none() -> None:
    twins = Taxonomy(categories=(*grown("Bread"), Category(id="x", name="Bread", description="Too.")))
    assert reasons(twins, [Remove(id="breads")]) == ['more than one category is named "breads"']
    assert outcome(twins, Merge(ids=("bread", "x"))).taxonomy.ids == ("bread",)


def test_the_exact_name_goes_before_a_similar_one() -> None:
    similar = Taxonomy(categories=(*grown("Bread"), Category(id="x", name="Breads", description="Too.")))
    assert outcome(similar, Remove(id="Breads")).taxonomy.ids == ("bread",)


@pytest.mark.parametrize(
    ("before", "fate"),
    [
        (Remove(id="bread"), "was removed"),
        (Split(id="bread", parts=parts("Rolls", "Loaves")), "was split"),
        (Merge(ids=("apples", "bread")), "was merged"),
    ],
)
@pytest.mark.parametrize("reference", ["bread", "Breads"])
def test_a_reference_to_what_an_earlier_edit_ended_says_so(before: Edit, fate: str, reference: str) -> None:
    assert reasons(ABC, [before, Remove(id=reference)]) == [f'"Bread" {fate} by an earlier edit of this list']


def test_pairs_that_overlap_merge_into_one() -> None:
    result = outcome(ABC, Merge(ids=("apples", "bread"), name="Food"), Merge(ids=("bread", "cheese")))
    assert result.taxonomy.names == ("Food",)
    assert result.edits[1].model_dump()["ids"] == ("apples", "cheese")


def test_a_merged_parent_stands_for_the_one_it_went_into() -> None:
    result = outcome(ABC, Merge(ids=("apples", "bread")), Move(id="cheese", parent="Bread"))
    assert tree(result.taxonomy) == {"Apples": None, "Cheese": "Apples"}


def test_a_renamed_category_still_answers_to_its_old_name() -> None:
    result = outcome(ABC, Redefine(id="bread", name="Loaves"), Remove(id="Bread"))
    assert result.taxonomy.names == ("Apples", "Cheese")


def test_a_renamed_and_removed_category_answers_to_nothing() -> None:
    result = reasons(ABC, [Redefine(id="bread", name="Loaves"), Remove(id="bread"), Remove(id="Bread")])
    assert result == ['"Loaves" was removed by an earlier edit of this list']


def test_a_faulty_name_that_is_kept_hinders_no_other_change() -> None:
    imported = Taxonomy(categories=(Category(id="o", name="Other.", description="Rest."), *ABC))
    result = outcome(
        imported, Redefine(id="o", name="Other.", description="More."), Merge(ids=("o", "bread"))
    )
    assert result.taxonomy["o"].text == "Other.: More. About Bread."
    assert apply(imported, result.edits).taxonomy == result.taxonomy


# --- the cap


def test_what_would_exceed_the_cap_is_refused() -> None:
    assert reasons(ABC, [add("Dates")], cap=3) == [
        "it would make 4 categories where 3 are allowed: merge or remove some first"
    ]
    assert reasons(ABC, [Split(id="bread", parts=parts("Rolls", "Loaves"))], cap=3)[0].startswith(
        "it would make 4"
    )


def test_what_only_lacks_room_is_tried_again_at_the_end() -> None:
    result = outcome(ABC, add("Dates"), Merge(ids=("apples", "bread")), cap=3)
    assert result.taxonomy.names == ("Apples", "Cheese", "Dates")
    assert [applied.edit.op for applied in result.applied] == ["merge", "add"]
    assert not result.refused


def test_what_depends_on_something_that_waits_for_room_waits_with_it() -> None:
    result = outcome(
        ABC,
        Split(id="cheese", parts=parts("Brie", "Gouda")),
        Redefine(id="Gouda", name="Edam"),
        Move(id="Edam", parent="bread"),
        Remove(id="apples"),
        cap=3,
    )
    assert tree(result.taxonomy) == {"Bread": None, "Brie": None, "Edam": "Bread"}
    assert not result.refused


def test_what_depends_on_something_that_found_no_room_says_so() -> None:
    assert reasons(
        ABC, [add("Dates"), Remove(id="Dates"), Merge(ids=("Dates", "bread"), name="Sweets")], cap=3
    ) == [
        "it would make 4 categories where 3 are allowed: merge or remove some first",
        '"Dates" is not there: there was no room for it',
        '"Dates" is not there: there was no room for it',
    ]


def test_what_is_wrong_in_itself_is_not_tried_again() -> None:
    assert reasons(ABC, [add("Bread"), Remove(id="bread")], cap=3) == [
        'the name "Bread" is taken by the category "Bread"'
    ]


def test_refusals_come_in_the_order_of_the_list() -> None:
    refused = outcome(ABC, add("Dates"), Remove(id="soup"), add("Figs"), cap=3).refused
    assert [refusal.edit for refusal in refused] == [add("Dates"), Remove(id="soup"), add("Figs")]


def test_a_taxonomy_above_a_lowered_cap_may_shrink_and_change_but_not_grow() -> None:
    result = outcome(ABC, Remove(id="bread"), Redefine(id="apples", name="Pears"), add("Dates"), cap=1)
    assert result.taxonomy.names == ("Pears", "Cheese")
    assert len(result.refused) == 1


# --- ids


def test_the_same_edits_on_the_same_taxonomy_give_the_same_ids() -> None:
    assert outcome(ABC, add("Dates")).taxonomy == outcome(ABC, add("Dates")).taxonomy


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([add("Dates")], [add("Figs"), add("Dates")]),
        ([Remove(id="apples"), add("Dates")], [Remove(id="bread"), add("Dates")]),
        ([add("Dates")], [Add(name="Dates", description="Sweet.")]),
        ([add("Dates")], [add("Dates"), Remove(id="Dates"), add("Dates")]),
    ],
)
def test_a_category_with_another_past_has_another_id(one: list[Edit], other: list[Edit]) -> None:
    assert outcome(ABC, *one).taxonomy.ids[-1] != outcome(ABC, *other).taxonomy.ids[-1]


def test_the_origin_tells_equal_taxonomies_apart() -> None:
    assert (
        apply(ABC, [add("Dates")], origin="v1").taxonomy != apply(ABC, [add("Dates")], origin="v2").taxonomy
    )
