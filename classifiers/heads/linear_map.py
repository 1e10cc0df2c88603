"""Scores as a linear map of features: what linear heads, and the first layer of others, predict with."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.errors import BundleError, SettingsError
from ..arrays import read_arrays
from ..features import Features


@dataclass(frozen=True, slots=True)
class LinearMap:
    """``dense @ weights[:d] + sparse @ weights[d:] + bias``, in single precision.

    The weights lie as [d + m, k], a row for each feature: then the dense block is one BLAS product, and the
    sparse one adds up whole rows, about as many as the text has words.

    Attributes:
        weights: float32 [d + m, k], contiguous; the first d rows are the dense block's.
        bias: float32 [k]; minus infinity rules a column out.
        width: d, 0 where there is no dense block.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    width: int

    @classmethod
    def of(cls, weights: NDArray[Any], bias: NDArray[Any], features: Features) -> Self:
        """The map with these weights [d + m, k] and bias [k] for features that have such blocks."""
        width = 0 if features.dense is None else features.dense.shape[1]
        return cls(np.ascontiguousarray(weights, dtype=np.float32), bias.astype(np.float32), int(width))

    def __call__(self, features: Features) -> NDArray[np.float32]:
        """Scores float32 [n, k].

        Raises:
            SettingsError: the features have other blocks than those that it was made for.
        """
        width = 0 if features.dense is None else features.dense.shape[1]
        if width != self.width or features.width != len(self.weights):
            raise SettingsError(
                f"features with {width} dense and {features.width - width} sparse columns were given to a head "
                f"that was trained on {self.width} and {len(self.weights) - self.width}: "
                "encode with what it was trained with"
            )
        if features.dense is None:
            scores = np.asarray(features.sparse @ self.weights, dtype=np.float32)
        else:
            scores = np.asarray(features.dense @ self.weights[:width], dtype=np.float32)
            if features.sparse is not None:
                scores += features.sparse @ self.weights[width:]
        scores += self.bias
        return scores


def softmax(scores: NDArray[Any]) -> NDArray[np.float64]:
    """Rows that add up to 1, float64 [n, k]; a score of minus infinity becomes exactly 0.

    The exponentials are taken in the scores' own precision: single is several times faster, and the error,
    1e-7 of the value, is far below what a probability is good for.
    """
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    total = exponents.sum(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(np.divide(exponents, total, dtype=np.float64), dtype=np.float64)


def read_map(path: Path, what: str, classes: int, width: int) -> LinearMap:
    """The map to the scores of `classes` classes out of an npz; `width` columns of its features are dense.

    Raises:
        BundleError: the file cannot be read or does not fit.
    """
    arrays = read_arrays(path, what, {"weights": (None, classes), "bias": (classes,)})
    weights = np.ascontiguousarray(arrays["weights"], dtype=np.float32)
    if not 0 <= width <= len(weights):
        raise BundleError(f"{what} in {path} is inconsistent: {len(weights)} features, {width} of them dense")
    return LinearMap(weights, arrays["bias"].astype(np.float32), width)
