"""Folds for cross-validation."""

import numpy as np
from tnt_llm.classifiers.folds import deal_folds


def test_folds_share_every_class_out_evenly():
    classes = np.repeat([0, 1, 2, 3], [11, 7, 2, 1])
    fold = deal_folds(classes, 5, seed=0)
    assert sorted(np.bincount(fold, minlength=5)) == [4, 4, 4, 4, 5]
    for label in range(4):
        counts = np.bincount(fold[classes == label], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_folds_depend_on_the_seed_alone():
    classes = np.arange(100) % 7
    np.testing.assert_array_equal(deal_folds(classes, 5, 3), deal_folds(classes, 5, 3))
    assert (deal_folds(classes, 5, 3) != deal_folds(classes, 5, 4)).any()
