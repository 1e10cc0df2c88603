"""Paired comparison of two classifiers on the same texts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Difference:
    """How much more often `a` is right than `b`, on the same texts.

    Attributes:
        a, b: share that each has right.
        low, high: 95 % percentile interval of a - b over paired bootstrap samples (Efron, 1979).
        n: texts.
    """

    a: float
    b: float
    low: float
    high: float
    n: int

    @property
    def difference(self) -> float:
        """a - b."""
        return self.a - self.b

    @property
    def is_below(self) -> bool:
        """Whether the whole interval is below 0: `a` is worse, and not by chance."""
        return self.high < 0

    def __str__(self) -> str:
        interval = f"[{self.low:+.3f}, {self.high:+.3f}]"
        return f"{self.a:.3f} against {self.b:.3f}: {self.difference:+.3f} {interval}, n={self.n}"


def paired_bootstrap(
    a: NDArray[np.bool_], b: NDArray[np.bool_], *, draws: int = 10_000, seed: int = 0
) -> Difference:
    """Compare which texts `a` has right [n] with which `b` has right [n]; texts are drawn with replacement."""
    gains = a.astype(np.int8) - b.astype(np.int8)
    # Only how many texts are won and lost matters: drawing n texts is drawing these counts.
    shares = [float((gains == value).mean()) for value in (-1, 0, 1)]
    counts = np.random.default_rng(seed).multinomial(len(gains), shares, size=draws)
    low, high = np.quantile((counts[:, 2] - counts[:, 0]) / len(gains), [0.025, 0.975])
    return Difference(float(a.mean()), float(b.mean()), float(low), float(high), len(gains))
