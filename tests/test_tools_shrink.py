"""Merging the nearest categories until there are few enough."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tnt_llm.taxonomy.apply import apply
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.tools.shrink import merges_down_to


def taxonomy(count):
    return Taxonomy(
        categories=tuple(
            Category(id=f"id{number}", name=f"Topic{number}", description="What.") for number in range(count)
        )
    )


def directions(*degrees):
    radians = np.radians(degrees)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def test_the_nearest_are_merged_and_the_largest_gives_its_name():
    merges = merges_down_to(taxonomy(4), 3, directions(0, 40, 45, 90), {"id1": 2, "id2": 9})
    assert [merge.ids for merge in merges] == [("id2", "id1")]


def test_several_may_go_into_one():
    merges = merges_down_to(taxonomy(5), 2, directions(0, 2, 4, 90, 92), {})
    assert [merge.ids for merge in merges] == [("id0", "id1", "id2"), ("id3", "id4")]


@pytest.mark.parametrize("limit", [3, 4, 100])
def test_nothing_is_merged_where_there_is_room(limit):
    assert merges_down_to(taxonomy(3), limit, directions(0, 1, 2), {}) == []


@given(
    degrees=st.lists(st.integers(0, 359), min_size=1, max_size=9),
    limit=st.integers(0, 9),
)
def test_applied_they_leave_as_many_as_there_may_be(degrees, limit):
    before = taxonomy(len(degrees))
    outcome = apply(before, merges_down_to(before, limit, directions(*degrees), {}))
    assert not outcome.refused
    assert len(outcome.taxonomy) == min(len(before), max(limit, 1))
