"""Calibration: probabilities that mean what they say."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..taxonomy.errors import BundleError
from .temperature import fit_scale

# Rows' worth of evidence that a temperature e times off costs, and that the map of the top probability costs
# for a coefficient 1 off: a few rows that all happen to be right must not make every probability a 1.
_PRIOR = 10.0
# With fewer rows than this the top probability is left as the temperature has made it.
_LEAST_FOR_MAP = 50
_TINY = 1e-7
_STEPS = 50


@dataclass(frozen=True, slots=True)
class Calibration:
    """Corrects class probabilities: one temperature for all, then a monotone map of the top probability.

    The temperature (Guo et al., ICML 2017) repairs what is equally wrong everywhere. The map is beta
    calibration (Kull, Silva Filho, Flach, AISTATS 2017) of the top probability p,
    ``logit g = low * ln p - high * ln(1 - p) + shift``; what is left is shared among the other classes as
    before. The class on top stays on top. (1, 1, 1, 0) changes nothing.

    Attributes:
        temperature: above 0; scores are divided by it.
        low: at least 0.
        high: at least 0.
        shift: any number.
    """

    temperature: float = 1.0
    low: float = 1.0
    high: float = 1.0
    shift: float = 0.0

    @classmethod
    def fit(cls, probabilities: NDArray[np.floating], classes: NDArray[np.int64]) -> Self:
        """Learn from probabilities that a model gave to rows it has not seen.

        Both parts are drawn to changing nothing, the more the fewer rows there are; with fewer than 50 the
        map stays out.

        Args:
            probabilities: [n, k], rows add up to 1.
            classes: [n], the classes that were right.
        """
        if not len(classes):
            return cls()
        with np.errstate(divide="ignore"):
            scores = np.log(probabilities)
        factor, _ = fit_scale(scores, classes, prior=_PRIOR)
        tempered = cls(temperature=1.0 / factor)
        if len(classes) < _LEAST_FOR_MAP:
            return tempered
        given = tempered.apply(probabilities)
        best = given.argmax(axis=1)
        top = given[np.arange(len(best)), best]
        low, high, shift = _fit_map(top, best == classes)
        return cls(tempered.temperature, low, high, shift)

    def apply(self, probabilities: NDArray[np.floating]) -> NDArray[np.float64]:
        """The corrected probabilities, float64 [n, k]; rows add up to 1, a probability of 0 stays 0.

        Args:
            probabilities: [n, k], rows add up to 1.
        """
        found = np.array(probabilities, dtype=np.float64)
        if not found.size:
            return found
        if self.temperature != 1.0:
            # Scaled to the top first, so that a low temperature does not make a row of zeros. The power is taken in
            # single precision: several times faster, and its error, 1e-7 of the value, is nothing here.
            scores = np.asarray(found / found.max(axis=1, keepdims=True), dtype=np.float32)
            with np.errstate(divide="ignore"):
                np.log(scores, out=scores)
            scores *= np.float32(1.0 / self.temperature)
            np.exp(scores, out=scores)
            np.divide(
                scores, scores.sum(axis=1, keepdims=True, dtype=np.float64), out=found, dtype=np.float64
            )
        if (self.low, self.high, self.shift) != (1.0, 1.0, 0.0):
            self._map_top(found)
        return found

    def _map_top(self, found: NDArray[np.float64]) -> None:
        rows = np.arange(len(found))
        best = found.argmax(axis=1)
        top = found[rows, best]
        found[rows, best] = 0.0
        rest = found.sum(axis=1)
        mapped = 1.0 / (1.0 + np.exp(-(_logs(top) @ (self.low, self.high) + self.shift)))
        # The second must not overtake: lower than this the top cannot go without becoming less likely than it.
        second = found.max(axis=1)
        mapped = np.maximum(mapped, second / np.maximum(rest + second, _TINY))
        alone = rest <= 0.0
        mapped[alone] = 1.0
        found *= ((1.0 - mapped) / np.where(alone, 1.0, rest))[:, None]
        found[rows, best] = mapped

    def as_dict(self) -> dict[str, float]:
        """JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` gave.

        Raises:
            BundleError: a value is missing, is no finite number, or is out of its range.
        """
        try:
            found = cls(**{name: float(values[name]) for name in ("temperature", "low", "high", "shift")})
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"the calibration {values!r} cannot be read: {error!r}") from error
        numbers = np.array([found.temperature, found.low, found.high, found.shift])
        if not np.isfinite(numbers).all() or found.temperature <= 0 or min(found.low, found.high) < 0:
            raise BundleError(f"the calibration {dict(values)!r} makes no sense")
        return found


def expected_calibration_error(
    confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = 15
) -> float:
    """Mean distance between confidence and accuracy over bins of equally many rows, weighted by their sizes.

    Equal-mass bins (Nixon et al., Measuring Calibration in Deep Learning, 2019): with bins of equal width
    nearly all rows of a good classifier lie in the last one.

    Args:
        confidence: [n], 0..1.
        right: [n].
        bins: at most n are used.

    Returns:
        0..1; 0 without rows.
    """
    count = len(confidence)
    if not count:
        return 0.0
    order = np.argsort(confidence, kind="stable")
    gap = np.asarray(confidence, dtype=np.float64)[order] - np.asarray(right, dtype=np.float64)[order]
    starts = np.unique(np.linspace(0, count, min(bins, count), endpoint=False).astype(np.int64))
    return float(np.abs(np.add.reduceat(gap, starts)).sum() / count)


def _logs(top: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns ln p and -ln(1 - p), float64 [n, 2]."""
    inside = np.clip(top, _TINY, 1.0 - _TINY)
    return np.stack([np.log(inside), -np.log1p(-inside)], axis=1)


def _fit_map(top: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Coefficients of the beta map by Newton's method, with a quadratic prior around changing nothing.

    A slope that comes out negative is held at 0 and the others are fitted again, as its authors do.
    """
    inputs = np.concatenate([_logs(top), np.ones((len(top), 1))], axis=1)
    start = np.array([1.0, 1.0, 0.0])
    free = np.array([True, True, True])

    def loss(values: NDArray[np.float64]) -> float:
        scores = inputs @ values
        return float(
            (np.logaddexp(0.0, scores) - right * scores).sum() + _PRIOR / 2 * ((values - start) ** 2).sum()
        )

    while True:
        found = np.where(free, start, 0.0)
        for _ in range(_STEPS):
            chance = 1.0 / (1.0 + np.exp(-np.clip(inputs @ found, -30.0, 30.0)))
            slope = inputs.T @ (chance - right) + _PRIOR * (found - start)
            curve = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + _PRIOR * np.eye(3)
            step = np.zeros(3)
            step[free] = np.linalg.solve(curve[np.ix_(free, free)], slope[free])
            while loss(found - step) > loss(found) and np.abs(step).max() > _TINY:
                step /= 2  # far out the curve is flat and a whole step goes too far
            found = found - step
            if np.abs(step).max() <= _TINY:
                break
        negative = (found[:2] < 0) & free[:2]
        if not negative.any():
            return float(found[0]), float(found[1]), float(found[2])
        free[:2] &= ~negative
