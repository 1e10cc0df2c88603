"""How much a run may spend."""

from dataclasses import dataclass

from ..taxonomy.errors import BudgetReached
from .answer import Usage


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on what a run spends, over all its sittings.

    It is looked at before each call: calls in flight at that moment are still paid, so the overrun is at most
    the cost of as many calls as run at once.

    Attributes:
        tokens: prompt and completion tokens together; None for no limit.
        cost: money, in the currency of the prices given; None for no limit.
    """

    tokens: int | None = None
    cost: float | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there is any limit."""
        return self.tokens is not None or self.cost is not None

    def check(self, spent: Usage) -> None:
        """Raise BudgetReached when `spent` has reached a limit."""
        if self.tokens is not None and spent.tokens >= self.tokens:
            raise BudgetReached(
                f"The budget of {self.tokens:,} tokens is spent ({spent.tokens:,} used in {spent.calls:,} "
                "calls). Nothing is lost: resume with a larger budget to go on."
            )
        if self.cost is not None and spent.cost >= self.cost:
            raise BudgetReached(
                f"The budget of {self.cost:g} is spent ({spent.cost:.4f} used in {spent.calls:,} calls). "
                "Nothing is lost: resume with a larger budget to go on."
            )
