"""One factor for all scores, so that their softmax means what it says (temperature scaling).

Guo et al., On Calibration of Modern Neural Networks, ICML 2017; here with an optional prior that holds the
factor at 1 where there are few rows.
"""

import numpy as np
from numpy.typing import NDArray

_LOWEST, _HIGHEST = -6.0, 6.0
_STEPS = 60


def fit_scale(
    scores: NDArray[np.floating],
    classes: NDArray[np.int64],
    weight: NDArray[np.float64] | None = None,
    *,
    prior: float = 0.0,
) -> tuple[float, float]:
    """The factor a that makes ``softmax(a * scores)`` best in log loss.

    Rows whose own class has the score minus infinity say nothing about the factor and are left out of it; in
    the loss each counts as a probability of 1e-6.

    Args:
        scores: [n, k], of rows that the model has not seen.
        classes: [n].
        weight: [n]; None weighs all alike.
        prior: how many rows' worth of loss a factor e times too large or small costs.

    Returns:
        The factor, and the mean log loss with it (nan without rows).
    """
    weight = np.ones(len(classes)) if weight is None else weight
    total = float(weight.sum())
    if not total:
        return 1.0, float("nan")
    own = scores[np.arange(len(classes)), classes]
    known = np.isfinite(own)
    lost = float(weight[~known].sum()) * np.log(1e6)
    # Distances below the row's own class: those of classes that are ruled out add nothing.
    gaps = scores[known].astype(np.float64) - own[known, None]
    share = weight[known]

    def loss(log_factor: float) -> float:
        with np.errstate(over="ignore"):
            shifted = np.exp(log_factor) * gaps
            top = shifted.max(axis=1)
            sums = top + np.log(np.exp(shifted - top[:, None]).sum(axis=1))
        return float(share @ sums) + 0.5 * prior * log_factor**2

    # Golden-section search: the loss is convex in the factor, so it has one minimum in its logarithm too.
    ratio = (np.sqrt(5) - 1) / 2
    low, high = _LOWEST, _HIGHEST
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    at_left, at_right = loss(left), loss(right)
    for _ in range(_STEPS):
        if high - low < 1e-4:
            break
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - ratio * (high - low)
            at_left = loss(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + ratio * (high - low)
            at_right = loss(right)
    middle = (low + high) / 2
    return float(np.exp(middle)), (loss(middle) - 0.5 * prior * middle**2 + lost) / total
