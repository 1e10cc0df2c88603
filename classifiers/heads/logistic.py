"""Multinomial logistic regression, the paper's best head: well calibrated, and slow to fit on wide features."""

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import BundleError
from ..arrays import read_settings, write_arrays, write_settings
from ..features import Features
from .descent import fit_map
from .examples import Examples
from .head import Probabilities
from .linear_map import LinearMap, read_map, softmax

# The paper's l2 strengths .01, .1, 1 and 10; C is their inverse.
GRID = (0.1, 1.0, 10.0, 100.0)
# Taken where data is too thin to choose: best there on banking77, also with a quarter of the labels wrong.
DEFAULT_C = 100.0

_FOLDS = 3
# The choice is made on so many rows at most: more do not change it, and the fits are what training waits for.
_ROWS_TO_CHOOSE_ON = 2_000
_TINY = 1e-6
_WHAT = "the logistic head"


class LogisticHead:
    """Logistic regression over `classes` classes, fitted by L-BFGS.

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
        self._map = LinearMap(np.zeros((0, classes), np.float32), np.zeros(classes, np.float32), 0)

    def fit(
        self,
        features: Features,
        classes: NDArray[np.int64],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from n texts' features, class indices [n] and weights [n]; without rows classes are alike.

        Raises:
            SettingsError: the arguments do not go together.
        """
        examples = Examples.of(features, classes, sample_weight, self.classes)
        if self.c is None:
            self.c = self._choose(examples)
        self._map = self._fit(examples, self.c)
        return self

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities [n, k] of n texts; a class without examples has probability 0."""
        return softmax(self._map(features))

    def refit(self) -> Self:
        """An unfitted head with the C of this one."""
        return type(self)(self.classes, c=self.c, seed=self.seed)

    def save(self, folder: Path) -> None:
        """Write ``head.json`` and ``head.npz``."""
        settings = {"classes": self.classes, "c": self.c, "seed": self.seed, "dense": self._map.width}
        write_settings(folder / "head.json", settings)
        write_arrays(folder / "head.npz", {"weights": self._map.weights, "bias": self._map.bias})

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: a file is absent, is of another format, or does not fit the others.
        """
        settings = read_settings(folder / "head.json", _WHAT)
        try:
            c = None if settings["c"] is None else float(settings["c"])
            head = cls(int(settings["classes"]), c=c, seed=int(settings["seed"]))
            width = int(settings["dense"])
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{_WHAT} in {folder} cannot be read: {error}") from error
        head._map = read_map(folder / "head.npz", _WHAT, head.classes, width)
        return head

    def _choose(self, examples: Examples) -> float:
        if not examples.can_choose(_FOLDS):
            return DEFAULT_C
        examples = examples.at_most(_ROWS_TO_CHOOSE_ON, self.seed)
        splits = list(examples.splits(_FOLDS, self.seed))
        losses = []
        for c in GRID:
            loss = 0.0
            for train, held in splits:
                chances = softmax(self._fit(examples.take(train), c)(examples.features.take(held)))
                own = chances[np.arange(len(held)), examples.classes[held]]
                loss -= float(examples.weight[held] @ np.log(own + _TINY))
            losses.append(loss)
        return GRID[int(np.argmin(losses))]

    def _fit(self, examples: Examples, c: float) -> LinearMap:
        """The map to scores; the bias of a class without examples is minus infinity."""
        seen = examples.seen
        weights = np.zeros((examples.features.width, self.classes), dtype=np.float32)
        bias = np.full(self.classes, -np.inf)
        bias[seen if len(seen) else slice(None)] = 0.0
        if len(seen) > 1:
            own, rows = examples.local, np.arange(len(examples))
            weight = examples.weight.astype(np.float32)

            def loss(scores: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
                scores -= scores.max(axis=1, keepdims=True)
                chosen = scores[rows, own].astype(np.float64)
                chances = np.exp(scores, out=scores)
                sums = chances.sum(axis=1)
                chances *= (weight / sums)[:, None]
                chances[rows, own] -= weight
                return float(weight @ (np.log(sums, dtype=np.float64) - chosen)), chances

            # A class's gradient shrinks with its share of the rows: with 500 classes it is below a fixed
            # tolerance before the first step.
            total = float(examples.weight.sum())
            fitted = fit_map(
                examples.features, loss, len(seen), c=c, total=total, tolerance=min(1e-4, 1e-2 / len(seen))
            )
            weights[:, seen], bias[seen] = fitted.weights, fitted.bias
        return LinearMap.of(weights, bias, examples.features)
