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
    a: NDArray[np.bool_ | np.float64],
    b: NDArray[np.bool_ | np.float64],
    *,
    draws: int = 10_000,
    seed: int = 0,
) -> Difference:
    """Compare `a` with `b` on the same n texts, which are drawn anew with replacement, each with what both say of it.

    Args:
        a, b: [n], whether each has the text right; or 0..1, how often, where several of its kind were asked.
        draws: bootstrap samples.
        seed: of the draws.
    """
    gains = a.astype(np.float64) - b.astype(np.float64)
    n, rng = len(gains), np.random.default_rng(seed)
    # In parts: 10,000 samples of 4,000 texts would be 300 MB.
    parts = [
        gains[rng.integers(n, size=(each, n))].mean(axis=1) for each in _parts(draws, max(1, 2_000_000 // n))
    ]
    low, high = np.quantile(np.concatenate(parts), [0.025, 0.975])
    return Difference(float(a.mean()), float(b.mean()), float(low), float(high), n)


def _parts(total: int, most: int) -> list[int]:
    return [min(most, total - start) for start in range(0, total, most)]
