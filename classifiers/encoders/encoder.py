"""What an encoder is: texts in, unit rows out. Some are there from the start, some learn their vocabulary."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from ..features import Vectors


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
        """Vectors of the texts, float32 [n, d], rows L2-normalised; what is in the batch changes no row.

        A text of which the encoder knows nothing, such as an empty one, may have a row of zeros.
        """
        ...


class SparseEncoder(Protocol):
    """What turns texts into sparse rows over a vocabulary that it learns."""

    @property
    def id(self) -> str:
        """What `open_representation` makes an encoder of this kind from, without its vocabulary."""
        ...

    def fit(self, texts: Sequence[str]) -> Self:
        """An encoder that has learnt the vocabulary of the texts; this one stays as it is."""
        ...

    def encode(self, texts: Sequence[str]) -> Any:
        """``scipy.sparse.csr_matrix`` float32 [n, m] with sorted columns, rows L2-normalised.

        A text without any known term has an empty row; what is in the batch changes no row.

        Raises:
            ValueError: nothing was learnt yet.
        """
        ...

    def save(self, folder: Path) -> None:
        """Write what was learnt into a folder.

        Raises:
            StorageError: the disk is full or the folder cannot be written.
        """
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The encoder that was saved into a folder.

        Raises:
            BundleError: a file is missing or is not what `save` writes.
        """
        ...


@runtime_checkable
class Portable(Protocol):
    """An encoder that is written into the bundle, which then needs nothing else for it."""

    def save(self, folder: Path) -> None:
        """Write what is needed to encode into a folder."""
        ...
