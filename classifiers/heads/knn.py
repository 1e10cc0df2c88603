"""Nearest neighbours: a text is what the most similar training texts are. Exact search by FAISS."""

from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import BundleError, SettingsError
from ..arrays import read_arrays, read_settings, write_arrays, write_settings
from ..features import Features, Vectors
from ..index import EmbeddingIndex
from .examples import Examples
from .head import Probabilities

GRID = (1, 3, 5, 10, 20, 50)
# Taken where data is too thin to choose.
DEFAULT_K = 5

# A neighbour's vote is exp(similarity / this): one that is .1 less similar has a quarter of the weight.
_SOFTNESS = 0.07
# A vote for the classes as frequent as they are, this fraction of a neighbour: none is impossible because it
# is not among k.
_PRIOR_VOTE = 0.05
# Leaving one out, the choice needs no further fit; it is made on so many queries at most.
_ROWS_TO_CHOOSE_ON = 2_000
_QUERIES = 4_096
_WHAT = "the nearest-neighbour head"


class KnnHead:
    """Votes of the k nearest training texts, the more similar the heavier, over `classes` classes.

    It sees the dense block alone. k is chosen by the log loss of leaving one out, when at least two classes
    have two examples each.

    Args:
        classes: number of classes, at least 1.
        k: neighbours; None chooses it in `fit`.
        seed: decides on which rows k is chosen, where there are many.
    """

    kind: ClassVar[str] = "knn"

    def __init__(self, classes: int, *, k: int | None = None, seed: int = 0) -> None:
        self.classes = classes
        self.k = k
        self.seed = seed
        self._index: EmbeddingIndex | None = None
        self._owners = np.zeros(0, dtype=np.int64)
        self._weight = np.zeros(0)

    def fit(
        self,
        features: Features,
        classes: NDArray[np.int64],
        sample_weight: NDArray[np.float64] | None = None,
    ) -> Self:
        """Keep n texts' vectors, class indices [n] and weights [n]; without rows classes are alike.

        Raises:
            SettingsError: there is no dense block, or the arguments do not go together.
        """
        vectors = _dense(features)
        examples = Examples.of(Features(vectors), classes, sample_weight, self.classes)
        self._index = EmbeddingIndex.build(_dense(examples.features))
        self._owners, self._weight = examples.classes, examples.weight
        if self.k is None:
            self.k = self._choose(examples)
        return self

    def predict_proba(self, features: Features) -> Probabilities:
        """Probabilities [n, k] of n texts; a class without examples has probability 0.

        Raises:
            SettingsError: there is no dense block.
        """
        vectors = _dense(features)
        found = np.empty((len(vectors), self.classes))
        for start in range(0, len(vectors), _QUERIES):
            part = slice(start, start + _QUERIES)
            found[part] = self._vote(*self._search(vectors[part], self.k or DEFAULT_K))
        return found

    def refit(self) -> Self:
        """An unfitted head with the k of this one."""
        return type(self)(self.classes, k=self.k, seed=self.seed)

    def save(self, folder: Path) -> None:
        """Write ``head.json``, ``head.npz`` (classes and weights of the texts) and ``head.faiss``."""
        index = self._index or EmbeddingIndex.build(np.zeros((0, 1), dtype=np.float32))
        settings = {"classes": self.classes, "k": self.k, "seed": self.seed}
        write_settings(folder / "head.json", settings)
        write_arrays(folder / "head.npz", {"owners": self._owners, "weight": self._weight})
        index.save(folder / "head.faiss")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: a file is absent, is of another format, or does not fit the others.
        """
        settings = read_settings(folder / "head.json", _WHAT)
        try:
            k = None if settings["k"] is None else int(settings["k"])
            head = cls(int(settings["classes"]), k=k, seed=int(settings["seed"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(f"{_WHAT} in {folder} cannot be read: {error}") from error
        head._index = EmbeddingIndex.load(folder / "head.faiss")
        count = len(head._index)
        arrays = read_arrays(folder / "head.npz", _WHAT, {"owners": (count,), "weight": (count,)})
        head._owners, head._weight = arrays["owners"].astype(np.int64), arrays["weight"].astype(np.float64)
        if count and not 0 <= head._owners.min() <= head._owners.max() < head.classes:
            raise BundleError(f"{_WHAT} in {folder} is inconsistent: a class is not in 0..{head.classes - 1}")
        return head

    def _search(self, vectors: Vectors, k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        if self._index is None or not len(self._index):
            return np.zeros((len(vectors), 0), np.float32), np.zeros((len(vectors), 0), np.int64)
        return self._index.search(vectors, k)

    def _vote(self, similarities: NDArray[np.float32], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Probabilities [n, k] from each text's neighbours [n, j], the nearest first."""
        if not rows.shape[1]:
            return np.full((len(rows), self.classes), 1.0 / self.classes)
        votes = np.exp((similarities - similarities[:, :1]) / _SOFTNESS) * self._weight[rows]
        # bincount over (text, class) pairs: one pass for all texts.
        cells = np.arange(len(rows))[:, None] * self.classes + self._owners[rows]
        found = np.bincount(cells.ravel(), votes.ravel(), len(rows) * self.classes)
        prior = np.bincount(self._owners, self._weight, self.classes)
        found = found.reshape(len(rows), self.classes) + _PRIOR_VOTE * prior / prior.sum()
        return np.asarray(found / found.sum(axis=1, keepdims=True))

    def _choose(self, examples: Examples) -> int:
        if not examples.can_choose(2):
            return DEFAULT_K
        queries = np.arange(len(examples))
        if len(queries) > _ROWS_TO_CHOOSE_ON:
            queries = np.sort(np.random.default_rng(self.seed).permutation(queries)[:_ROWS_TO_CHOOSE_ON])
        similarities, rows = self._search(_dense(examples.features)[queries], max(GRID) + 1)
        # A text is its own neighbour; among more duplicates than were asked for it may not be found: then the
        # last one goes.
        own = rows == queries[:, None]
        own[~own.any(axis=1), -1] = True
        wide = (len(queries), rows.shape[1] - 1)
        similarities, rows = similarities[~own].reshape(wide), rows[~own].reshape(wide)
        truth, weight = examples.classes[queries], examples.weight[queries]
        losses = {}
        for k in GRID:
            chances = self._vote(similarities[:, :k], rows[:, :k])[np.arange(len(queries)), truth]
            losses[k] = -float(weight @ np.log(chances))
        return min(GRID, key=lambda k: (losses[k], k))


def _dense(features: Features) -> Vectors:
    if features.dense is None:
        raise SettingsError(
            "the head 'knn' searches vectors and there are none: name features with a dense part "
            "('minilm', 'static', 'static+tfidf'), or another head ('linear' for tfidf alone)"
        )
    return features.dense
