"""The terms of `tfidf`: which there are, how they are found in texts, and how they are learnt."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .words import Columns, Lexicon, Words, chunks, split_words

# Beyond this a run of characters is no word: a hash, a link, a script without spaces.
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which terms are learnt.

    Attributes:
        grams: sizes of the character n-grams within a word and the spaces around it: the least and the greatest.
        least: texts that a term must be in.
        most_words, most_grams, most_pairs: at most so many of each kind, the most frequent.
    """

    grams: tuple[int, int] = (3, 4)
    least: int = 2
    most_words: int = 30_000
    most_grams: int = 30_000
    most_pairs: int = 30_000


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """What was learnt. Column 0 stands for all words that are not known and weighs nothing.

    Attributes:
        recipe: by which it was learnt.
        words: the columns from 1 on.
        grams: the columns behind the words.
        pairs: the columns behind those: column of the first word * (words + 1) + column of the second, sorted.
        weights: inverse frequency of each column, float32 [columns].
    """

    recipe: Recipe
    words: tuple[str, ...]
    grams: tuple[str, ...]
    pairs: NDArray[np.int64]
    weights: NDArray[np.float32]

    @property
    def first_pair(self) -> int:
        """The first column of a pair."""
        return 1 + len(self.words) + len(self.grams)

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return self.first_pair + len(self.pairs)


def split(text: str) -> list[str]:
    """The words of a text in small letters; forms of a character that look alike are one (NFKC)."""
    return split_words(text if text.isascii() else unicodedata.normalize("NFKC", text).lower())


def grams(word: str, sizes: tuple[int, int]) -> list[str]:
    """Character n-grams of a word with a space at each end; none for a single character, which is a word itself."""
    if len(word) < 2:
        return []
    padded = f" {word[:_LONGEST]} "
    return [
        padded[start : start + size]
        for size in range(sizes[0], sizes[1] + 1)
        for start in range(len(padded) - size + 1)
    ]


def find_pairs(
    words: NDArray[np.int32], owners: NDArray[np.int32], pairs: NDArray[np.int64], base: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Known pairs of neighbouring words.

    Args:
        words: numbers of the words in the order of the texts, int32 [words], below `base`.
        owners: which text each belongs to.
        pairs: the known ones, first * base + second, sorted.
        base: what the first is multiplied with.

    Returns:
        Positions of the first words of known pairs, int64 [found], and the place of each pair in `pairs`.
    """
    keys = words[:-1].astype(np.int64) * base + words[1:]
    # Most neighbours are no pair, and a search in a small table is cheaper than one in a large one.
    places = np.searchsorted(pairs, keys)
    known = pairs[np.minimum(places, len(pairs) - 1)] == keys
    known &= owners[:-1] == owners[1:]
    at = np.flatnonzero(known)
    return at, places[at]


def learn(texts: Sequence[str], recipe: Recipe) -> Vocabulary:
    """The vocabulary of texts: terms that enough of them have, the most frequent where there are too many.

    Which terms, and their order, depend on the set of texts alone, not on their order.
    """
    counted = _Counts(recipe)
    for chunk in chunks(texts):
        counted.add(chunk)
    words, word_counts = _select(counted.words, counted.word_counts, recipe.least, recipe.most_words)
    parts, part_counts = _select(counted.grams, counted.gram_counts, recipe.least, recipe.most_grams)
    pairs, pair_counts = counted.pairs_of(words, recipe)
    counts = np.concatenate([[0], word_counts, part_counts, pair_counts])
    weights = (1 + np.log((1 + len(texts)) / (1 + counts))).astype(np.float32)
    weights[0] = 0
    return Vocabulary(recipe, words, parts, pairs, weights)


class _Counts:
    """In how many texts each term is."""

    def __init__(self, recipe: Recipe) -> None:
        self.words: list[str] = []
        self.grams: dict[str, int] = {}
        self.word_counts = np.zeros(0, dtype=np.int64)
        self.gram_counts = np.zeros(0, dtype=np.int64)
        self._pairs: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
        self._sizes = recipe.grams
        self._lexicon = Lexicon(self._analyse, split, limit=1 << 62)

    def add(self, texts: Sequence[str]) -> None:
        """Count the terms of some texts."""
        found = self._lexicon.look_up(texts)
        rows = np.repeat(np.arange(len(texts)), found.counts)
        self.word_counts = _added(self.word_counts, rows, found.numbers, len(self.words))
        self.gram_counts = _added(
            self.gram_counts, np.repeat(rows, found.lengths), found.columns.astype(np.int64), len(self.grams)
        )
        self._add_pairs(found, rows)

    def _add_pairs(self, found: Words, rows: NDArray[np.int64]) -> None:
        same = rows[:-1] == rows[1:]
        keys = (found.numbers[:-1] << 32 | found.numbers[1:])[same]
        pairs, places = np.unique(keys, return_inverse=True)
        counts = _added(np.zeros(0, dtype=np.int64), rows[:-1][same], places, len(pairs))
        self._pairs.append((pairs, counts))

    def pairs_of(self, words: tuple[str, ...], recipe: Recipe) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The pairs of chosen words that are frequent enough, as `Vocabulary.pairs`, and their counts."""
        if not self._pairs:
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        pairs, places = np.unique(np.concatenate([pairs for pairs, _ in self._pairs]), return_inverse=True)
        counts = np.bincount(places, np.concatenate([counts for _, counts in self._pairs])).astype(np.int64)
        columns = np.zeros(len(self.words), dtype=np.int64)
        place = {word: number for number, word in enumerate(self.words)}
        columns[[place[word] for word in words]] = np.arange(1, len(words) + 1)
        first, second = columns[pairs >> 32], columns[pairs & 0xFFFFFFFF]
        keys = first * (len(words) + 1) + second
        kept = np.flatnonzero((first > 0) & (second > 0) & (counts >= recipe.least))
        kept = kept[np.lexsort((keys[kept], -counts[kept]))][: recipe.most_pairs]
        kept = kept[np.argsort(keys[kept])]
        return keys[kept], counts[kept]

    def _analyse(self, fresh: list[str]) -> Columns:
        """All n-grams of new words; each gets the next number when it is met first."""
        self.words += fresh
        lengths = np.empty(len(fresh), dtype=np.int64)
        columns: list[int] = []
        for number, word in enumerate(fresh):
            found = grams(word, self._sizes)
            columns += [self.grams.setdefault(gram, len(self.grams)) for gram in found]
            lengths[number] = len(found)
        return lengths, np.asarray(columns, dtype=np.int32)


def _added(
    counts: NDArray[np.int64], rows: NDArray[np.int64], terms: NDArray[np.int64], width: int
) -> NDArray[np.int64]:
    """The counts with one more for each text and term, however often the text has the term."""
    cells = np.unique(rows * max(width, 1) + terms)
    found = np.bincount(cells % max(width, 1), minlength=width).astype(np.int64)
    found[: len(counts)] += counts
    return found


def _select(
    terms: Sequence[str] | dict[str, int], counts: NDArray[np.int64], least: int, most: int
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """The terms that are frequent enough, at most so many, in the order of the alphabet, and their counts."""
    names = list(terms)
    enough = np.flatnonzero(counts >= least).tolist()
    enough.sort(key=lambda number: (-counts[number], names[number]))
    kept = sorted(enough[:most], key=lambda number: names[number])
    return tuple(names[number] for number in kept), counts[kept]
