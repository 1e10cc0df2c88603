"""The nearest-neighbour head: what it refuses, how it votes, how it chooses k."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.heads.knn import DEFAULT_K, GRID, KnnHead
from tnt_llm.taxonomy.errors import SettingsError


def circle(*degrees: float) -> Features:
    angles = np.radians(degrees)
    return Features(np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32))


def test_features_without_a_dense_block_are_refused_with_a_remedy():
    words = Features(None, csr_matrix(np.eye(3, dtype=np.float32)))
    with pytest.raises(SettingsError, match=r"'static\+tfidf'.*'linear'"):
        KnnHead(3).fit(words, np.arange(3))
    head = KnnHead(2, k=1).fit(circle(0, 90), np.array([0, 1]))
    with pytest.raises(SettingsError, match="dense part"):
        head.predict_proba(words)


def test_the_sparse_block_has_no_say():
    words = csr_matrix(np.eye(2, dtype=np.float32))
    head = KnnHead(2, k=1).fit(Features(circle(0, 90).dense, words), np.array([0, 1]))
    swapped = Features(circle(0, 90).dense, words[[1, 0]])
    assert head.predict_proba(swapped).argmax(axis=1).tolist() == [0, 1]


def test_a_nearer_neighbour_has_the_heavier_vote():
    head = KnnHead(2, k=3).fit(circle(0, 60, 62), np.array([0, 1, 1]))
    chances = head.predict_proba(circle(5))[0]
    assert chances[0] > 0.9
    assert chances[1] > 0


def test_a_weight_multiplies_the_vote():
    where, owners = circle(-10, 10), np.array([0, 1])
    even = KnnHead(2, k=2).fit(where, owners).predict_proba(circle(0))[0]
    uneven = KnnHead(2, k=2).fit(where, owners, np.array([3.0, 1.0])).predict_proba(circle(0))[0]
    np.testing.assert_allclose(even, 0.5)
    np.testing.assert_allclose(uneven, [0.75, 0.25])


def test_more_neighbours_are_asked_where_labels_are_noisy():
    # Forty heaps around the circle, of the classes in turn, ten texts each.
    draw = np.random.default_rng(0)
    heap = np.arange(400) % 40
    where, owners = circle(*(heap * 9 + draw.normal(0, 1.5, 400))), heap % 2
    noisy = np.where(draw.random(400) < 0.25, 1 - owners, owners)
    few, many = KnnHead(2).fit(where, owners).k, KnnHead(2).fit(where, noisy).k
    assert {few, many} <= set(GRID)
    assert few is not None
    assert many is not None
    assert many > few


def test_a_text_does_not_vote_for_itself_when_k_is_chosen():
    # Every text's nearest other one is of the other class: with itself k = 1 would look perfect.
    angles = np.repeat(np.arange(0, 360, 9), 2) + np.tile([0.0, 0.1], 40)
    assert KnnHead(2).fit(circle(*angles), np.arange(80) % 2).k != 1


def test_k_is_the_default_where_too_few_examples_could_choose():
    assert KnnHead(3).fit(circle(0, 90, 180), np.arange(3)).k == DEFAULT_K
