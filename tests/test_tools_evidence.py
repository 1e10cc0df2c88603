"""What the documents say about a taxonomy, on vectors whose structure was planted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import WIDTH, about, axis, between
from tnt_llm.tools.evidence import (
    EXEMPLAR_WEIGHT,
    Placement,
    cohesion,
    fit_threshold,
    group,
    kinship,
    middle,
    prototypes,
    rivals,
    twins,
    unit,
)

SEEDS = st.integers(0, 10_000)


def placed(rows: list[list[float]], threshold: float = 0.0) -> Placement:
    return Placement(np.array(rows, dtype=np.float32), threshold)


def sets(groups: list[np.ndarray]) -> list[set[int]]:
    return [set(rows.tolist()) for rows in groups]


# placement


def test_a_document_falls_to_its_most_similar_category_and_fits_from_the_threshold_on() -> None:
    placement = placed([[0.9, 0.1], [0.2, 0.3], [0.5, 0.5]], threshold=0.5)
    assert placement.nearest.tolist() == [0, 1, 0]
    assert placement.best.tolist() == pytest.approx([0.9, 0.3, 0.5])
    assert placement.fits.tolist() == [True, False, True]
    assert placement.residual == pytest.approx(1 / 3)


def test_without_categories_nothing_fits() -> None:
    placement = Placement(np.zeros((3, 0), dtype=np.float32), 0.0)
    assert placement.nearest.tolist() == [-1, -1, -1]
    assert placement.fits.tolist() == [False, False, False]
    assert placement.residual == 1.0


def test_without_documents_nothing_is_left_over() -> None:
    assert Placement(np.zeros((0, 2), dtype=np.float32), 0.5).residual == 0.0


# unit, prototypes


@given(SEEDS)
def test_rows_are_scaled_to_length_1_in_their_direction(seed: int) -> None:
    rows = np.random.default_rng(seed).normal(size=(5, 7)).astype(np.float32)
    scaled = unit(rows)
    assert scaled.dtype == np.float32
    assert np.allclose(np.linalg.norm(scaled, axis=1), 1, atol=1e-5)
    assert np.allclose(scaled * np.linalg.norm(rows, axis=1, keepdims=True), rows, atol=1e-5)


def test_a_row_of_zeros_stays() -> None:
    assert unit(np.zeros((1, 3), dtype=np.float32)).tolist() == [[0, 0, 0]]


def test_a_prototype_is_drawn_from_the_exemplars_mean_towards_the_words() -> None:
    words = np.stack([axis(0), axis(1)])
    made = prototypes(words, [np.stack([axis(2), axis(2)]), np.zeros((0, WIDTH), dtype=np.float32)])
    expected = EXEMPLAR_WEIGHT * axis(2) + (1 - EXEMPLAR_WEIGHT) * axis(0)
    assert np.allclose(made[0], expected / np.linalg.norm(expected), atol=1e-6)
    assert np.allclose(made[1], axis(1))


def test_there_are_no_prototypes_of_no_categories() -> None:
    assert prototypes(np.zeros((0, WIDTH), dtype=np.float32), []).shape == (0, WIDTH)


# the threshold


def test_the_threshold_is_the_quantile_of_similarities_to_foreign_categories() -> None:
    similarities = np.array([[0.9, 0.1, 0.2], [0.0, 0.8, 0.3]], dtype=np.float32)
    assert fit_threshold(similarities, 0.5) == pytest.approx(0.15)
    assert fit_threshold(similarities, 0.999) == pytest.approx(0.3, abs=1e-3)


@given(SEEDS, st.floats(0.05, 0.95), st.floats(0.05, 0.95))
def test_a_higher_quantile_never_lowers_the_threshold(seed: int, one: float, other: float) -> None:
    similarities = np.random.default_rng(seed).uniform(-1, 1, size=(20, 4)).astype(np.float32)
    low, high = sorted((one, other))
    assert fit_threshold(similarities, low) <= fit_threshold(similarities, high) + 1e-6


@pytest.mark.parametrize("shape", [(0, 3), (5, 0), (5, 1)])
def test_without_foreign_categories_anything_fits_that_is_not_opposed(shape: tuple[int, int]) -> None:
    assert fit_threshold(np.full(shape, 0.5, dtype=np.float32), 0.9) == 0.0


def test_documents_of_planted_topics_fit_and_those_of_another_do_not() -> None:
    vectors = about([0, 1, 2, 5], 20)
    similarities = vectors @ np.stack([axis(0), axis(1), axis(2)]).T
    placement = Placement(similarities, fit_threshold(similarities[:60], 0.95))
    assert placement.fits[:60].all()
    assert placement.fits[60:].mean() < 0.3


# groups


def test_cohesion_is_the_mean_cosine_of_different_members() -> None:
    rows = unit(np.stack([axis(0), axis(0), axis(0) + axis(1)]))
    assert cohesion(rows) == pytest.approx((1 + 2 * np.sqrt(0.5)) / 3, abs=1e-6)
    assert cohesion(rows[:1]) == cohesion(rows[:2]) == pytest.approx(1)


def test_halves_of_one_group_are_kin_and_different_groups_are_not() -> None:
    vectors = about([0, 1], 40)
    halves = kinship(vectors, np.arange(20), np.arange(20, 40))
    assert halves == pytest.approx(1, abs=0.05)
    assert kinship(vectors, np.arange(40), np.arange(40, 80)) < 0.2


@pytest.mark.parametrize("size", [3, 30])
def test_cohesion_does_not_depend_on_the_size_of_a_group(size: int) -> None:
    assert cohesion(np.stack([axis(number % 24) for number in range(24)] * size)) < 0.1
    assert cohesion(np.stack([axis(0), axis(1)] * size)) == pytest.approx(
        (size - 1) / (2 * size - 1), abs=1e-6
    )


def grouped(vectors: np.ndarray, **changes: object) -> list[np.ndarray]:
    arguments = {"most": 8, "least": 4, "looseness": 0.75, "seed": 0, **changes}
    return group(vectors, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(3))
def test_planted_clusters_are_found_each_whole(seed: int) -> None:
    vectors = about([0, 1, 2, 3], 12, seed=seed)
    assert sorted(sets(grouped(vectors, seed=seed)), key=min) == [
        set(range(start, start + 12)) for start in (0, 12, 24, 36)
    ]


def test_large_groups_come_first() -> None:
    vectors = np.concatenate([about([0], 6), about([1], 15, seed=1), about([2], 9, seed=2)])
    assert [len(rows) for rows in grouped(vectors)] == [15, 9, 6]


def test_a_group_begins_with_its_middle() -> None:
    vectors = np.concatenate([about([0], 8, spread=0.15), axis(0)[None], about([1], 9, seed=1)])
    assert {int(rows[0]) for rows in grouped(vectors)} >= {8}


def test_what_lies_alone_is_left_out() -> None:
    """Twelve documents in different directions are no group, however many they are together."""
    loose = np.stack([axis(number) for number in range(4, 16)])
    vectors = np.concatenate([about([0, 1], 12), loose])
    found = sets(grouped(vectors, reference=0.9))
    assert sorted(found, key=min) == [set(range(12)), set(range(12, 24))]


def test_a_cluster_below_the_least_size_is_no_group() -> None:
    vectors = np.concatenate([about([0, 1], 12), about([2], 3, seed=1)])
    members = set().union(*sets(grouped(vectors, least=4)))
    assert not members & {24, 25, 26}
    assert sets(grouped(vectors, least=3))[-1] == {24, 25, 26}


def test_a_loose_cluster_is_divided_once_more() -> None:
    """Two topics that k-means lumped together, since it may make no more than three."""
    vectors = np.concatenate([about([0, 1], 20), about([2, 3], 6, seed=1)])
    found = sets(grouped(vectors, most=3, looseness=0.85, reference=0.95))
    assert len(found) == 3
    assert all(len({row // 20 if row < 40 else 2 + (row - 40) // 6 for row in rows}) == 1 for rows in found)


@settings(max_examples=12)
@given(SEEDS, st.integers(1, 4), st.integers(2, 5), st.integers(0, 30))
def test_groups_are_disjoint_not_too_small_not_too_many_and_always_the_same(
    seed: int, most: int, least: int, count: int
) -> None:
    vectors = unit(np.random.default_rng(seed).normal(size=(count, 6)))
    found = grouped(vectors, most=most, least=least, seed=seed)
    assert len(found) <= most
    assert all(len(rows) >= least for rows in found)
    rows = [row for members in found for row in members.tolist()]
    assert len(rows) == len(set(rows))
    assert set(rows) <= set(range(count))
    again = grouped(vectors.copy(), most=most, least=least, seed=seed)
    assert [members.tolist() for members in found] == [members.tolist() for members in again]


def test_copies_of_one_document_are_one_group() -> None:
    assert sets(grouped(np.repeat(axis(0)[None], 9, axis=0))) == [set(range(9))]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_too_few_documents_make_no_group(count: int) -> None:
    assert grouped(about([0], 4)[:count]) == []


def test_the_middle_leaves_out_near_copies() -> None:
    vectors = np.stack([axis(0), axis(0), axis(0) + 0.9 * axis(1), axis(0) + 0.9 * axis(2), axis(0)])
    chosen = middle(unit(vectors), np.array([4, 2, 0, 3, 1]), 3)
    assert chosen[0] in (0, 1, 4)
    assert set(chosen[1:].tolist()) == {2, 3}


def test_the_middle_is_no_more_than_there_is() -> None:
    vectors = about([0], 5, spread=0.3)
    assert set(middle(vectors, np.arange(5), 9).tolist()) == set(range(5))
    assert len(middle(vectors, np.arange(5), 2)) == 2


# twins and rivals


def test_twins_are_pairs_above_the_limit_the_most_similar_first() -> None:
    described = unit(np.stack([axis(0), axis(1), axis(0) + 0.1 * axis(2), axis(1) + 0.3 * axis(3)]))
    assert twins(described, 0.8) == [(0, 2), (1, 3)]
    assert twins(described, 0.99) == [(0, 2)]
    assert twins(described, 0.999) == []


def test_one_category_has_no_twin_and_no_rival() -> None:
    assert twins(axis(0)[None], 0.1) == []
    assert rivals(placed([[0.9], [0.8]]), margin=0.1, share=0.1) == []


def test_categories_that_claim_the_same_documents_are_rivals() -> None:
    vectors = np.concatenate([about([0, 1, 2], 10), between(0, 1, 8)])
    placement = Placement(vectors @ np.stack([axis(0), axis(1), axis(2)]).T, 0.3)
    assert rivals(placement, margin=0.1, share=0.25) == [(0, 1)]
    assert rivals(placement, margin=0.1, share=0.9) == []


def test_the_share_is_of_the_smaller_category() -> None:
    """Three of the four documents of the second are contested, of the first three of thirty-three."""
    rows = [[0.9, 0.1]] * 30 + [[0.1, 0.9]] + [[0.5, 0.51]] * 3
    assert rivals(placed(rows), margin=0.05, share=0.75) == [(0, 1)]
    assert rivals(placed(rows), margin=0.05, share=0.76) == []


def test_the_most_contested_pair_comes_first() -> None:
    rows = [[0.5, 0.51, 0.0]] * 2 + [[0.0, 0.51, 0.5]] * 4 + [[0.9, 0.0, 0.0], [0.0, 0.0, 0.9]] * 4
    assert rivals(placed(rows), margin=0.05, share=0.1) == [(1, 2), (0, 1)]


def test_one_contested_document_makes_no_rivals() -> None:
    assert rivals(placed([[0.5, 0.51], [0.9, 0.0]]), margin=0.05, share=0.1) == []


def test_documents_that_fit_nothing_make_no_rivals() -> None:
    rows = [[0.1, 0.11]] * 5
    assert rivals(placed(rows, threshold=0.0), margin=0.05, share=0.1) == [(0, 1)]
    assert rivals(placed(rows, threshold=0.5), margin=0.05, share=0.1) == []


@given(SEEDS, st.permutations(range(5)))
def test_being_rivals_does_not_depend_on_the_order_of_categories(seed: int, order: list[int]) -> None:
    similarities = np.random.default_rng(seed).uniform(0, 1, size=(40, 5)).astype(np.float32)
    straight = rivals(Placement(similarities, 0.2), margin=0.1, share=0.15)
    shuffled = rivals(Placement(similarities[:, order], 0.2), margin=0.1, share=0.15)
    assert {frozenset((order[i], order[j])) for i, j in shuffled} == {frozenset(pair) for pair in straight}
    assert all(i < j for i, j in shuffled)
