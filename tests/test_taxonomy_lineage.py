"""Labels follow their categories through history, or their documents are asked again."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taxonomies import FAST, histories
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.lineage import follow
from tnt_llm.taxonomy.version import Author, Version

START = Version.first().then(
    [Add(name=name, description=f"About {name}.") for name in ("Apples", "Bread", "Cheese", "Dates")],
    author=Author.MODEL,
)
APPLES, BREAD, CHEESE, DATES = START.taxonomy.ids


def path(*steps: Sequence[Edit]) -> list[Version]:
    """From START, one version a step; every edit must pass."""
    versions = [START]
    for edits in steps:
        versions.append(versions[-1].then(edits, author=Author.HUMAN))
        assert not versions[-1].refused
    return versions


def fates(*steps: Sequence[Edit]) -> dict[str, str | None]:
    """Where the labels of START's four point to, by its names; only those that do not simply stay."""
    lineage = follow(path(*steps))
    return {
        category.name: lineage.current(category.id)
        for category in START.taxonomy
        if lineage.current(category.id) != category.id
    }


def test_without_steps_every_label_stays() -> None:
    lineage = follow([START])
    assert [lineage.current(category_id) for category_id in START.taxonomy.ids] == list(START.taxonomy.ids)
    assert not lineage.reask
    assert not lineage.born


def test_a_rename_keeps_labels() -> None:
    assert fates([Redefine(id=BREAD, name="Loaves")]) == {}


def test_other_exemplars_keep_labels() -> None:
    assert fates([Redefine(id=BREAD, exemplars=(1, 2))]) == {}


def test_a_move_keeps_labels() -> None:
    assert fates([Add(name="Food", description="All."), Move(id=BREAD, parent="Food")]) == {}


def test_a_merge_maps_labels_to_the_survivor_whatever_its_new_words() -> None:
    assert fates([Merge(ids=(BREAD, DATES), name="Food", description="Both.")]) == {"Dates": BREAD}


def test_merges_map_on_through_merges() -> None:
    steps = [Merge(ids=(BREAD, DATES))], [Merge(ids=(APPLES, BREAD, CHEESE))]
    assert fates(*steps) == {"Bread": APPLES, "Cheese": APPLES, "Dates": APPLES}


def test_a_merge_into_a_newcomer_maps_to_it() -> None:
    versions = path([Add(name="Food", description="All."), Merge(ids=("Food", BREAD, DATES))])
    newcomer = versions[-1].taxonomy.categories[-1].id
    lineage = follow(versions)
    assert lineage.current(BREAD) == lineage.current(DATES) == newcomer
    assert lineage.born == {newcomer}


def test_another_description_asks_again() -> None:
    assert fates([Redefine(id=BREAD, description="Loaves only.")]) == {"Bread": None}
    assert follow(path([Redefine(id=BREAD, description="Loaves only.")])).reask == {BREAD}


def test_a_description_that_comes_back_asks_nobody() -> None:
    assert (
        fates([Redefine(id=BREAD, description="Loaves.")], [Redefine(id=BREAD, description="About Bread.")])
        == {}
    )


def test_what_was_redefined_before_a_merge_is_asked_again() -> None:
    assert fates([Redefine(id=DATES, description="Days.")], [Merge(ids=(BREAD, DATES))]) == {"Dates": None}
    assert fates([Redefine(id=BREAD, description="Money."), Merge(ids=(BREAD, DATES))]) == {
        "Bread": None,
        "Dates": BREAD,
    }


def test_what_is_redefined_after_a_merge_is_asked_again() -> None:
    assert fates([Merge(ids=(BREAD, DATES))], [Redefine(id=BREAD, description="Loaves.")]) == {
        "Bread": None,
        "Dates": None,
    }


def test_a_split_asks_again_and_its_parts_are_born() -> None:
    parts = (Part(name="Rolls", description="Small."), Part(name="Bread", description="Big."))
    versions = path([Split(id=BREAD, parts=parts)])
    lineage = follow(versions)
    assert lineage.reask == {BREAD}
    assert lineage.born == set(versions[-1].taxonomy.ids[1:3])


def test_a_removal_asks_again() -> None:
    assert fates([Remove(id=BREAD)]) == {"Bread": None}


def test_a_removal_after_a_merge_asks_both_again() -> None:
    assert fates([Merge(ids=(BREAD, DATES))], [Remove(id=BREAD)]) == {"Bread": None, "Dates": None}


def test_an_addition_keeps_labels_and_says_what_was_born() -> None:
    versions = path([Add(name="Eggs", description="From hens.")])
    assert fates([Add(name="Eggs", description="From hens.")]) == {}
    assert follow(versions).born == {versions[-1].taxonomy.ids[-1]}


def test_a_category_that_gets_others_below_it_asks_its_own_again() -> None:
    below = [Add(name="Rolls", description="Small.", parent=BREAD)]
    assert fates(below) == {"Bread": None}
    assert fates(below, [Remove(id="Rolls")]) == {}


def test_labels_of_a_category_born_on_the_way_are_followed_from_its_birth() -> None:
    versions = path([Add(name="Eggs", description="Hens.")], [Merge(ids=(APPLES, "Eggs"))])
    assert follow(versions).current(versions[1].taxonomy.ids[-1]) == APPLES


def test_an_unknown_category_is_asked_again_but_not_listed() -> None:
    lineage = follow([START])
    assert lineage.current("nothing") is None
    assert not lineage.reask


def test_a_path_with_a_gap_or_without_versions_is_an_error() -> None:
    versions = path([Remove(id=BREAD)], [Remove(id=APPLES)])
    with pytest.raises(ValueError, match="is not the parent of"):
        follow([versions[0], versions[2]])
    with pytest.raises(ValueError, match="at least one"):
        follow([])


@FAST
@given(histories())
def test_a_label_points_to_a_category_that_labels_documents_or_is_asked_again(
    versions: list[Version],
) -> None:
    lineage = follow(versions)
    leaves = {category.id for category in versions[-1].taxonomy.leaves}
    everywhere = {category.id for version in versions for category in version.taxonomy.leaves}
    pointed = {category_id: lineage.current(category_id) for category_id in everywhere}
    assert {target for target in pointed.values() if target} <= leaves
    assert lineage.reask == {category_id for category_id, target in pointed.items() if target is None}
    assert lineage.born == leaves - set(versions[0].taxonomy.ids)


@FAST
@given(histories())
def test_only_what_an_edit_touched_can_lose_its_labels(versions: list[Version]) -> None:
    """Except by getting others below it, which touches only those."""
    start, end = versions[1], versions[-1]
    lineage = follow(versions[1:])
    leaves = {category.id for category in end.taxonomy.leaves}
    for category in start.taxonomy.leaves:
        if category.id in leaves and end.taxonomy[category.id].description == category.description:
            assert lineage.current(category.id) == category.id


@FAST
@given(histories(), st.data())
def test_following_in_two_halves_never_finds_more_than_following_at_once(
    versions: list[Version], data: st.DataObject
) -> None:
    middle = data.draw(st.integers(1, len(versions) - 1))
    first, second, whole = follow(versions[1 : middle + 1]), follow(versions[middle:]), follow(versions[1:])
    for category_id in versions[1].taxonomy.ids:
        halfway = first.current(category_id)
        target = second.current(halfway) if halfway is not None else None
        assert target is None or target == whole.current(category_id)


@FAST
@given(histories())
def test_what_is_kept_has_the_description_it_was_labelled_under_or_took_part_in_a_merge(
    versions: list[Version],
) -> None:
    lineage = follow(versions[1:])
    merged = {
        category_id
        for _, version in pairwise(versions[1:])
        for edit in version.edits
        if isinstance(edit, Merge)
        for category_id in edit.ids
    }
    for category in versions[1].taxonomy.leaves:
        target = lineage.current(category.id)
        if target is not None and category.id not in merged:
            assert versions[-1].taxonomy[target].description == category.description
