"""Models that sentence-transformers runs, loaded when the first text comes."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...taxonomy.errors import MissingPartError
from ..features import Vectors
from .minilm import CHARACTERS_PER_TOKEN, squeeze

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH = 32


class SentenceEncoder:
    """A sentence-transformers model, loaded when the first text comes.

    Texts are sorted by length into batches (sentence-transformers does that) and cut at what the model reads.
    One thread at a time encodes: the tokenizer cannot be shared, and a single encoding uses all cores anyway.

    Args:
        spec: what this encoder is known by.
        source: a folder, or a name that sentence-transformers resolves.
    """

    def __init__(self, spec: str, source: str) -> None:
        self.id = spec
        self.dimension: int | None = None
        self._source = source
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, float32 [n, d], rows L2-normalised.

        Raises:
            MissingPartError: the model or its library is absent.
        """
        with self._lock:
            model = self._model
            width = self.dimension = model.get_embedding_dimension() or 0
            if not texts:
                return np.zeros((0, width), dtype=np.float32)
            room = (model.max_seq_length or 512) * CHARACTERS_PER_TOKEN
            vectors = model.encode(
                [squeeze(text, room) for text in texts],
                batch_size=_BATCH,
                show_progress_bar=False,
                convert_to_numpy=True,
                normalize_embeddings=True,
            )
        return np.ascontiguousarray(vectors, dtype=np.float32)

    @cached_property
    def _model(self) -> "SentenceTransformer":
        """The loaded model: about 3 s, most of it importing torch."""
        folder = Path(self._source)
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingPartError(
                f"the encoder {self.id!r} needs a library: pip install sentence-transformers ({error})"
            ) from error
        with _no_progress_bar():
            try:
                return SentenceTransformer(self._source, device="cpu", local_files_only=folder.is_dir())
            except (OSError, ValueError) as error:
                raise MissingPartError(
                    f"the encoder {self.id!r} cannot be loaded from {self._source}: {error}. "
                    "Name a folder that sentence-transformers wrote, a model of its hub, or 'minilm'."
                ) from error


@contextmanager
def _no_progress_bar() -> Iterator[None]:
    """Keep transformers from drawing a bar while it loads weights, and leave its setting as it was."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]
