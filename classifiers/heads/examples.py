"""The rows that a head learns from."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import SettingsError
from ..features import Features
from ..folds import deal_folds


@dataclass(frozen=True, slots=True)
class Examples:
    """Texts with a class and a weight above 0.

    Attributes:
        features: n texts.
        classes: int64 [n].
        weight: float64 [n].
    """

    features: Features
    classes: NDArray[np.int64]
    weight: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        features: Features,
        classes: NDArray[np.int64],
        sample_weight: NDArray[np.float64] | None,
        count: int,
    ) -> Self:
        """What `Head.fit` is given, without the rows of weight 0: they must not even count as an example.

        Args:
            features: n texts.
            classes: [n].
            sample_weight: [n], None weighs all alike.
            count: how many classes there can be.

        Raises:
            SettingsError: the lengths differ, a class is none of `count`, or a weight is negative or no number.
        """
        classes = np.asarray(classes, dtype=np.int64)
        weight = (
            np.ones(len(classes)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        )
        if not len(features) == len(classes) == len(weight):
            raise SettingsError(
                f"{len(features)} texts, {len(classes)} classes and {len(weight)} weights do not go together"
            )
        if len(classes) and not 0 <= classes.min() <= classes.max() < count:
            raise SettingsError(f"a class is not in 0..{count - 1}: this head is for {count} classes")
        if not (np.isfinite(weight) & (weight >= 0)).all():
            raise SettingsError("weights are finite numbers from 0 on")
        if (weight > 0).all():
            return cls(features, classes, weight)
        kept = np.flatnonzero(weight > 0)
        return cls(features.take(kept), classes[kept], weight[kept])

    def __len__(self) -> int:
        """Texts."""
        return len(self.classes)

    @property
    def seen(self) -> NDArray[np.int64]:
        """The classes that have an example, ascending."""
        return np.unique(self.classes)

    @property
    def local(self) -> NDArray[np.int64]:
        """The classes as places in `seen`, int64 [n]."""
        return np.searchsorted(self.seen, self.classes)

    def take(self, rows: NDArray[Any]) -> "Examples":
        """These rows."""
        return Examples(self.features.take(rows), self.classes[rows], self.weight[rows])

    def at_most(self, count: int, seed: int) -> "Examples":
        """All, or `count` of them drawn at random."""
        if len(self) <= count:
            return self
        return self.take(np.sort(np.random.default_rng(seed).permutation(len(self))[:count]))

    def can_choose(self, folds: int) -> bool:
        """Whether two classes have an example for each of the folds: with less, nothing can be chosen on them."""
        return bool(np.sum(np.bincount(self.classes, minlength=1) >= folds) >= 2)

    def splits(self, folds: int, seed: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Rows to train on and rows held out, for each fold of a stratified cross-validation."""
        fold = deal_folds(self.classes, folds, seed)
        for held in range(folds):
            yield np.flatnonzero(fold != held), np.flatnonzero(fold == held)


def spread(values: NDArray[np.float64], seen: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Probabilities [n, len(seen)] of the classes `seen` as [n, count], 0 for the others.

    Where no class has an example, all are alike.
    """
    if not len(seen):
        return np.full((len(values), count), 1.0 / count)
    if len(seen) == count:
        return values
    wide = np.zeros((len(values), count))
    wide[:, seen] = values
    return wide
