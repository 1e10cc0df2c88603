"""The FAISS index: exact nearest neighbours among vectors by inner product (cosine, for unit vectors)."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..taxonomy.errors import BundleError
from .encoders import Vectors

# How the file of a flat index of inner products begins.
_KIND = b"IxFI"


class EmbeddingIndex:
    """Exact search over rows of vectors. `build` or `load` one."""

    def __init__(self, index: Any) -> None:
        self._opened = index
        self._content: bytes | None = None
        self._path: Path | None = None

    @classmethod
    def build(cls, vectors: Vectors) -> "EmbeddingIndex":
        """Index float32 [n, d]; n may be 0."""
        import faiss

        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, dtype=np.float32))
        return cls(index)

    def __len__(self) -> int:
        """Rows in the index."""
        return int(self._index.ntotal)

    @property
    def vectors(self) -> Vectors:
        """The indexed rows, float32 [n, d]."""
        return np.asarray(self._index.reconstruct_n(0, len(self)), dtype=np.float32)

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, NDArray[np.int64]]:
        """The nearest rows of each query, the nearest first.

        Args:
            queries: float32 [q, d].
            k: neighbours wanted; fewer come back where the index holds fewer.

        Returns:
            Similarities float32 [q, min(k, n)] and row numbers int64 [q, min(k, n)].
        """
        k = min(k, len(self))
        if k <= 0 or not len(queries):
            shape = (len(queries), max(k, 0))
            return np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.int64)
        similarities, rows = self._index.search(np.ascontiguousarray(queries, dtype=np.float32), k)
        return similarities, rows

    def save(self, path: Path) -> None:
        """Write the index in FAISS's own format.

        Raises:
            OSError: the file cannot be written.
        """
        import faiss

        # Through memory: FAISS's own writer tells a full disk as a RuntimeError without its number.
        path.write_bytes(faiss.serialize_index(self._index).tobytes())

    @classmethod
    def load(cls, path: Path) -> "EmbeddingIndex":
        """Read what `save` wrote.

        Raises:
            BundleError: the file is absent or is no such index; damage inside is told by the first search.
        """
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BundleError(f"{path} cannot be read: {error.strerror or error}") from error
        # FAISS itself is loaded by the first search: labelling texts needs none.
        if content[:4] != _KIND:
            raise BundleError(f"{path} is not a readable FAISS index: it does not begin as one")
        found = cls(None)
        found._content, found._path = content, path
        return found

    @property
    def _index(self) -> Any:
        if self._opened is None:
            import faiss

            try:
                self._opened = faiss.deserialize_index(np.frombuffer(self._content or b"", dtype=np.uint8))
            except RuntimeError as error:
                raise BundleError(
                    f"{self._path} is not a readable FAISS index: {str(error).splitlines()[0]}"
                ) from error
            self._content = None
        return self._opened
