"""Multinomial logistic regression, the paper's best head.

scikit-learn fits it; predicting is a matrix product for each block, so that classifying needs no scikit-learn.
"""

import json
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import BundleError
from ..features import Features
from ..folds import deal_folds
from .examples import Examples
from .head import Probabilities

# The paper's l2 strengths .01, .1, 1 and 10; scikit-learn's C is their inverse.
GRID = (0.1, 1.0, 10.0, 100.0)
# Taken where data is too thin to choose: best there on banking77, also with a quarter of the labels wrong.
DEFAULT_C = 100.0

_FOLDS = 3
# The choice is made on so many rows at most: more do not change it, and the fits are what training waits for.
_ROWS_TO_CHOOSE_ON = 2_000
_TINY = 1e-6


class LogisticHead:
    """Logistic regression over `classes` classes.

    C is chosen among the paper's four by the log loss of a 3-fold cross-validation (the paper takes accuracy,
    which is no better and jumps on small data), when at least two classes have three examples each.

    Args:
        classes: k, at least 1.
        c: inverse strength of the l2 penalty; None chooses it in `fit`.
        seed: decides the folds.
    """

    kind: ClassVar[str] = "logistic"

    def __init__(self, classes: int, *, c: float | None = None, seed: int = 0) -> None:
        self.classes = classes
        self.c = c
        self.seed = seed
        self._weights = np.zeros((classes, 0))
        self._bias = np.zeros(classes)

    def fit(
        self,
        features: Features,
        classes: NDArray[np.int64],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from n texts' features, class indices [n] and weights [n]; without rows classes are alike."""
        examples = Examples.of(features, classes, sample_weight, self.classes)
        features, classes, weight = examples.features, examples.classes, examples.weight
        if self.c is None:
            self.c = self._choose(features, classes, weight)
        self._weights, self._bias = _fit(features, classes, weight, self.classes, self.c)
        return self

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities [n, k] of n texts; a class without examples has probability 0."""
        return _softmax(_scores(features, self._weights, self._bias))

    def refit(self) -> Self:
        """An unfitted head with the C of this one."""
        return type(self)(self.classes, c=self.c, seed=self.seed)

    def save(self, folder: Path) -> None:
        """Write ``head.json``, ``weights.npy`` and ``bias.npy``."""
        (folder / "head.json").write_text(
            json.dumps({"classes": self.classes, "c": self.c, "seed": self.seed}) + "\n", encoding="utf-8"
        )
        np.save(folder / "weights.npy", self._weights, allow_pickle=False)
        np.save(folder / "bias.npy", self._bias, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: a file is absent, is of another format, or does not fit the others.
        """
        try:
            settings = json.loads((folder / "head.json").read_text(encoding="utf-8"))
            head = cls(int(settings["classes"]), c=settings["c"], seed=int(settings["seed"]))
            head._weights = np.load(folder / "weights.npy", allow_pickle=False)
            head._bias = np.load(folder / "bias.npy", allow_pickle=False)
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise BundleError(f"the logistic head in {folder} cannot be read: {error}") from error
        if head._weights.ndim != 2 or not len(head._weights) == len(head._bias) == head.classes:
            raise BundleError(
                f"the logistic head in {folder} is inconsistent: not one row of weights per class"
            )
        return head

    def _choose(self, features: Features, classes: NDArray[np.int64], weight: NDArray[np.float64]) -> float:
        if np.sum(np.bincount(classes, minlength=1) >= _FOLDS) < 2:
            return DEFAULT_C
        rows = np.arange(len(classes))
        if len(rows) > _ROWS_TO_CHOOSE_ON:
            rows = np.sort(np.random.default_rng(self.seed).permutation(rows)[:_ROWS_TO_CHOOSE_ON])
        features, classes, weight = features.take(rows), classes[rows], weight[rows]
        fold = deal_folds(classes, _FOLDS, self.seed)
        losses = []
        for c in GRID:
            loss = 0.0
            for held in range(_FOLDS):
                train, test = fold != held, fold == held
                w, b = _fit(features.take(train), classes[train], weight[train], self.classes, c)
                chances = _softmax(_scores(features.take(test), w, b))[np.arange(test.sum()), classes[test]]
                loss -= float(weight[test] @ np.log(chances + _TINY))
            losses.append(loss)
        return GRID[int(np.argmin(losses))]


def _fit(
    features: Features,
    classes: NDArray[np.int64],
    weight: NDArray[np.float64],
    count: int,
    c: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights [k, d] and bias [k]; the bias of a class without examples is minus infinity."""
    weights = np.zeros((count, features.width))
    bias = np.full(count, -np.inf)
    seen = np.unique(classes)
    if not len(seen):
        return weights, np.zeros(count)
    bias[seen] = 0.0
    if len(seen) == 1:
        return weights, bias
    from sklearn.linear_model import LogisticRegression

    if 2 * len(seen) > len(classes):
        # scikit-learn takes that many classes for a regression and warns. Every row twice at half its weight
        # is the same problem and does not look like one.
        features = Features.concatenate([features, features])
        classes, weight = np.tile(classes, 2), np.tile(weight, 2) / 2
    # A class's gradient shrinks with its share of the rows: with 500 classes it is below a fixed tolerance of
    # 1e-3 before the first step. Unit vectors converge in some hundred; the limit is out of reach.
    model = LogisticRegression(C=c, tol=min(1e-3, 1e-2 / len(seen)), max_iter=10_000)
    model.fit(features.matrix(), classes, sample_weight=weight)
    if len(seen) == 2:  # one row of coefficients for two classes: the sigmoid as a softmax
        weights[seen] = np.concatenate([-model.coef_, model.coef_]) / 2
        bias[seen] = np.concatenate([-model.intercept_, model.intercept_]) / 2
    else:
        weights[seen] = model.coef_
        bias[seen] = model.intercept_
    return weights, bias


def _scores(
    features: Features, weights: NDArray[np.float64], bias: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Scores [n, k]; the first columns of the weights [k, d + m] are the dense block's."""
    scores = np.tile(bias, (len(features), 1))
    width = 0 if features.dense is None else features.dense.shape[1]
    if features.dense is not None:
        scores += features.dense @ weights[:, :width].T
    if features.sparse is not None:
        scores += features.sparse @ weights[:, width:].T
    return scores


def _softmax(scores: NDArray[np.float64]) -> Probabilities:
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=1, keepdims=True), dtype=np.float64)
