"""What a head sees of texts: a dense block, a sparse one, or both side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
"""Rows are texts, columns are dimensions, every row has length 1."""


@dataclass(frozen=True, slots=True)
class Features:
    """Rows are texts. The blocks are kept apart: a product with each is several times faster than with both as one.

    Attributes:
        dense: float32 [n, d], or None.
        sparse: ``scipy.sparse.csr_matrix``, float32 [n, m], or None; not both are None.
    """

    dense: Vectors | None
    sparse: Any = None

    def __post_init__(self) -> None:
        blocks = [block for block in (self.dense, self.sparse) if block is not None]
        if not blocks or len({block.shape[0] for block in blocks}) > 1:
            raise ValueError("features have at least one block, and all blocks the same number of rows")

    def __len__(self) -> int:
        """Texts."""
        return int((self.sparse if self.dense is None else self.dense).shape[0])

    @property
    def width(self) -> int:
        """Columns of both blocks together."""
        return sum(int(block.shape[1]) for block in (self.dense, self.sparse) if block is not None)

    def take(self, rows: NDArray[Any] | slice) -> "Features":
        """These rows, by number, mask or slice."""
        return Features(
            None if self.dense is None else self.dense[rows],
            None if self.sparse is None else self.sparse[rows],
        )

    def matrix(self) -> Any:
        """Both blocks as one: the dense one as it is where it is alone, else csr [n, d + m], dense columns first."""
        if self.sparse is None:
            return self.dense
        if self.dense is None:
            return self.sparse
        from scipy.sparse import csr_matrix, hstack

        return hstack([csr_matrix(self.dense), self.sparse], format="csr", dtype=np.float32)

    @staticmethod
    def concatenate(parts: "Sequence[Features]") -> "Features":
        """The rows of all parts, in order; at least one part, all with the same blocks."""
        dense = [part.dense for part in parts if part.dense is not None]
        sparse = [part.sparse for part in parts if part.sparse is not None]
        stacked = None
        if sparse:
            from scipy.sparse import vstack

            stacked = vstack(sparse, format="csr", dtype=np.float32)
        return Features(np.concatenate(dense) if dense else None, stacked)
