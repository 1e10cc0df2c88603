"""Which labels apply to a text, each decided for itself: one against the rest."""

from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..taxonomy.errors import BundleError, SettingsError
from .arrays import read_arrays, read_settings, write_arrays, write_settings
from .features import Features
from .folds import deal_folds
from .heads.descent import fit_map
from .heads.linear_map import LinearMap, read_map

GRID = (1.0, 10.0, 100.0)
# Taken where data is too thin to choose.
DEFAULT_C = 10.0
DEFAULT_THRESHOLD = 0.5

_FOLDS = 4
_LEAST_ROWS = 12
# The choice of C is made on so many rows at most; thresholds are taken from the same held-out predictions.
_ROWS_TO_CHOOSE_ON = 4_000
# A label's own threshold counts as much as the common one when it applies to so many texts.
_SHRINKAGE = 10.0
_TINY = 1e-7
_WHAT = "the multi-label head"


class OneVsRest:
    """A logistic regression for each of k labels, fitted together, and a threshold for each.

    C is chosen for all by the log loss of a 4-fold cross-validation. Its held-out predictions also give the
    thresholds: each label's own best one for F1 is drawn towards the one that is best for all labels together
    (micro-F1), the more the fewer texts bear the label. A label that no text bears has probability 0, one that
    all bear a probability near 1.

    Args:
        labels: k, at least 1.
        c: inverse strength of the l2 penalty; None chooses it, and the thresholds, in `fit`.
        seed: decides the folds.

    Attributes:
        thresholds: float64 [k]; a label applies from this probability on.
    """

    def __init__(self, labels: int, *, c: float | None = None, seed: int = 0) -> None:
        self.labels = labels
        self.c = c
        self.seed = seed
        self.thresholds: NDArray[np.float64] = np.full(labels, DEFAULT_THRESHOLD)
        self._map = LinearMap(np.zeros((0, labels), np.float32), np.full(labels, -np.inf, np.float32), 0)

    def fit(
        self,
        features: Features,
        applies: NDArray[np.bool_],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from n texts' features, which labels apply to each [n, k], and weights [n].

        Raises:
            SettingsError: the arguments do not go together.
        """
        applies = np.asarray(applies, dtype=np.bool_)
        weight = (
            np.ones(len(features)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        )
        if applies.shape != (len(features), self.labels) or weight.shape != (len(features),):
            raise SettingsError(
                f"{len(features)} texts, truth values of shape {applies.shape} and {len(weight)} weights "
                f"do not go together: this head is for {self.labels} labels"
            )
        if not (np.isfinite(weight) & (weight >= 0)).all():
            raise SettingsError("weights are finite numbers from 0 on")
        kept = np.flatnonzero(weight > 0)
        if len(kept) < len(weight):
            features, applies, weight = features.take(kept), applies[kept], weight[kept]
        if self.c is None:
            self.c = self._choose(features, applies, weight)
        self._map = _fit(features, applies, weight, self.c)
        return self

    def predict_proba(self, features: Features) -> NDArray[np.float64]:
        """The probability of each label, float64 [n, k]; they are independent and rows need not add up to 1."""
        return _sigmoid(self._map(features))

    def predict(self, features: Features) -> NDArray[np.bool_]:
        """Which labels apply, bool [n, k]: those whose probability reaches their threshold."""
        return self.predict_proba(features) >= self.thresholds

    def refit(self) -> Self:
        """An unfitted head with the C and the thresholds of this one."""
        again = type(self)(self.labels, c=self.c, seed=self.seed)
        again.thresholds = self.thresholds.copy()
        return again

    def save(self, folder: Path) -> None:
        """Write ``multilabel.json`` and ``multilabel.npz``."""
        settings = {"labels": self.labels, "c": self.c, "seed": self.seed, "dense": self._map.width}
        write_settings(folder / "multilabel.json", settings)
        write_arrays(
            folder / "multilabel.npz",
            {"weights": self._map.weights, "bias": self._map.bias, "thresholds": self.thresholds},
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: a file is absent, is of another format, or does not fit the others.
        """
        settings = read_settings(folder / "multilabel.json", _WHAT)
        try:
            c = None if settings["c"] is None else float(settings["c"])
            head = cls(int(settings["labels"]), c=c, seed=int(settings["seed"]))
            width = int(settings["dense"])
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{_WHAT} in {folder} cannot be read: {error}") from error
        file = folder / "multilabel.npz"
        head._map = read_map(file, _WHAT, head.labels, width)
        arrays = read_arrays(file, _WHAT, {"thresholds": (head.labels,)})
        head.thresholds = arrays["thresholds"].astype(np.float64)
        return head

    def _choose(self, features: Features, applies: NDArray[np.bool_], weight: NDArray[np.float64]) -> float:
        """C; sets the thresholds."""
        if len(applies) < _LEAST_ROWS or not _undecided(applies).any():
            return DEFAULT_C
        if len(applies) > _ROWS_TO_CHOOSE_ON:
            rows = np.sort(np.random.default_rng(self.seed).permutation(len(applies))[:_ROWS_TO_CHOOSE_ON])
            features, applies, weight = features.take(rows), applies[rows], weight[rows]
        # Dealt by each text's rarest label: then the folds share the rare labels out.
        rarity = np.where(applies, applies.sum(axis=0), len(applies) + 1)
        rarest = np.where(applies.any(axis=1), rarity.argmin(axis=1), self.labels)
        fold = deal_folds(rarest, _FOLDS, self.seed)
        best = (np.inf, DEFAULT_C)
        for c in GRID:
            chances = np.empty(applies.shape)
            for held in range(_FOLDS):
                train, test = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
                fitted = _fit(features.take(train), applies[train], weight[train], c)
                chances[test] = _sigmoid(fitted(features.take(test)))
            own = np.where(applies, chances, 1 - chances)
            loss = -float(weight @ np.log(np.maximum(own, _TINY)).sum(axis=1))
            if loss < best[0]:
                best = (loss, c)
                self.thresholds = _thresholds(chances, applies, weight)
        return best[1]


def _undecided(applies: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The labels that some texts bear and some do not, bool [k]."""
    return np.asarray(applies.any(axis=0) & ~applies.all(axis=0))


def _fit(features: Features, applies: NDArray[np.bool_], weight: NDArray[np.float64], c: float) -> LinearMap:
    """The map to log odds; minus infinity for a label that no text bears."""
    count, labels = applies.shape
    weights = np.zeros((features.width, labels), dtype=np.float32)
    bias = np.where(applies.any(axis=0) & (count > 0), np.log(count + 1.0), -np.inf)
    learned = np.flatnonzero(_undecided(applies)) if count else np.zeros(0, dtype=np.int64)
    if len(learned):
        signs = np.where(applies[:, learned], np.float32(1), np.float32(-1))
        each = weight.astype(np.float32)[:, None]

        def loss(scores: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
            scores *= signs
            away = np.exp(-np.abs(scores))
            losses = np.log1p(away) + np.maximum(-scores, 0)
            # The derivative of ln(1 + e^-s) is -1 / (1 + e^s), from the exponential that cannot overflow.
            pull = np.where(scores >= 0, away, np.float32(1)) / (1 + away)
            return float(weight @ losses.sum(axis=1, dtype=np.float64)), -signs * pull * each

        total = float(weight.sum())
        fitted = fit_map(features, loss, len(learned), c=c, total=total, tolerance=1e-5)
        weights[:, learned], bias[learned] = fitted.weights, fitted.bias
    return LinearMap.of(weights, bias, features)


def _sigmoid(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    with np.errstate(over="ignore"):
        return 1.0 / (1.0 + np.exp(-scores.astype(np.float64)))


def _thresholds(
    chances: NDArray[np.float64], applies: NDArray[np.bool_], weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A threshold for each label, float64 [k], from held-out probabilities [n, k]."""
    labels = np.flatnonzero(_undecided(applies))
    flat = np.repeat(weight, len(labels))
    common = _best_threshold(chances[:, labels].ravel(), applies[:, labels].ravel(), flat)
    found = np.full(applies.shape[1], common)
    for label in labels:
        own = _best_threshold(chances[:, label], applies[:, label], weight)
        bearing = float(applies[:, label].sum())
        found[label] = (bearing * own + _SHRINKAGE * common) / (bearing + _SHRINKAGE)
    return found


def _best_threshold(
    chances: NDArray[np.float64], applies: NDArray[np.bool_], weight: NDArray[np.float64]
) -> float:
    """Where F1 is highest; half way down to the next lower probability."""
    order = np.argsort(-chances, kind="stable")
    sorted_chances = chances[order]
    right = np.cumsum(np.where(applies[order], weight[order], 0.0))
    given = np.cumsum(weight[order])
    f1 = 2 * right / (given + right[-1])
    f1[:-1][np.diff(sorted_chances) == 0] = -1.0  # equal probabilities are above the threshold together
    last = int(f1.argmax())
    following = sorted_chances[last + 1] if last + 1 < len(sorted_chances) else 0.0
    return float((sorted_chances[last] + following) / 2)
