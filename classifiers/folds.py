"""Folds for cross-validation that spread every class, also one with fewer members than there are folds."""

import numpy as np
from numpy.typing import NDArray


def deal_folds(classes: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """Which fold holds out each row, int64 [n] in 0..folds-1, given class indices [n].

    Like scikit-learn's StratifiedKFold, which however warns about a class of fewer rows than folds. The rows
    of each class are shuffled and dealt out in turn, and the next class goes on where the last one stopped:
    folds differ by at most one row in size.
    """
    shuffle = np.random.default_rng(seed)
    fold = np.empty(len(classes), dtype=np.int64)
    dealt = 0
    for label in np.unique(classes):
        rows = shuffle.permutation(np.flatnonzero(classes == label))
        fold[rows] = (dealt + np.arange(len(rows))) % folds
        dealt += len(rows)
    return fold
