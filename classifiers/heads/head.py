"""What a head is, and the one place that knows every kind of head by name."""

from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import BundleError

Probabilities = NDArray[np.float64]
"""Rows are texts, columns are classes; every row adds up to 1."""


class Head(Protocol):
    """What turns vectors into class probabilities. Made for a fixed number of classes; not all need examples.

    Attributes:
        kind: name in the bundle's manifest.
    """

    kind: ClassVar[str]

    def fit(
        self,
        vectors: NDArray[np.float32],
        classes: NDArray[np.int64],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from vectors [n, d], class indices [n] and weights [n]; equal input gives an equal head."""
        ...

    def predict_proba(self, vectors: NDArray[np.float32]) -> Probabilities:
        """Probabilities [n, k] of vectors [n, d]; a class without examples has probability 0."""
        ...

    def refit(self) -> Self:
        """An unfitted head that keeps what this one chose for itself, such as its regularization."""
        ...

    def save(self, folder: Path) -> None:
        """Write the fitted head into an existing folder, without pickle."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote; raises BundleError when that cannot be read."""
        ...


def load_head(kind: str, folder: Path) -> Head:
    """The head of that kind out of a folder.

    Raises:
        BundleError: the kind is unknown, or the files cannot be read.
    """
    if kind == "logistic":
        from .logistic import LogisticHead

        return LogisticHead.load(folder)
    raise BundleError(
        f"{folder} holds a head of the unknown kind {kind!r}: a newer tnt wrote it, use that one"
    )
