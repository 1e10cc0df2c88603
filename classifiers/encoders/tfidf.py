"""`tfidf`: words, pairs of words and character n-grams, weighted by how rare they are. Learnt from the texts.

The weights are scikit-learn's: (1 + ln(count)) * (1 + ln((1 + n) / (1 + texts with the term))), rows of length 1.
scikit-learn itself is not needed. The n-grams of a word are found once, and looked up from then on.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ...checkpoints.files import write_atomic
from ...taxonomy.errors import BundleError
from ..arrays import read_array, write_array
from .vocabulary import Recipe, Vocabulary, find_pairs, grams, learn, split
from .words import Columns, Lexicon, chunks

FORMAT = 1
TERMS_FILE = "tfidf.json"
PAIRS_FILE = "tfidf-pairs.npy"
WEIGHTS_FILE = "tfidf-weights.npy"


class TfidfEncoder:
    """Sparse rows over learnt terms.

    Args:
        vocabulary: what was learnt; None before `fit`.
        recipe: which terms `fit` will learn.
    """

    id: ClassVar[str] = "tfidf"

    def __init__(self, vocabulary: Vocabulary | None = None, recipe: Recipe | None = None) -> None:
        self.vocabulary = vocabulary
        self._recipe = recipe or (vocabulary.recipe if vocabulary else Recipe())

    def fit(self, texts: Sequence[str]) -> "TfidfEncoder":
        """An encoder that has learnt the terms of the texts; this one stays as it is.

        Texts without any term that is frequent enough leave a vocabulary without terms: all rows are empty then.
        """
        return TfidfEncoder(learn(texts, self._recipe))

    def encode(self, texts: Sequence[str]) -> Any:
        """``csr_matrix`` float32 [n, m], columns sorted, rows L2-normalised, or empty for a text without terms.

        Raises:
            ValueError: nothing was learnt yet.
        """
        from scipy.sparse import csr_matrix, vstack

        vocabulary = self._learnt
        rows = [self._encode(chunk) for chunk in chunks(texts)]
        if not rows:
            return csr_matrix(np.zeros((0, vocabulary.columns), dtype=np.float32))
        return rows[0] if len(rows) == 1 else vstack(rows, format="csr", dtype=np.float32)

    def save(self, folder: Path) -> None:
        """Write the terms and their weights into a folder.

        Raises:
            StorageError: the disk is full or the folder cannot be written.
            ValueError: nothing was learnt yet.
        """
        vocabulary = self._learnt
        terms = {
            "format": FORMAT,
            "recipe": asdict(vocabulary.recipe),
            "words": vocabulary.words,
            "grams": vocabulary.grams,
        }
        write_atomic(folder / TERMS_FILE, json.dumps(terms, ensure_ascii=True))
        write_array(folder / PAIRS_FILE, vocabulary.pairs)
        write_array(folder / WEIGHTS_FILE, vocabulary.weights)

    @classmethod
    def load(cls, folder: Path) -> "TfidfEncoder":
        """The encoder that was saved into a folder.

        Raises:
            BundleError: a file is missing or is not what `save` writes.
        """
        try:
            terms = json.loads((folder / TERMS_FILE).read_text("utf-8"))
            if terms["format"] != FORMAT:
                raise BundleError(f"{folder / TERMS_FILE} is of another version of tnt: train it again")
            vocabulary = Vocabulary(
                recipe=Recipe(**terms["recipe"] | {"grams": tuple(terms["recipe"]["grams"])}),
                words=tuple(terms["words"]),
                grams=tuple(terms["grams"]),
                pairs=read_array(folder / PAIRS_FILE, np.int64),
                weights=read_array(folder / WEIGHTS_FILE, np.float32),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(f"the encoder 'tfidf' cannot be read from {folder}: {error}") from error
        if len(vocabulary.weights) != vocabulary.columns:
            raise BundleError(f"{folder / WEIGHTS_FILE} does not fit {TERMS_FILE}")
        return cls(vocabulary)

    @property
    def _learnt(self) -> Vocabulary:
        if self.vocabulary is None:
            raise ValueError("tfidf has learnt nothing yet: call fit")
        return self.vocabulary

    def _encode(self, texts: Sequence[str]) -> Any:
        """The rows of some thousand texts."""
        from scipy.sparse import coo_matrix

        vocabulary = self._learnt
        words = self._lexicon.look_up(texts)
        owners = np.repeat(np.arange(len(texts), dtype=np.int32), words.counts)
        rows = np.repeat(owners, words.lengths)
        columns = words.columns
        if len(vocabulary.pairs):
            # The list of a word begins with the word itself.
            firsts = np.cumsum(words.lengths) - words.lengths
            at, pairs = find_pairs(columns[firsts], owners, vocabulary.pairs, len(vocabulary.words) + 1)
            rows = np.concatenate([rows, owners[at]])
            columns = np.concatenate([columns, pairs + vocabulary.first_pair])
        ones = np.ones(len(columns), dtype=np.float32)
        matrix = coo_matrix((ones, (rows, columns)), shape=(len(texts), vocabulary.columns)).tocsr()
        often = matrix.data > 1
        matrix.data[often] = 1 + np.log(matrix.data[often])
        matrix.data *= vocabulary.weights[matrix.indices]
        matrix.eliminate_zeros()  # words that are not known
        lengths = np.diff(matrix.indptr)
        squares = np.bincount(
            np.repeat(np.arange(len(texts)), lengths), matrix.data.astype(np.float64) ** 2, len(texts)
        )
        norms = np.sqrt(np.where(squares > 0, squares, 1)).astype(np.float32)
        matrix.data /= np.repeat(norms, lengths)
        return matrix

    @cached_property
    def _lexicon(self) -> Lexicon:
        """Word -> its own column (0 where it is not known), then those of its n-grams."""
        vocabulary = self._learnt
        words = {word: column for column, word in enumerate(vocabulary.words, 1)}
        parts = {gram: column for column, gram in enumerate(vocabulary.grams, 1 + len(vocabulary.words))}
        sizes = vocabulary.recipe.grams

        def analyse(fresh: list[str]) -> Columns:
            lengths = np.empty(len(fresh), dtype=np.int64)
            columns: list[int] = []
            for number, word in enumerate(fresh):
                before = len(columns)
                columns.append(words.get(word, 0))
                columns += [parts[gram] for gram in grams(word, sizes) if gram in parts]
                lengths[number] = len(columns) - before
            return lengths, np.asarray(columns, dtype=np.int32)

        return Lexicon(analyse, split)
