"""The novelty gate: a text that is unlike every training text gets no category."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..taxonomy.errors import BundleError
from .arrays import read_arrays, write_arrays
from .features import Vectors

RATE = 0.01
"""Share of texts with a category that may be called undefined by mistake."""
FEW = 512
"""Up to so many training texts each text is compared with all of them."""
EACH = 128
"""With more, it is compared with so many of the class that the head has given it."""

_SAME = 1.0 - 1e-5
_NOTHING_THERE = -2.0
_FILE = "gate.npz"
_WHAT = "the novelty gate"


@dataclass(frozen=True, eq=False)
class Gate:
    """When a text is too far from everything known to be given a category.

    Where there are many training texts, a text is compared with those of its own class alone: that finds what is
    new as well as comparing it with all does, at a fraction of the time (docs/decisions.md).

    Attributes:
        prototypes: float32 [m, d], unit rows, training texts in the order of their classes; None lets all pass.
        offsets: int64 [k + 1]; those of class c are ``prototypes[offsets[c]:offsets[c + 1]]``. None: a text is
            compared with all of them.
        threshold: least cosine with the nearest prototype.
        rate: share of the training texts with a category that would fall below it, each against the others.
    """

    prototypes: Vectors | None = field(default=None, repr=False)
    offsets: NDArray[np.int64] | None = field(default=None, repr=False)
    threshold: float = -1.0
    rate: float = 0.0

    @classmethod
    def fit(
        cls,
        vectors: Vectors,
        classes: NDArray[np.int64],
        count: int,
        *,
        rate: float = RATE,
        few: int = FEW,
        each: int = EACH,
        seed: int = 0,
    ) -> Self:
        """Fix the threshold by leave-one-out, so that `rate` of the texts would be called undefined.

        With fewer than two texts nothing can be said of distances, and every text passes that can be compared.

        Args:
            vectors: float32 [n, d], unit rows, of different texts that have a category.
            classes: int64 [n], from 0.
            count: k, how many classes there are.
            rate: 0..1.
            few: with at most so many texts, compare with all of them.
            each: with more, keep so many of each class at most, drawn at random.
            seed: of the draw.
        """
        if len(vectors) <= few:
            prototypes, offsets = np.ascontiguousarray(vectors, dtype=np.float32), None
        else:
            shuffled = np.random.default_rng(seed).permutation(len(vectors))
            members = [shuffled[classes[shuffled] == label][:each] for label in range(count)]
            prototypes = np.ascontiguousarray(vectors[np.concatenate(members)], dtype=np.float32)
            offsets = np.concatenate([[0], np.cumsum([len(rows) for rows in members])]).astype(np.int64)
        open_one = cls(prototypes, offsets)
        others = open_one._compare(vectors, classes, itself=False)
        others = others[others > _NOTHING_THERE]
        if len(others) < 2:
            return open_one
        # The margin is for rounding: where all are alike, none must fall below.
        return cls(prototypes, offsets, float(np.quantile(others, rate)) - 1e-4, rate)

    def nearest(self, vectors: Vectors, classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cosine of each row with the nearest prototype, float64 [n]; -2, below any threshold, where there is none.

        Args:
            vectors: float32 [n, d], unit rows.
            classes: int64 [n], what the head made of them.
        """
        return self._compare(vectors, classes, itself=True)

    def confidence(self, similarity: NDArray[np.float64]) -> NDArray[np.float64]:
        """How sure it is, 0..1, that texts of these similarities belong to no category.

        At the threshold a share `rate` of texts with a category lies as far out, at similarity 0 none.
        """
        share = np.clip(similarity / max(self.threshold, 1e-6), 0.0, 1.0)
        return np.asarray(1.0 - self.rate * share, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write ``gate.npz``, unless every text passes; equal gates give equal bytes."""
        if self.prototypes is None:
            return
        arrays = {"prototypes": self.prototypes, "numbers": np.array([self.threshold, self.rate])}
        arrays["offsets"] = np.zeros(0, dtype=np.int64) if self.offsets is None else self.offsets
        write_arrays(folder / _FILE, arrays)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; without a file every text passes.

        Raises:
            BundleError: the file cannot be read or makes no sense.
        """
        path = folder / _FILE
        if not path.exists():
            return cls()
        arrays = read_arrays(path, _WHAT, {"prototypes": (None, None), "numbers": (2,), "offsets": (None,)})
        threshold, rate = (float(number) for number in arrays["numbers"])
        prototypes, offsets = np.ascontiguousarray(arrays["prototypes"], dtype=np.float32), arrays["offsets"]
        fits = not len(offsets) or (
            offsets[0] == 0 and offsets[-1] == len(prototypes) and bool((np.diff(offsets) >= 0).all())
        )
        if not (np.isfinite(threshold) and 0 <= rate <= 1 and fits):
            raise BundleError(f"{_WHAT} in {path} makes no sense")
        return cls(prototypes, offsets.astype(np.int64) if len(offsets) else None, threshold, rate)

    def _compare(self, vectors: Vectors, classes: NDArray[np.int64], *, itself: bool) -> NDArray[np.float64]:
        """`nearest`; without `itself`, copies of a text do not count as near to it."""
        found = np.full(len(vectors), _NOTHING_THERE)
        if self.prototypes is None or not len(self.prototypes):
            return found
        best = _best if itself else _best_other
        if self.offsets is None:
            found[:] = best(vectors, self.prototypes)
            return found
        order = np.argsort(classes, kind="stable")
        ends = np.searchsorted(classes[order], np.arange(len(self.offsets)))
        for label in np.flatnonzero(np.diff(ends) * np.diff(self.offsets)):
            rows = order[ends[label] : ends[label + 1]]
            found[rows] = best(vectors[rows], self.prototypes[self.offsets[label] : self.offsets[label + 1]])
        return found


OPEN = Gate()
"""Lets every text pass."""


def _best(vectors: Vectors, prototypes: Vectors) -> NDArray[np.float32]:
    return np.asarray((vectors @ prototypes.T).max(axis=1))


def _best_other(vectors: Vectors, prototypes: Vectors) -> NDArray[np.float32]:
    """The texts are among the prototypes: the nearest one that is another text, a copy counting only where none is."""
    similarities = vectors @ prototypes.T
    if similarities.shape[1] < 2:
        return np.where(similarities[:, 0] >= _SAME, np.float32(_NOTHING_THERE), similarities[:, 0])
    best = np.partition(similarities, -2, axis=1)[:, -2:]
    return np.where(best[:, -1] >= _SAME, best[:, 0], best[:, -1])
