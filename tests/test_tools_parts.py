"""How the documents of one category come apart."""

import numpy as np
import pytest
from planted import about, axis
from tnt_llm.tools.evidence import Rows, unit
from tnt_llm.tools.parts import divide


def members(parts: list[Rows]) -> list[set[int]]:
    return [set(rows.tolist()) for rows in parts]


@pytest.mark.parametrize("topics", [2, 3, 5])
def test_planted_topics_are_the_parts(topics: int) -> None:
    vectors = about(range(topics), 8, spread=0.05)
    parts = members(divide(vectors, most=5, least=3, seed=0))
    assert sorted(map(sorted, parts)) == [[*range(8 * topic, 8 * topic + 8)] for topic in range(topics)]


def test_topics_that_share_much_are_parts_all_the_same() -> None:
    # All eight tenths alike, as the texts of one category are.
    common = 4 * axis(20)
    vectors = unit(common + 2 * about([0, 1], 10, spread=0.15))
    parts = members(divide(vectors, most=5, least=3, seed=0))
    assert {*range(10)} in parts
    assert {*range(10, 20)} in parts


def test_what_is_all_alike_is_one_part() -> None:
    (rows,) = divide(about([0], 20, spread=0.02), most=5, least=3, seed=0)
    assert sorted(rows.tolist()) == [*range(20)]


def test_copies_of_one_text_are_one_part() -> None:
    (rows,) = divide(np.repeat(about([0], 1), 9, axis=0), most=5, least=3, seed=0)
    assert len(rows) == 9


def test_too_few_documents_have_no_parts() -> None:
    assert divide(about([0, 1], 2), most=5, least=3, seed=0) == []
    assert divide(about([0], 1)[:0], most=5, least=3, seed=0) == []


def test_strays_are_no_part_however_far_away_they_are_nor_the_middle_of_one() -> None:
    strays = np.stack([axis(number) for number in (10, 11, 12, 13)])
    vectors = np.concatenate([about([0, 1], 9, spread=0.05), strays])
    parts = [set(rows[:9].tolist()) for rows in divide(vectors, most=5, least=3, seed=0)]
    assert sorted(map(sorted, parts)) == [[*range(9)], [*range(9, 18)]]


def test_there_are_no_more_parts_than_wanted_nor_smaller_ones() -> None:
    vectors = about(range(8), 6, spread=0.05)
    assert 2 <= len(divide(vectors, most=3, least=3, seed=0)) <= 3
    assert all(len(rows) >= 10 for rows in divide(vectors, most=5, least=10, seed=0))


def test_large_parts_come_first_and_their_middles_first() -> None:
    vectors = np.concatenate([about([0], 5, spread=0.05), about([1], 9, spread=0.05)])
    large, small = divide(vectors, most=5, least=3, seed=0)
    assert (len(large), len(small)) == (9, 5)
    centre = vectors[large].mean(axis=0)
    assert (np.diff(vectors[large] @ centre) <= 1e-4).all()


def test_it_is_the_same_again() -> None:
    vectors = about([0, 1, 2], 7, spread=0.3)
    one, other = (divide(vectors, most=5, least=3, seed=0) for _ in range(2))
    assert [rows.tolist() for rows in one] == [rows.tolist() for rows in other]
