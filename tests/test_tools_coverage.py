"""Which texts stand for all others: by value on planted groups, not by how it is computed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import around_axes
from tnt_llm.tools.coverage import SAME, cover, distinct


def test_rare_kinds_are_among_the_chosen_where_chance_would_miss_some():
    sizes = [300, 200, *[6] * 10]
    vectors, place = around_axes(*sizes)
    chosen = [set(place[cover(vectors, 40, seed)[0]]) for seed in range(5)]
    by_chance = [set(place[np.random.default_rng(seed).permutation(len(place))[:40]]) for seed in range(5)]
    assert [len(found) for found in chosen] == [len(sizes)] * 5
    assert max(len(found) for found in by_chance) < len(sizes)


def test_frequent_kinds_still_get_the_most():
    vectors, place = around_axes(300, *[6] * 10)
    counts = np.bincount(place[cover(vectors, 60, 0)[0]])
    assert counts[0] > max(counts[1:])


@settings(max_examples=30, deadline=None)
@given(n=st.integers(0, 60), count=st.integers(0, 70), share=st.sampled_from([0.0, 0.3, 1.0]))
def test_as_many_as_wanted_come_back_ascending_once_each_the_random_ones_among_them(n, count, share):
    vectors = around_axes(n, seed=n)[0] if n else np.zeros((0, 64), dtype=np.float32)
    chosen, drawn = cover(vectors, count, 0, at_random=share)
    assert chosen.tolist() == sorted({*chosen.tolist()})
    assert len(chosen) == min(n, count)
    assert {*drawn.tolist()} <= {*chosen.tolist()}
    assert len(drawn) == (n if count >= n else round(share * count))


def test_the_choice_depends_on_the_seed_alone():
    vectors, _ = around_axes(100, 50)
    first, again, other = (cover(vectors, 20, seed)[0].tolist() for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_last_digits_do_not_change_the_choice():
    vectors, _ = around_axes(100, 50, 9, 3)
    shaken = vectors + np.random.default_rng(0).uniform(-1e-8, 1e-8, vectors.shape).astype(np.float32)
    assert cover(vectors, 20, 0)[0].tolist() == cover(shaken, 20, 0)[0].tolist()


def test_near_copies_are_taken_once_while_there_are_others():
    vectors, _ = around_axes(30, 30)
    copies = np.repeat(vectors[:1], 200, axis=0)
    both = np.concatenate([vectors, copies])
    chosen = cover(both, 50, 0, at_random=0.0)[0]
    assert sum(row == 0 or row >= len(vectors) for row in chosen) == 1


def test_near_copies_fill_up_what_others_do_not():
    vectors = np.repeat(around_axes(2)[0], [3, 4], axis=0)
    assert cover(vectors, 6, 0)[0].shape == (6,)


def test_of_near_copies_the_first_stays():
    vectors, _ = around_axes(40, 40, 40, spread=0.3)
    kept = distinct(vectors)
    similar = vectors @ vectors.T
    gone = np.setdiff1d(np.arange(len(vectors)), kept)
    assert len(gone)
    assert (similar[np.ix_(kept, kept)] - np.eye(len(kept))).max() < SAME
    assert all(similar[row, kept[kept < row]].max() >= SAME - 1e-6 for row in gone)


@pytest.mark.parametrize("n", [0, 1])
def test_of_nothing_and_of_one_all_stay(n):
    assert distinct(np.ones((n, 1), dtype=np.float32)).tolist() == list(range(n))


def test_copies_are_found_across_blocks():
    vectors, _ = around_axes(1, 1)
    assert distinct(np.tile(vectors, (800, 1))).tolist() == [0, 1]
