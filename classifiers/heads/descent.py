"""Fitting a linear map by L-BFGS, block by block: no library that takes one matrix is as fast on two blocks."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..features import Features
from .linear_map import LinearMap

Loss = Callable[[NDArray[np.float32]], tuple[float, NDArray[np.float32]]]
"""From scores [n, k] to the summed loss and its derivative by each score [n, k]."""

# The products are in single precision, and so is the loss good to about 1e-9 of itself.
_FLAT = 1e-9
_MEMORY = 10
_MOST_STEPS = 2_000


def fit_map(
    features: Features, loss: Loss, columns: int, *, c: float, total: float, tolerance: float
) -> LinearMap:
    """The map that minimises ``loss(scores) + |weights|² / (2 c)``; the bias is not penalised.

    Args:
        features: n texts, at least 1.
        loss: convex in the scores.
        columns: k.
        c: inverse strength of the penalty.
        total: what the loss is divided by before gradients are held against `tolerance`: the summed weight.
        tolerance: the search ends when no derivative is larger.
    """
    from scipy.optimize import minimize

    dense, sparse = features.dense, features.sparse
    width = 0 if dense is None else dense.shape[1]
    size = features.width
    across = None if sparse is None else sparse.T.tocsr()

    def objective(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        values = flat.reshape(size + 1, columns)
        weights, bias = values[:size], values[size]
        value, residual = loss(
            LinearMap(weights.astype(np.float32), bias.astype(np.float32), width)(features)
        )
        slope = np.empty_like(values)
        if dense is not None:
            slope[:width] = dense.T @ residual
        if across is not None:
            slope[width:size] = across @ residual
        slope[:size] += weights / c
        slope[size] = residual.sum(axis=0, dtype=np.float64)
        value += float(np.vdot(weights, weights)) / (2 * c)
        return value / total, slope.ravel() / total

    options: Any = {"maxiter": _MOST_STEPS, "maxcor": _MEMORY, "gtol": tolerance, "ftol": _FLAT}
    start = np.zeros((size + 1) * columns)
    values = minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x.reshape(-1, columns)
    return LinearMap.of(values[:size], values[size], features)
