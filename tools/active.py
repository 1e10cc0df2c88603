"""Which texts are worth asking the LLM about next: where the student is unsure, or its neighbours disagree.

Pure: vectors and class numbers only. Unsure means a small margin between the two most probable classes (Scheffer,
Decomain and Wrobel, "Active hidden Markov models for information extraction", 2001). The unsure are many and alike, so
a batch is spread over them (Citovsky et al., "Batch active learning at scale", NeurIPS 2021: cluster, and sample by
margin).
"""

import numpy as np
from numpy.typing import NDArray

from ..classifiers.features import Features, Vectors
from ..classifiers.heads.logistic import LogisticHead
from ..classifiers.index import EmbeddingIndex
from .cleaning import NEIGHBOURS, Classes
from .coverage import SAME, Rows, cover, distinct

SPREAD = 20
"""A batch is spread over so many times as many of the most unsure texts; over a third of the pool if that is less."""
_C = 10.0


def choose_unsure(pool: Vectors, known: Vectors, classes: Classes, count: int, *, seed: int = 0) -> Rows:
    """Rows of the pool to be labelled next, ascending; near-copies of each other and of known texts are left out.

    Args:
        pool: float32 [m, d], unit rows, of texts without a label.
        known: float32 [n, d], unit rows, of texts with one.
        classes: int64 [n], from 0.
        count: how many; fewer where the pool holds no more that differ.
        seed: of what is drawn.
    """
    new = _unlike(pool, known)
    if count <= 0 or not len(new):
        return np.zeros(0, dtype=np.int64)
    doubt = uncertainty(pool[new], known, classes, seed=seed)
    # Rounded: what differs in the last digits from machine to machine is a tie.
    order = new[np.lexsort((new, -doubt.round(5)))]
    unsure = np.sort(order[: max(2 * count, min(SPREAD * count, len(new) // 3))])
    unsure = unsure[distinct(pool[unsure])]
    return unsure[cover(pool[unsure], count, seed, at_random=0.0)[0]]


def uncertainty(pool: Vectors, known: Vectors, classes: Classes, *, seed: int = 0) -> NDArray[np.float64]:
    """How unsure a student is of each text, 0..1, float64 [m].

    The mean of 1 - margin of a plain logistic regression that learnt from the known texts, and of the weight of the
    nearest known texts that is against the class which has most of it.

    Args:
        pool, known, classes, seed: as in `choose_unsure`.
    """
    k = int(classes.max(initial=0)) + 1
    if not len(known) or k < 2:
        return np.ones(len(pool))
    head = LogisticHead(k, c=_C, seed=seed).fit(Features(known), classes)
    chances = np.sort(head.predict_proba(Features(pool)), axis=1)
    margin = chances[:, -1] - chances[:, -2]
    similarities, rows = EmbeddingIndex.build(known).search(pool, NEIGHBOURS)
    weights = np.maximum(similarities, 1e-6).astype(np.float64)
    votes = np.zeros((len(pool), k))
    np.add.at(votes, (np.repeat(np.arange(len(pool)), rows.shape[1]), classes[rows].ravel()), weights.ravel())
    against = 1.0 - votes.max(axis=1) / votes.sum(axis=1)
    return np.asarray((1.0 - margin + against) / 2)


def _unlike(pool: Vectors, known: Vectors) -> Rows:
    """Rows of the pool that are no near-copy of a known text."""
    if not len(known) or not len(pool):
        return np.arange(len(pool))
    nearest = EmbeddingIndex.build(known).search(pool, 1)[0][:, 0]
    return np.flatnonzero(nearest < SAME)
