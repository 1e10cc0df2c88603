"""Which texts are asked about next: the unsure ones, spread, and no copies."""

import numpy as np
from planted import around_axes
from tnt_llm.tools.active import choose_unsure, uncertainty


def scene(seed=0):
    """A pool of two clear groups and texts between them; labelled texts of both groups."""
    vectors, place = around_axes(40, 40, seed=seed)
    between, _ = around_axes(30, seed=seed + 1)
    middle = between - np.eye(64)[0] + (np.eye(64)[0] + np.eye(64)[1]) / np.sqrt(2)
    middle = (middle / np.linalg.norm(middle, axis=1, keepdims=True)).astype(np.float32)
    known = np.r_[0:20, 40:60]
    rest = np.setdiff1d(np.arange(80), known)
    return np.concatenate([vectors[rest], middle]), vectors[known], place[known].astype(np.int64)


def test_texts_between_two_groups_are_the_unsure_ones():
    pool, known, classes = scene()
    doubt = uncertainty(pool, known, classes)
    assert doubt[40:].min() > np.median(doubt[:40])
    assert 0 <= doubt.min() <= doubt.max() <= 1
    assert (choose_unsure(pool, known, classes, 5) >= 40).all()


def test_a_batch_is_spread_over_the_unsure():
    pool, known, classes = scene()
    copies = np.concatenate([pool, np.repeat(pool[45:46], 100, axis=0)])
    chosen = choose_unsure(copies, known, classes, 6)
    assert len(chosen) == 6
    assert sum(row == 45 or row >= len(pool) for row in chosen) <= 1


def test_near_copies_of_known_texts_are_left_out():
    pool, known, classes = scene()
    chosen = choose_unsure(np.concatenate([known, pool]), known, classes, 1000)
    assert chosen.min() >= len(known)


def test_no_more_than_there_are_and_none_of_nothing():
    pool, known, classes = scene()
    assert choose_unsure(pool, known, classes, 1000).tolist() == list(range(len(pool)))
    assert choose_unsure(pool[:0], known, classes, 3).tolist() == []
    assert choose_unsure(pool, known, classes, 0).tolist() == []


def test_without_two_classes_all_are_as_unsure_and_the_batch_covers_the_pool():
    pool, known, classes = scene()
    assert uncertainty(pool, known[:3], classes[:3]).tolist() == [1.0] * len(pool)
    assert len(choose_unsure(pool, known[:0], classes[:0], 7)) == 7


def test_the_choice_is_the_same_again():
    pool, known, classes = scene()
    assert choose_unsure(pool, known, classes, 9).tolist() == choose_unsure(pool, known, classes, 9).tolist()
