"""How good a judge is on items whose answer is known, and figures corrected for its mistakes.

The share that a judge says yes to is `p Se + (1 - p)(1 - Sp)` where p is the true share, Se its sensitivity and Sp its
specificity; solved for p that is the estimator of Rogan and Gladen (1978).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

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
    said: Mapping[str, NDArray[np.int64]], skill: Skill, how: Bootstrap, *, difference: str | None = None
) -> dict[str, Figure]:
    """Shares that the judge says yes to, and as NAME_corrected what they are without its mistakes, 0 to 1.

    The interval of a corrected one holds both: what other cases could have been drawn, and what is not known of the
    judge. Cases are drawn from Jeffreys' posterior as well: where all are yes, that is no proof that all others are.

    Args:
        said: by name, int64 [n], 1 where it says yes and 0 where not; one or two names, of the same n cases.
        skill: of the judge, which is usable.
        how: intervals are made.
        difference: name for the first less the second, -1 to 1.
    """
    names = list(said)
    profiles = Profiles.of(*said.values())

    def rates(weights: Weights) -> dict[str, Values]:
        n = weights.sum(axis=1)
        found = {name: weights @ profiles.column(place) / n for place, name in enumerate(names)}
        return found if difference is None else found | {difference: found[names[0]] - found[names[1]]}

    given = figures(profiles, rates, how, signed=() if difference is None else (difference,))
    if not given:
        return {}
    draw = np.random.default_rng([how.seed, 1])
    drawn = _posterior(np.stack(list(said.values()), axis=1), draw, how.resamples)
    sensitive, specific = skill.draw(draw, how.resamples)
    index = sensitive + specific - 1
    # Of a usable judge hardly any draw is at chance or below; what it says there means nothing.
    usable = np.where(index > 1e-3, index, np.nan)
    found: dict[str, Figure] = {}
    for name, figure in given.items():
        found[name] = figure
        if name == difference:
            # The judge's false yes is in both, and goes.
            value, lowest = figure.value / skill.youden, -1.0
            all_drawn = (drawn[:, 0] - drawn[:, 1]) / usable
        else:
            value, lowest = (figure.value + skill.specificity - 1) / skill.youden, 0.0
            all_drawn = (drawn[:, names.index(name)] + specific - 1) / usable
        clipped = float(np.clip(value, lowest, 1.0))
        found[f"{name}_corrected"] = _figure(clipped, np.clip(all_drawn, lowest, 1.0), figure.n, how)
    return found


def _posterior(said: NDArray[np.int64], draw: np.random.Generator, count: int) -> Values:
    """`count` draws of the shares of 1 in columns of 0s and 1s, [n, m]: float64 [count, m]."""
    patterns = np.array(list(product((0, 1), repeat=said.shape[1])), dtype=np.int64)
    counts = (said[:, None, :] == patterns[None, :, :]).all(axis=2).sum(axis=0)
    # A prior of 1 in all leaves each column Jeffreys' .5 and .5.
    return np.asarray(draw.dirichlet(counts + 1 / len(patterns), count) @ patterns, dtype=np.float64)


def _figure(value: float, drawn: Values, n: int, how: Bootstrap) -> Figure:
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Figure(value, value, value, n)
    tail = (1 - how.level) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Figure(value, min(float(low), value), max(float(high), value), n)
