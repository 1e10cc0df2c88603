"""Encoders side by side: ``static+tfidf`` is a dense block and a sparse one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...taxonomy.errors import SettingsError
from ..features import Features
from .cached import bare
from .encoder import Encoder, Portable, SparseEncoder
from .opening import open_encoder
from .static import StaticEncoder
from .tfidf import TfidfEncoder

# A path may hold a plus sign: only one before the name of an encoder joins.
_JOIN = re.compile(r"\s*\+\s*(?=(?:minilm|static|tfidf)\s*(?:\+|$)|openai:|sentence-transformers:|https?://)")


@dataclass(frozen=True)
class Representation:
    """What makes the features of texts.

    Attributes:
        dense: encoders of vectors, side by side.
        sparse: encoders that learn a vocabulary, side by side.
    """

    dense: tuple[Encoder, ...]
    sparse: tuple[SparseEncoder, ...] = ()

    def __post_init__(self) -> None:
        if not self.dense and not self.sparse:
            raise ValueError("a representation has at least one encoder")

    @property
    def id(self) -> str:
        """The spec that `open_representation` makes one like it from, the dense encoders first."""
        return "+".join([*(part.id for part in self.dense), *(part.id for part in self.sparse)])

    def fit(self, texts: Sequence[str]) -> "Representation":
        """One that has learnt the vocabulary of the texts; encoders that learn nothing stay as they are."""
        return Representation(self.dense, tuple(part.fit(texts) for part in self.sparse))

    def encode(self, texts: Sequence[str]) -> Features:
        """The features of the texts.

        The rows of a block have length 1: where it has several encoders, each is scaled by one over the root of
        their number.

        Raises:
            ValueError: an encoder that learns has learnt nothing yet.
        """
        texts = texts if isinstance(texts, list | tuple) else list(texts)
        vectors = [part.encode(texts) for part in self.dense]
        dense = None
        if len(vectors) == 1:
            dense = vectors[0]
        elif vectors:
            dense = np.hstack(vectors) * np.float32(1 / np.sqrt(len(vectors)))
        rows = [part.encode(texts) for part in self.sparse]
        if len(rows) > 1:
            from scipy.sparse import hstack

            rows = [hstack([row * (1 / np.sqrt(len(rows))) for row in rows], format="csr", dtype=np.float32)]
        return Features(dense, rows[0] if rows else None)

    def save(self, folder: Path) -> None:
        """Write what cannot be opened by name: vocabularies, and the table of ``static``.

        Raises:
            StorageError: the disk is full or the folder cannot be written.
        """
        for part in (*map(bare, self.dense), *self.sparse):
            if isinstance(part, Portable):
                part.save(folder)

    @classmethod
    def load(cls, id: str, folder: Path) -> "Representation":  # noqa: A002 - the name it has everywhere
        """The representation of that id that was saved into a folder.

        Raises:
            BundleError: a file is missing or is not what `save` writes.
            SettingsError: no such kind of encoder.
            MissingPartError: an encoder that is opened by name is not installed.
        """
        dense: list[Encoder] = []
        sparse: list[SparseEncoder] = []
        for part in split_spec(id):
            if part == TfidfEncoder.id:
                sparse.append(TfidfEncoder.load(folder))
            else:
                dense.append(StaticEncoder.load(folder) if part == StaticEncoder.id else open_encoder(part))
        return cls(tuple(dense), tuple(sparse))


def open_representation(spec: str) -> Representation:
    """The representation of a spec, not fitted yet.

    Args:
        spec: specs of encoders joined by ``+``, such as ``minilm``, ``static+tfidf`` or ``openai:MODEL+tfidf``.

    Raises:
        SettingsError: no such kind of encoder, or one that is named twice.
        MissingPartError: what an encoder needs is not installed.
    """
    parts = split_spec(spec)
    if len(set(parts)) < len(parts):
        raise SettingsError(f"the features {spec!r} name an encoder twice: each adds something only once")
    return Representation(
        tuple(open_encoder(part) for part in parts if part != TfidfEncoder.id),
        tuple(TfidfEncoder() for part in parts if part == TfidfEncoder.id),
    )


def split_spec(spec: str) -> list[str]:
    """The specs of the encoders that ``+`` joins."""
    return [part.strip() for part in _JOIN.split(spec.strip())]
