"""An encoder that keeps its vectors on disk and encodes no text twice."""

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...checkpoints.vectors import VectorTable, keys_of
from ..features import Vectors
from .encoder import Encoder

_SLICE = 1024  # a kill loses so many texts' vectors at most


class CachedEncoder:
    """The same encoder, by the same id; what it has encoded once, here or in another process, is looked up.

    Args:
        encoder: makes the vectors that are not there yet.
        store: folder of the stored vectors, such as ``WORKSPACE/vectors``; see `checkpoints.vectors`.
    """

    def __init__(self, encoder: Encoder, store: Path) -> None:
        self.encoder = encoder
        self._store = store
        self._tables: dict[int, VectorTable] = {}
        self._lock = threading.Lock()

    @property
    def id(self) -> str:
        """That of the encoder."""
        return self.encoder.id

    @property
    def dimension(self) -> int | None:
        """That of the encoder."""
        return self.encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, float32 [n, d], as the encoder gives them.

        Raises:
            TntError: what the encoder raises.
        """
        if not texts:
            return self.encoder.encode([])
        width = self.encoder.dimension or self.encoder.encode(texts[:1]).shape[1]
        keys = keys_of(texts)
        with self._lock:
            table = self._tables.setdefault(width, VectorTable(self._store, self.id, width))
            places = table.find(keys)
            if (places >= 0).all():
                return table.rows(places)
            vectors = np.empty((len(texts), width), dtype=np.float32)
            known = np.flatnonzero(places >= 0)
            vectors[known] = table.rows(places[known])
            missing = np.flatnonzero(places < 0)
            # Equal texts are encoded once.
            _, firsts, owners = np.unique(keys[missing], axis=0, return_index=True, return_inverse=True)
            made = np.empty((len(firsts), width), dtype=np.float32)
            for start in range(0, len(firsts), _SLICE):
                numbers = missing[firsts[start : start + _SLICE]]
                made[start : start + _SLICE] = self.encoder.encode([texts[number] for number in numbers])
                table.add(keys[numbers], made[start : start + _SLICE])
            vectors[missing] = made[owners.reshape(-1)]
        return vectors


def bare(encoder: Encoder) -> Encoder:
    """The encoder behind a store, or the encoder itself."""
    return encoder.encoder if isinstance(encoder, CachedEncoder) else encoder
