"""Texts as words, each of which is analysed once: texts repeat their words, and a look-up costs a tenth of an analysis.

What an encoder knows of a word is a list of columns: its word pieces, or its n-grams. So a batch of texts becomes
a sparse matrix by one look-up a word and a few operations of numpy on all words at once.
"""

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

# Ideographs stand alone, as BERT has it; marks of punctuation do too; anything else that is no white space is a run.
_IDEOGRAPHS = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
_MARKS = (
    "!-/:-@\\[-`{-~\u00a1\u00a7\u00ab\u00b6\u00b7\u00bb\u00bf\u2010-\u2027\u2030-\u205e"
    "\u3001-\u3003\u3008-\u3011\u3014-\u301f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
)
LONGEST_WORD = 256
"""Characters. What runs on without a break is cut there; no word piece and no word of any language is as long."""
_WORD = re.compile(rf"[^\s{_MARKS}{_IDEOGRAPHS}]{{1,{LONGEST_WORD}}}|[{_MARKS}{_IDEOGRAPHS}]")

# Texts and characters worked on at once: enough for numpy, little enough for the cache and for flat memory.
_TEXTS = 4096
_CHARACTERS = 1 << 20

Columns = tuple[NDArray[np.int64], NDArray[np.int32]]
"""Of some words: how many columns each has, int64 [words], and all of them in a row, int32."""


def split_words(text: str) -> list[str]:
    """The words of a text, marks of punctuation included, in order.

    ASCII letters become small; others are left to whoever analyses the word, since no two know them alike.
    """
    return _WORD.findall(text.lower() if text.isascii() else text)


def chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    """The texts in runs of some thousands, fewer where they are long."""
    runs: list[Sequence[str]] = []
    start = size = 0
    for number, text in enumerate(texts):
        if number > start and (number - start >= _TEXTS or size + len(text) > _CHARACTERS):
            runs.append(texts[start:number])
            start, size = number, 0
        size += len(text)
    if start < len(texts):
        runs.append(texts[start:])
    return runs


@dataclass(frozen=True, slots=True)
class Words:
    """The words of some texts.

    Attributes:
        numbers: of the words, int64 [words], in the order of texts and of words in a text. The same word has
            the same number; a number means nothing beyond these texts.
        counts: words of each text, int64 [texts].
        lengths: columns of each word, int64 [words].
        columns: of all words in a row, int32 [lengths.sum()].
    """

    numbers: NDArray[np.int64]
    counts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    columns: NDArray[np.int32]

    def starts(self) -> NDArray[np.int64]:
        """Where the columns of each text begin and the last ones end, int64 [texts + 1]: the ``indptr`` of a csr."""
        ends = np.concatenate([[0], np.cumsum(self.lengths)])
        return np.asarray(ends[np.concatenate([[0], np.cumsum(self.counts)])], dtype=np.int64)


class Lexicon:
    """The words met so far, with the columns of each. Several threads may look up at once: they take turns.

    Args:
        analyse: the columns of words.
        split: the words of a text.
        limit: so many words are remembered, about; then all are forgotten and remembered anew, so that memory
            stays flat on a stream that never stops bringing new ones.
    """

    def __init__(
        self,
        analyse: Callable[[list[str]], Columns],
        split: Callable[[str], list[str]] = split_words,
        limit: int = 1 << 16,
    ) -> None:
        self._analyse = analyse
        self._split = split
        self._limit = limit
        self._lock = threading.Lock()
        self._numbers = _Numbers()
        self._columns: NDArray[np.int32] = np.empty(0, dtype=np.int32)
        self._ends: NDArray[np.int64] = np.zeros(1, dtype=np.int64)

    def look_up(self, texts: Sequence[str]) -> Words:
        """The words of the texts and their columns."""
        split = [self._split(text) for text in texts]
        counts = np.fromiter(map(len, split), dtype=np.int64, count=len(split))
        with self._lock:
            if len(self._numbers) > self._limit:
                self._forget()
            numbers = np.fromiter(
                map(self._numbers.__getitem__, chain.from_iterable(split)), np.int64, int(counts.sum())
            )
            if self._numbers.fresh:
                self._learn()
            firsts, lasts = self._ends[numbers], self._ends[numbers + 1]
            lengths = lasts - firsts
            # The column lists of all words, one behind the other, by one gather.
            shift = firsts - np.concatenate([[0], np.cumsum(lengths)[:-1]]) if len(lengths) else firsts
            columns = self._columns[np.arange(lengths.sum()) + np.repeat(shift, lengths)]
        return Words(numbers, counts, lengths, columns)

    def _learn(self) -> None:
        """Analyse the words that were not known."""
        fresh, self._numbers.fresh = self._numbers.fresh, []
        try:
            lengths, columns = self._analyse(fresh)
        except BaseException:
            self._forget()  # numbers without columns would be wrong for ever
            raise
        used = int(self._ends[-1])
        if used + len(columns) > len(self._columns):
            grown = np.empty(2 * (used + len(columns)), dtype=np.int32)
            grown[:used] = self._columns[:used]
            self._columns = grown
        self._columns[used : used + len(columns)] = columns
        self._ends = np.concatenate([self._ends, used + np.cumsum(lengths)])

    def _forget(self) -> None:
        self._numbers = _Numbers()
        self._columns = np.empty(0, dtype=np.int32)
        self._ends = np.zeros(1, dtype=np.int64)


class _Numbers(dict[str, int]):
    """Word -> number; a word that is not there gets the next number and is noted as fresh."""

    def __init__(self) -> None:
        super().__init__()
        self.fresh: list[str] = []

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        self.fresh.append(word)
        return number
