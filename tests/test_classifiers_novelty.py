"""Novelty: texts that lie where training texts do not, at a false-alarm rate that is kept."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.novelty import Reference, shift_weights, similarities

RNG = np.random.default_rng(3)
CENTRES = RNG.normal(size=(9, 24))


def cloud(counts, seed, spread=0.7):
    """Vectors around centres, so many of each, and the centre of each."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(len(counts)), counts)
    vectors = CENTRES[classes] + spread * rng.normal(size=(len(classes), CENTRES.shape[1]))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), classes


def reference(counts, seed=0):
    vectors, classes = cloud(counts, seed)
    return Reference(Features(vectors), classes, np.full(len(classes), 5))


def test_of_texts_like_the_training_texts_no_more_than_the_rate_are_new():
    flagged = []
    for seed in range(12):
        vectors, classes = cloud([40] * 8, seed + 100)
        known = reference([60] * 8, seed)
        flagged.append((known.score(Features(vectors), classes) > 0.95).mean())
    # The rate holds on average over training texts; 0.004 is the standard error of this mean.
    assert np.mean(flagged) <= 0.05 + 0.008
    assert np.mean(flagged) > 0.01  # a test that flags nothing holds any rate


def test_a_topic_that_training_lacks_is_new_and_the_others_are_not():
    known = reference([60] * 8)
    vectors, classes = cloud([40] * 8 + [25], 1)
    novel = known.score(Features(vectors), np.where(classes == 8, 2, classes)) > 0.95
    assert novel[classes == 8].mean() > 0.9
    assert novel[classes < 8].mean() < 0.08  # 0.05, and two standard errors


def test_a_label_that_is_more_frequent_now_is_no_novelty():
    known = reference([60] * 8)
    vectors, classes = cloud([200, 10, 10, 10, 10, 10, 10, 10], 1)
    assert (known.score(Features(vectors), classes) > 0.95).mean() < 0.08


def test_one_text_far_from_everything_is_new_by_itself():
    known = reference([60] * 8)
    vectors, classes = cloud([5] * 8, 1)
    vectors[0] = -vectors[1:].mean(axis=0) / np.linalg.norm(vectors[1:].mean(axis=0))
    assert known.score(Features(vectors), classes)[0] > 0.99
    assert known.score(Features(vectors[:1]), classes[:1])[0] > 0.99


def test_copies_of_training_texts_are_never_new():
    known = reference([30] * 8)
    copies = Features(np.repeat(known.features.dense[:1], 50, axis=0))
    assert known.score(copies, np.zeros(50, dtype=np.int64)).tolist() == [0.0] * 50


def test_order_does_not_matter():
    known = reference([30] * 8)
    vectors, classes = cloud([10] * 9, 1)
    order = np.random.default_rng(0).permutation(len(vectors))
    once = known.score(Features(vectors), classes % 8)
    again = known.score(Features(vectors[order]), classes[order] % 8)
    assert np.allclose(once[order], again)


@pytest.mark.parametrize("sizes", [(0, 3), (1, 3), (2, 1), (3, 0), (4, 700), (20, 1)])
def test_few_texts_on_either_side_give_numbers_between_0_and_1(sizes):
    vectors, classes = cloud([sizes[0]], 0)
    known = Reference(Features(vectors), classes, np.ones(sizes[0], dtype=np.int64))
    new, found = cloud([sizes[1]], 1)
    scores = known.score(Features(new), found)
    assert scores.shape == (sizes[1],)
    assert ((scores >= 0) & (scores < 1)).all()


def test_sparse_features_and_both_blocks_side_by_side_are_compared_by_their_mean_cosine():
    vectors, _ = cloud([3], 0)
    other, _ = cloud([4], 1)
    both = similarities(Features(vectors, csr_matrix(vectors)), Features(other, csr_matrix(other)))
    for one in (Features(vectors), Features(None, csr_matrix(vectors))):
        kind = Features(other) if one.sparse is None else Features(None, csr_matrix(other))
        assert np.allclose(similarities(one, kind), both, atol=1e-6)


def test_weights_follow_the_classes_and_are_bounded():
    then = np.repeat([0, 1, -1], [100, 100, 100])
    now = np.repeat([0, 1], [10_000, 0])
    weights = shift_weights(then, now)
    assert weights[0] == pytest.approx(3, rel=0.01)
    assert weights[100] == weights[200] == 0.1
