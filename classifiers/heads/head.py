"""What a head is, and the one place that knows every kind of head by name."""

from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import BundleError, SettingsError
from ..features import Features

Probabilities = NDArray[np.float64]
"""Rows are texts, columns are classes; every row adds up to 1."""


class Head(Protocol):
    """What turns features into class probabilities. Made for a fixed number of classes; not all need examples.

    Attributes:
        kind: name in the bundle's manifest.
    """

    kind: ClassVar[str]

    def __init__(self, classes: int, *, seed: int = 0) -> None: ...

    def fit(
        self,
        features: Features,
        classes: NDArray[np.int64],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Learn from n texts' features, class indices [n] and weights [n]; equal input gives an equal head."""
        ...

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities [n, k] of n texts; a class without examples has probability 0."""
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


KINDS = ("logistic", "linear", "lightgbm", "mlp", "knn")
"""What `make_head` can make."""


def make_head(kind: str, classes: int, *, seed: int = 0) -> Head:
    """An unfitted head.

    Args:
        kind: one of `KINDS`.
        classes: k, at least 1.
        seed: of whatever it draws.

    Raises:
        SettingsError: there is no such kind.
    """
    if kind not in KINDS:
        raise SettingsError(f"there is no head {kind!r}: name one of {', '.join(KINDS)}")
    return _class_of(kind)(classes, seed=seed)


def load_head(kind: str, folder: Path) -> Head:
    """The head of that kind out of a folder.

    Raises:
        BundleError: the kind is unknown, or the files cannot be read.
        MissingPartError: the kind needs a library that is not installed.
    """
    if kind not in KINDS:
        raise BundleError(
            f"{folder} holds a head of the unknown kind {kind!r}: a newer tnt wrote it, use that one"
        )
    return _class_of(kind).load(folder)


def _class_of(kind: str) -> type[Head]:
    # Imported here: these modules import this one.
    from .knn import KnnHead
    from .lightgbm import LightgbmHead
    from .linear import LinearHead
    from .logistic import LogisticHead
    from .mlp import MlpHead

    heads: tuple[type[Head], ...] = (LogisticHead, LinearHead, LightgbmHead, MlpHead, KnnHead)
    return next(head for head in heads if head.kind == kind)
