"""How good a judge is on items whose answer is known, and figures corrected for its mistakes.

The share that a judge says yes to is `p Se + (1 - p)(1 - Sp)` where p is the true share, Se its sensitivity and Sp its
specificity; solved for p that is the estimator of Rogan and Gladen (1978).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bootstrap import Bootstrap, Profiles, Weights, figures
from .figure import Figure

LEAST_KNOWN = 8
"""Known items of either sort, with fewer than which nothing is known of a judge."""
CHANCE = 0.1
"""A judge whose Youden index may be below this is near chance: no figure of it is reported."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Skill:
    """What a judge said of items whose answer is known, those that it was clear about.

    Attributes:
        yes: items of which the judge should say yes, how many.
        hits: of these, how many it said yes of.
        no: items of which it should not.
        rejections: of these, how many it did not.
    """

    yes: int
    hits: int
    no: int
    rejections: int

    @property
    def sensitivity(self) -> float:
        """Share of the right ones that it takes for right; NaN without any."""
        return self.hits / self.yes if self.yes else float("nan")

    @property
    def specificity(self) -> float:
        """Share of the wrong ones that it does not take for right; NaN without any."""
        return self.rejections / self.no if self.no else float("nan")

    @property
    def youden(self) -> float:
        """Sensitivity and specificity less 1: 0 is chance, 1 is never wrong (Youden, 1950)."""
        return self.sensitivity + self.specificity - 1

    @property
    def is_measured(self) -> bool:
        """Whether there are known items enough."""
        return min(self.yes, self.no) >= LEAST_KNOWN

    def draw(self, draw: np.random.Generator, count: int) -> tuple[Values, Values]:
        """`count` pairs of sensitivity and specificity that the known items leave possible.

        From Jeffreys' posterior, not by resampling: of thirty items that are all right every resample is all right too,
        and the interval would have no width.
        """
        return (
            draw.beta(self.hits + 0.5, self.yes - self.hits + 0.5, count),
            draw.beta(self.rejections + 0.5, self.no - self.rejections + 0.5, count),
        )

    def figures(self, how: Bootstrap) -> dict[str, Figure]:
        """Sensitivity, specificity and Youden's index with their intervals; {} without known items."""
        if not (self.yes and self.no):
            return {}
        sensitive, specific = self.draw(np.random.default_rng(how.seed), how.resamples)
        return {
            "sensitivity": _figure(self.sensitivity, sensitive, self.yes, how),
            "specificity": _figure(self.specificity, specific, self.no, how),
            "youden": _figure(self.youden, sensitive + specific - 1, self.yes + self.no, how),
        }

    def is_usable(self, how: Bootstrap) -> bool:
        """Whether what this judge says can be told from chance."""
        return self.is_measured and self.figures(how)["youden"].low >= CHANCE


def judged_figures(
    profiles: Profiles,
    rates: Callable[[Weights], Mapping[str, Values]],
    skill: Skill,
    how: Bootstrap,
    *,
    differences: Collection[str] = (),
) -> dict[str, Figure]:
    """Rates as the judge gave them, and as NAME_corrected what they are without its mistakes, 0 to 1.

    The interval of a corrected one holds both: what other documents could have been drawn, and what is not known of
    the judge.

    Args:
        profiles: what was judged.
        rates: shares that the judge says yes to, or differences between such shares.
        skill: of the judge, which is usable.
        how: intervals are made.
        differences: names of the rates that are differences: these go from -1 to 1.
    """
    given = figures(profiles, rates, how, signed=differences)
    if not given:
        return {}
    draw = np.random.default_rng([how.seed, 1])
    weights = draw.multinomial(profiles.n, profiles.counts / profiles.n, size=how.resamples).astype(float)
    resampled = rates(weights)
    sensitive, specific = skill.draw(draw, how.resamples)
    found: dict[str, Figure] = {}
    for name, figure in given.items():
        lowest = -1.0 if name in differences else 0.0
        missed = 0.0 if name in differences else skill.specificity - 1
        value = _clip(np.array([(figure.value + missed) / skill.youden]), lowest)[0]
        misses = 0.0 if name in differences else specific - 1
        index = sensitive + specific - 1
        # Of a usable judge hardly any draw is at chance or below; what it says there means nothing.
        usable = np.where(index > 1e-3, index, np.nan)
        drawn = _clip((np.asarray(resampled[name]) + misses) / usable, lowest)
        found[name] = figure
        found[f"{name}_corrected"] = _figure(float(value), drawn, figure.n, how)
    return found


def _clip(values: Values, lowest: float) -> Values:
    return np.asarray(np.clip(values, lowest, 1.0))


def _figure(value: float, drawn: Values, n: int, how: Bootstrap) -> Figure:
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Figure(value, value, value, n)
    tail = (1 - how.level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Figure(value, min(float(low), value), max(float(high), value), n)
