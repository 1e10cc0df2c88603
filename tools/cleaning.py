"""Which labels of a sample are likely wrong, and what becomes of them. Pure: vectors and class numbers only.

Two signals, which err differently:

- the nearest neighbours bear another label (Wilson, "Asymptotic properties of nearest neighbor rules using edited
  data", 1972);
- a student that never saw the text is confident of another label, where "confident" is judged for each class by how
  confident it usually is of that class (confident learning: Northcutt, Jiang and Chuang, "Confident Learning:
  Estimating Uncertainty in Dataset Labels", JAIR 2021).

A label is suspect when both say so. What is then asked and answered, `judge` decides.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..checkpoints.checks import Verdict
from ..classifiers.features import Features, Vectors
from ..classifiers.folds import deal_folds
from ..classifiers.heads.logistic import LogisticHead
from ..classifiers.index import EmbeddingIndex

Classes = NDArray[np.int64]
Probabilities = NDArray[np.float64]

SHARE = 0.1
"""Most of the labels that are called suspect."""
NEIGHBOURS = 10
FOLDS = 5
LEAST = 4
"""A class with fewer texts than this is left alone: neither its neighbours nor a student can know it."""
LEAST_TEXTS = 20
"""With fewer labelled texts nothing can be said."""
_C = 10.0


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that is likely wrong.

    Attributes:
        row: of the text.
        neighbours: class that most of the nearest neighbours bear.
        student: class that a student gives which never saw the text.
        against: share of the neighbours, weighted by similarity, that bear another class than the text's, 0..1.
        doubt: 0..1, the mean of `against` and of how far the student prefers its class; the most suspect first.
    """

    row: int
    neighbours: int
    student: int
    against: float
    doubt: float


def find_suspects(
    vectors: Vectors,
    classes: Classes,
    *,
    candidates: Collection[int] | None = None,
    share: float = SHARE,
    seed: int = 0,
) -> list[Suspect]:
    """The labels that are likely wrong, the most suspect first.

    Args:
        vectors: float32 [n, d], unit rows, of labelled texts.
        classes: int64 [n], from 0.
        candidates: rows that may be suspect; the others only bear witness. None for all.
        share: most of the candidates that are suspect, 0..1.
        seed: of the folds.
    """
    n = len(classes)
    sizes = np.bincount(classes, minlength=1)
    if n < LEAST_TEXTS or np.sum(sizes >= LEAST) < 2:
        return []
    against, majority = neighbour_disagreement(vectors, classes)
    chances = out_of_fold(vectors, classes, seed=seed)
    student = chances.argmax(axis=1)
    rows = np.arange(n)
    # The student's margin, from -1 (sure of the label) to 1 (sure of another).
    margin = chances.max(axis=1) - chances[rows, classes]
    doubt = (against + margin) / 2
    suspect = (majority != classes) & confident_errors(chances, classes) & (sizes[classes] >= LEAST)
    allowed = rows if candidates is None else np.array(sorted(candidates), dtype=np.int64)
    found = allowed[suspect[allowed]]
    most = int(share * len(allowed))
    ordered = sorted(found.tolist(), key=lambda row: (-round(float(doubt[row]), 6), row))
    return [
        Suspect(row, int(majority[row]), int(student[row]), float(against[row]), float(doubt[row]))
        for row in ordered[:most]
    ]


def neighbour_disagreement(
    vectors: Vectors, classes: Classes, *, neighbours: int = NEIGHBOURS
) -> tuple[NDArray[np.float64], Classes]:
    """How far each text's nearest neighbours bear another class than it does.

    Args:
        vectors: float32 [n, d], unit rows.
        classes: int64 [n], from 0.
        neighbours: how many are asked, by exact search; their word weighs by their similarity.

    Returns:
        float64 [n], 0..1, the share of the weight that is against the text's own class; and int64 [n], the class with
        the most weight, the text's own where that has as much.
    """
    n, k = len(classes), int(classes.max(initial=0)) + 1
    similarities, rows = EmbeddingIndex.build(vectors).search(vectors, neighbours + 1)
    weights = np.maximum(similarities, 1e-6).astype(np.float64)
    weights[rows == np.arange(n)[:, None]] = 0.0
    # Among many copies of a text it may not be among its own nearest: the last one is then one too many.
    whole = np.all(weights > 0, axis=1)
    weights[whole, -1] = 0.0
    votes = np.zeros((n, k))
    np.add.at(votes, (np.repeat(np.arange(n), rows.shape[1]), classes[rows].ravel()), weights.ravel())
    votes /= np.maximum(votes.sum(axis=1, keepdims=True), 1e-12)
    own = votes[np.arange(n), classes]
    best = votes.argmax(axis=1)
    best = np.where(own >= votes.max(axis=1) - 1e-9, classes, best)
    return 1.0 - own, best.astype(np.int64)


def out_of_fold(vectors: Vectors, classes: Classes, *, seed: int = 0, folds: int = FOLDS) -> Probabilities:
    """Probabilities float64 [n, k] of a plain logistic regression that never saw the text in question.

    Args:
        vectors: float32 [n, d], unit rows.
        classes: int64 [n], from 0; k is the highest and one more.
        seed: of the folds.
        folds: how many; at least 2.
    """
    k = int(classes.max(initial=0)) + 1
    fold = deal_folds(classes, folds, seed)
    chances = np.zeros((len(classes), k))
    for held in range(folds):
        test = np.flatnonzero(fold == held)
        if len(test):
            train = fold != held
            head = LogisticHead(k, c=_C, seed=seed).fit(Features(vectors[train]), classes[train])
            chances[test] = head.predict_proba(Features(vectors[test]))
    return chances


def confident_errors(chances: Probabilities, classes: Classes) -> NDArray[np.bool_]:
    """Where a student is confident of another class than the label, bool [n]: off the confident joint's diagonal.

    It is confident of a class from the mean probability on that it gives to the class on texts that bear it; of
    several such classes the most probable counts (Northcutt et al. 2021, section 3.1).

    Args:
        chances: float64 [n, k], out of fold.
        classes: int64 [n], the labels.
    """
    k = chances.shape[1]
    sizes = np.bincount(classes, minlength=k)
    sums = np.bincount(classes, weights=chances[np.arange(len(classes)), classes], minlength=k)
    thresholds = np.where(sizes > 0, sums / np.maximum(sizes, 1), np.inf)
    confident = np.where(chances >= thresholds, chances, -1.0)
    best = confident.argmax(axis=1)
    return np.asarray((confident.max(axis=1) > 0) & (best != classes))


def judge(label: str | None, answer: str | None, supported: Collection[str | None]) -> Verdict:
    """What becomes of a suspect label that was asked about once more.

    Args:
        label: category id, or None for undefined.
        answer: what the LLM says now.
        supported: what the neighbours and the student say.
    """
    if answer == label:
        return Verdict.KEPT
    return Verdict.CHANGED if answer in supported else Verdict.DROPPED
