"""A figure: a value with its interval and the number of cases that it rests on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

MARGIN = 0.03
"""So much worse still counts as not below."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value.

    Attributes:
        value: on the cases themselves.
        low, high: ends of its 95 % interval.
        n: cases: documents, mostly.
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"

    @property
    def is_above(self) -> bool:
        """For a difference: the interval lies above 0."""
        return self.low > 0

    @property
    def is_not_below(self) -> bool:
        """For a difference: the lower end is above -.03."""
        return self.low > -MARGIN

    def as_dict(self) -> dict[str, float | int]:
        """JSON types."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """What `as_dict` gave."""
        return cls(float(values["value"]), float(values["low"]), float(values["high"]), int(values["n"]))
