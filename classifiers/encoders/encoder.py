"""What an encoder is: texts in, unit vectors out."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Rows are texts, columns are dimensions, every row has length 1."""


class Encoder(Protocol):
    """What turns texts into vectors."""

    @property
    def id(self) -> str:
        """The spec that `open_encoder` makes this very encoder from; equal ids give equal vectors."""
        ...

    @property
    def dimension(self) -> int | None:
        """Columns of the vectors, where it is known before the first text."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, float32 [n, d], rows L2-normalised; what is in the batch changes no row."""
        ...
