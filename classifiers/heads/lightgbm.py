"""Gradient-boosted trees by LightGBM, the paper's second head: slow with many classes, at home on dense features."""

import hashlib
import os
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import BundleError, MissingPartError, SettingsError
from ..arrays import read_arrays, read_settings, write_arrays, write_settings
from ..features import Features
from .examples import Examples, spread
from .head import Probabilities

# The paper's: depths to choose from, and leaves.
GRID = (3, 5, 7, 9)
LEAVES = 31
# Taken where data is too thin to choose.
DEFAULT_DEPTH = 3

_FOLDS = 4
_ROWS_TO_CHOOSE_ON = 1_000
# One round grows a tree for each class: with many classes there are fewer rounds.
_MOST_ROUNDS = 100
_LEAST_ROUNDS = 10
_TREES = 6_000
_PATIENCE = 10
_BINS = 63
# A tree sees about so many columns, and a column is seen by about so many rounds, where that is few.
_COLUMNS = 40
_LOOKS = 8
# Trees of few examples are wrong in much: at twice the rate banking77 loses six points.
_RATE = 0.05
_WHAT = "the lightgbm head"


class LightgbmHead:
    """Boosted trees (Ke et al., LightGBM, NeurIPS 2017) over `classes` classes.

    The depth (of the paper's four) and the number of rounds are chosen by early stopping on a held-out
    quarter, when at least two classes have four examples each. What a leaf must hold follows the size of the
    smallest class: LightGBM's own minimum of 20 rows would never tell a class of five from the rest. The same
    input gives the same trees. It works in one thread, or in as many as ``OMP_NUM_THREADS`` says.

    Args:
        classes: k, at least 1.
        depth: of a tree; None chooses it, and the rounds, in `fit`.
        rounds: trees for each class; None takes as many as the number of classes allows.
        seed: decides the held-out part.
    """

    kind: ClassVar[str] = "lightgbm"

    def __init__(
        self, classes: int, *, depth: int | None = None, rounds: int | None = None, seed: int = 0
    ) -> None:
        self.classes = classes
        self.depth = depth
        self.rounds = rounds
        self.seed = seed
        self._seen = np.zeros(0, dtype=np.int64)
        self._dense = 0
        self._text = ""
        self._trees: Any = None

    def fit(
        self,
        features: Features,
        classes: NDArray[np.int64],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from n texts' features, class indices [n] and weights [n]; without rows classes are alike.

        Raises:
            SettingsError: the arguments do not go together.
            MissingPartError: LightGBM, or the system's OpenMP library that it needs, is not installed.
        """
        examples = Examples.of(features, classes, sample_weight, self.classes)
        self._seen = examples.seen
        if self.depth is None:
            self.depth, self.rounds = self._choose(examples)
        if len(self._seen) > 1:
            self._dense = _width(features)
            # What is predicted with is what would be loaded: numbers are rounded in the text.
            self._text = _text(_grow(examples, self.depth, self.rounds or _rounds(len(self._seen))))
            self._trees = _lightgbm().Booster(model_str=self._text)
        return self

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities [n, k] of n texts; a class without examples has probability 0.

        Raises:
            SettingsError: the features have other blocks than those that it was fitted on.
        """
        if len(self._seen) < 2:
            return spread(np.ones((len(features), len(self._seen))), self._seen, self.classes)
        given, learned = (_width(features), features.width), (self._dense, self._trees.num_feature())
        if given != learned:
            raise SettingsError(
                f"features with {given[0]} dense of {given[1]} columns were given to a head that was trained "
                f"on {learned[0]} of {learned[1]}: encode with what it was trained with"
            )
        if not len(features):
            return np.zeros((0, self.classes))
        found = self._trees.predict(features.matrix(), num_threads=_threads())
        return spread(np.asarray(found, dtype=np.float64), self._seen, self.classes)

    def refit(self) -> Self:
        """An unfitted head with the depth and the rounds of this one."""
        return type(self)(self.classes, depth=self.depth, rounds=self.rounds, seed=self.seed)

    def save(self, folder: Path) -> None:
        """Write ``head.json``, ``head.npz`` and LightGBM's own text, ``head.txt``."""
        settings = {
            "classes": self.classes,
            "depth": self.depth,
            "rounds": self.rounds,
            "seed": self.seed,
            "dense": self._dense,
            "sha256": hashlib.sha256(self._text.encode()).hexdigest(),
        }
        write_settings(folder / "head.json", settings)
        write_arrays(folder / "head.npz", {"seen": self._seen})
        (folder / "head.txt").write_bytes(self._text.encode())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: a file is absent, is of another format, or does not fit the others.
            MissingPartError: LightGBM, or the system's OpenMP library that it needs, is not installed.
        """
        settings = read_settings(folder / "head.json", _WHAT)
        try:
            depth = None if settings["depth"] is None else int(settings["depth"])
            rounds = None if settings["rounds"] is None else int(settings["rounds"])
            head = cls(int(settings["classes"]), depth=depth, rounds=rounds, seed=int(settings["seed"]))
            head._dense = int(settings["dense"])
            written = (folder / "head.txt").read_bytes()
            # LightGBM believes what it reads, and half a text may end the process.
            if hashlib.sha256(written).hexdigest() != settings["sha256"]:
                raise ValueError("the trees in head.txt are not those that were saved")
            head._text = written.decode()
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{_WHAT} in {folder} cannot be read: {error}") from error
        head._seen = read_arrays(folder / "head.npz", _WHAT, {"seen": (None,)})["seen"].astype(np.int64)
        if len(head._seen) and not 0 <= head._seen.min() <= head._seen.max() < head.classes:
            raise BundleError(f"{_WHAT} in {folder} is inconsistent: a class is not in 0..{head.classes - 1}")
        trees_of = 0
        if head._text:
            head._trees = _lightgbm().Booster(model_str=head._text)
            trees_of = head._trees.num_model_per_iteration()
        if trees_of != (len(head._seen) if len(head._seen) > 1 else 0):
            raise BundleError(f"{_WHAT} in {folder} is inconsistent: trees and classes do not go together")
        return head

    def _choose(self, examples: Examples) -> tuple[int, int | None]:
        if not examples.can_choose(_FOLDS):
            return DEFAULT_DEPTH, None
        examples = examples.at_most(_ROWS_TO_CHOOSE_ON, self.seed)
        train, held = next(examples.splits(_FOLDS, self.seed))
        training, part = examples.take(train), examples.take(held)
        part = part.take(np.flatnonzero(np.isin(part.classes, training.seen)))
        if len(training.seen) < 2:
            return DEFAULT_DEPTH, None
        best = (np.inf, DEFAULT_DEPTH, _rounds(len(examples.seen)))
        for depth in GRID:
            grown = _grow(training, depth, _rounds(len(examples.seen)), part)
            loss = float(grown.best_score["held"]["multi_logloss"])
            best = min(best, (loss, depth, int(grown.best_iteration)))
        return best[1], best[2]


def _width(features: Features) -> int:
    return 0 if features.dense is None else int(features.dense.shape[1])


def _threads() -> int:
    # Trees this small are grown faster by one thread than by several that wait for each other.
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return int(wanted) if wanted.isdecimal() and int(wanted) else 1


def _text(booster: Any) -> str:
    """The trees, without the settings behind them: the number of threads is among those."""
    text: str = booster.model_to_string()
    return text.partition("\nparameters:")[0] + "\n"


def _rounds(classes: int) -> int:
    return int(np.clip(_TREES // classes, _LEAST_ROUNDS, _MOST_ROUNDS))


def _grow(examples: Examples, depth: int, rounds: int, held: Examples | None = None) -> Any:
    """A Booster over the classes seen in the examples; stopped early where there is a held-out part."""
    library = _lightgbm()
    seen = examples.seen
    smallest = int(np.bincount(examples.local).min())
    # Wide features have columns to spare, and many rounds come past each of them.
    share = max(_COLUMNS / examples.features.width, _LOOKS / _rounds(len(seen)))
    weight = examples.weight / examples.weight.mean()
    settings = {
        "objective": "multiclass",
        "num_class": len(seen),
        "num_leaves": LEAVES,
        "max_depth": depth,
        "learning_rate": _RATE,
        # Half of the smallest class must be enough for a leaf, or no tree tells it from the rest.
        "min_data_in_leaf": int(np.clip(smallest // 2, 1, 20)),
        # A class's rows weigh little at first where there are many classes; the penalty keeps their leaves small.
        "min_sum_hessian_in_leaf": 1e-4,
        "lambda_l2": 0.1,
        # Each tree sees a part of the columns: those of a class of a few rows would all hang on the same one.
        "feature_fraction": float(np.clip(share, 0.1, 0.3)),
        "max_bin": _BINS,
        "min_data_in_bin": 1 if len(examples) < 1_000 else 3,
        "deterministic": True,
        "force_col_wise": True,
        "num_threads": _threads(),
        "seed": 0,
        "verbosity": -1,
    }
    data = library.Dataset(examples.features.matrix(), examples.local, weight=weight, params=settings)
    if held is None:
        return library.train(settings, data, rounds)
    classes = np.searchsorted(seen, held.classes)
    part = library.Dataset(held.features.matrix(), classes, weight=held.weight, reference=data)
    stop = library.early_stopping(_PATIENCE, verbose=False)
    return library.train(settings, data, rounds, valid_sets=[part], valid_names=["held"], callbacks=[stop])


def _lightgbm() -> Any:
    try:
        import lightgbm
    except ImportError as error:
        raise MissingPartError(
            f"the head 'lightgbm' needs a library: pip install lightgbm ({error})"
        ) from error
    except OSError as error:
        raise MissingPartError(
            "the head 'lightgbm' needs the system's OpenMP library, libgomp (Debian, Ubuntu: "
            f"apt-get install libgomp1): {error}"
        ) from error
    return lightgbm
