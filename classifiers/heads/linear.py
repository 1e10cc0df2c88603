"""A linear support vector machine, one class against the rest: the head that is fitted fastest on wide features.

liblinear (through scikit-learn) fits it; predicting is a matrix product for each block, so that classifying
needs neither.
"""

import warnings
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import BundleError
from ..arrays import read_settings, write_arrays, write_settings
from ..features import Features
from ..temperature import fit_scale
from .examples import Examples
from .head import Probabilities
from .linear_map import LinearMap, read_map, softmax

GRID = (0.1, 0.3, 1.0, 3.0)
# Taken where data is too thin to choose.
DEFAULT_C = 1.0
DEFAULT_SCALE = 4.0

_FOLDS = 3
# The choice is made on so many rows at most: more do not change it, and the fits are what training waits for.
_ROWS_TO_CHOOSE_ON = 2_000
_WHAT = "the linear head"


class LinearHead:
    """A linear SVM (squared hinge loss, l2 penalty; Fan et al., LIBLINEAR, JMLR 2008) over `classes` classes.

    Its margins become probabilities by a softmax of ``scale * margin``: one number for all classes, fitted to
    the log loss of held-out margins, as temperature scaling does (Guo et al., ICML 2017). Platt's sigmoids
    would need two numbers for each class, which classes of a few examples cannot give. C and the scale are
    chosen by the log loss of a 3-fold cross-validation, when at least two classes have three examples each.

    Args:
        classes: k, at least 1.
        c: inverse strength of the l2 penalty; None chooses it, and the scale, in `fit`.
        scale: what margins are multiplied by.
        seed: decides the folds, and the order in which liblinear takes the rows.
    """

    kind: ClassVar[str] = "linear"

    def __init__(
        self, classes: int, *, c: float | None = None, scale: float = DEFAULT_SCALE, seed: int = 0
    ) -> None:
        self.classes = classes
        self.c = c
        self.scale = scale
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
            self.c, self.scale = self._choose(examples)
        self._map = self._fit(examples, self.c)
        return self

    def fit_changed(
        self, features: Features, classes: NDArray[np.int64], earlier: "LinearHead", kept: NDArray[np.int64]
    ) -> Self:
        """As `fit` on the texts that another head has learned from, whose solutions are taken over where they hold.

        Args:
            features: n texts, of the same columns as those that `earlier` has learned from.
            classes: [n].
            earlier: the other head; this one has its C.
            kept: int64 [k], class of `earlier` that had the very texts that the class has now; -1 where none had.
        """
        seen = kept >= 0
        weights = np.zeros((features.width, self.classes), dtype=np.float32)
        bias = np.full(self.classes, -np.inf, dtype=np.float32)
        weights[:, seen], bias[seen] = earlier._map.weights[:, kept[seen]], earlier._map.bias[kept[seen]]
        for label in np.flatnonzero(~seen):
            inside = (classes == label).astype(np.int64)
            if inside.any():
                one = type(self)(2, c=self.c, seed=self.seed)
                found = one._fit(Examples.of(features, inside, None, 2), float(self.c or DEFAULT_C))
                # Of two classes each row of weights is one problem's, with opposite signs.
                weights[:, label], bias[label] = found.weights[:, 1], found.bias[1]
        self._map = LinearMap.of(weights, bias, features)
        return self

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities [n, k] of n texts; a class without examples has probability 0."""
        margins = self._map(features)
        margins *= np.float32(self.scale)
        return softmax(margins)

    def refit(self) -> Self:
        """An unfitted head with the C and the scale of this one."""
        return type(self)(self.classes, c=self.c, scale=self.scale, seed=self.seed)

    def save(self, folder: Path) -> None:
        """Write ``head.json`` and ``head.npz``."""
        write_settings(
            folder / "head.json",
            {
                "classes": self.classes,
                "c": self.c,
                "scale": self.scale,
                "seed": self.seed,
                "dense": self._map.width,
            },
        )
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
            head = cls(
                int(settings["classes"]), c=c, scale=float(settings["scale"]), seed=int(settings["seed"])
            )
            width = int(settings["dense"])
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{_WHAT} in {folder} cannot be read: {error}") from error
        head._map = read_map(folder / "head.npz", _WHAT, head.classes, width)
        return head

    def _choose(self, examples: Examples) -> tuple[float, float]:
        if not examples.can_choose(_FOLDS):
            return DEFAULT_C, DEFAULT_SCALE
        examples = examples.at_most(_ROWS_TO_CHOOSE_ON, self.seed)
        splits = list(examples.splits(_FOLDS, self.seed))
        best = (np.inf, DEFAULT_C, DEFAULT_SCALE)
        for c in GRID:
            margins = np.empty((len(examples), self.classes), dtype=np.float32)
            for train, held in splits:
                margins[held] = self._fit(examples.take(train), c)(examples.features.take(held))
            scale, loss = fit_scale(margins, examples.classes, examples.weight)
            best = min(best, (loss, c, scale))
        return best[1], best[2]

    def _fit(self, examples: Examples, c: float) -> LinearMap:
        """The map to margins; the bias of a class without examples is minus infinity."""
        weights = np.zeros((examples.features.width, self.classes), dtype=np.float32)
        bias = np.full(self.classes, -np.inf)
        seen = examples.seen
        bias[seen if len(seen) else slice(None)] = 0.0
        if len(seen) > 1:
            from sklearn.exceptions import ConvergenceWarning
            from sklearn.svm import LinearSVC

            # liblinear's own tolerance for this problem is .1; scikit-learn's 1e-4 takes several times as long
            # and predicts the same.
            model = LinearSVC(C=c, dual=True, tol=1e-2, random_state=self.seed)
            with warnings.catch_warnings():
                # Not converged means a margin that is still off by a little, at the largest C.
                warnings.simplefilter("ignore", ConvergenceWarning)
                # Classes of one or two examples look to scikit-learn like a regression.
                warnings.filterwarnings(
                    "ignore", message="The number of unique classes", category=UserWarning
                )
                model.fit(examples.features.matrix(), examples.classes, sample_weight=examples.weight)
            if len(seen) == 2:  # one row of coefficients for two classes
                weights[:, seen] = np.concatenate([-model.coef_, model.coef_]).T
                bias[seen] = np.concatenate([-model.intercept_, model.intercept_])
            else:
                weights[:, seen] = model.coef_.T
                bias[seen] = model.intercept_
        return LinearMap.of(weights, bias, examples.features)
