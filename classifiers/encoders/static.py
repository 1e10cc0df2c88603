"""`static`: a text is the mean of its word pieces' vectors, read from a table. No model runs, torch is not needed.

The table is distilled from minilm (`distillation`); the method is model2vec's (Tulkens and van Dongen, 2024,
https://github.com/MinishLab/model2vec), and the vectors are those of its ``StaticModel.encode``.
"""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ...checkpoints.files import write_atomic
from ...taxonomy.errors import BundleError
from ..arrays import read_array, write_array
from ..features import Vectors
from .words import Columns, Lexicon, chunks

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TABLE_FILE = "static.npy"
TOKENIZER_FILE = "static-tokenizer.json"


class StaticEncoder:
    """Vectors from a table of word pieces.

    A text without any known word piece (an empty one, one of emoji alone) has a row of zeros: it is similar to
    nothing.

    Args:
        table: vectors of the word pieces, float16 or float32 [pieces, d]; pieces that say nothing have zeros.
        tokenizer: JSON of the library ``tokenizers``, a WordPiece one.
    """

    id: ClassVar[str] = "static"

    def __init__(self, table: np.ndarray[Any, Any], tokenizer: str) -> None:
        self._stored = table
        self._json = tokenizer
        self._lexicon = Lexicon(self._pieces)

    @property
    def dimension(self) -> int:
        """Columns of the vectors."""
        return int(self._stored.shape[1])

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, float32 [n, d], rows L2-normalised or zero; what is in the batch changes no row."""
        from scipy.sparse import csr_matrix

        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        done = 0
        for chunk in chunks(texts):
            words = self._lexicon.look_up(chunk)
            ones = np.ones(len(words.columns), dtype=np.float32)
            pieces = csr_matrix(
                (ones, words.columns, words.starts().astype(np.int32)), (len(chunk), len(self._table))
            )
            # The mean and the sum have the same direction, and only that is kept.
            vectors[done : done + len(chunk)] = pieces @ self._table
            done += len(chunk)
        norms = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
        vectors /= np.where(norms > 0, norms, 1)[:, None]
        return vectors

    def save(self, folder: Path) -> None:
        """Write the table and the tokenizer into a folder: nothing else is needed to load it again.

        Raises:
            StorageError: the disk is full or the folder cannot be written.
        """
        write_array(folder / TABLE_FILE, self._stored)
        write_atomic(folder / TOKENIZER_FILE, self._json)

    @classmethod
    def load(cls, folder: Path) -> "StaticEncoder":
        """The encoder that was saved into a folder.

        Raises:
            BundleError: a file is missing or is not what `save` writes.
        """
        try:
            table = read_array(folder / TABLE_FILE, np.float16, np.float32)
            tokenizer = (folder / TOKENIZER_FILE).read_text("utf-8")
            pieces = len(json.loads(tokenizer)["model"]["vocab"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(f"the encoder 'static' cannot be read from {folder}: {error}") from error
        if table.ndim != 2 or len(table) != pieces:
            raise BundleError(
                f"{folder / TABLE_FILE} does not fit its tokenizer: shape {table.shape} for {pieces} word pieces"
            )
        return cls(table, tokenizer)

    @cached_property
    def _table(self) -> Vectors:
        """The table to compute with."""
        return self._stored.astype(np.float32)

    @cached_property
    def _tokenizer(self) -> "Tokenizer":
        """The tokenizer, without the cutting and padding that a transformer wants."""
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_str(self._json)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer

    def _pieces(self, words: list[str]) -> Columns:
        """Word pieces of each word: the tokenizer reads all words in one call, which threads do not enter."""
        readable = [word if word.isascii() else _replace_surrogates(word) for word in words]
        encoding = self._tokenizer.encode(readable, is_pretokenized=True, add_special_tokens=False)
        owners = np.asarray(encoding.word_ids, dtype=np.int64)
        return np.bincount(owners, minlength=len(words)), np.asarray(encoding.ids, dtype=np.int32)


def _replace_surrogates(word: str) -> str:
    """A lone surrogate, which no tokenizer takes, becomes a question mark."""
    return word.encode("utf-8", "replace").decode("utf-8")
