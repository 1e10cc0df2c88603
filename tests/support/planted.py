"""Vectors with planted clusters: what evidence, scores and labels are measured on by value."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
WIDTH = 24


def axis(number: int) -> Vectors:
    """The unit vector that a planted topic lies along; topics are orthogonal."""
    return np.eye(WIDTH, dtype=np.float32)[number]


def about(topics: Sequence[int], each: int, *, spread: float = 0.1, seed: int = 0) -> Vectors:
    """float32 [len(topics) * each, WIDTH]: unit rows around each topic in turn."""
    draw = np.random.default_rng(seed)
    centres = np.repeat([axis(topic) for topic in topics], each, axis=0)
    rows = centres + spread * draw.normal(size=centres.shape)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def between(first: int, second: int, count: int, *, seed: int = 0) -> Vectors:
    """Unit rows half way between two topics."""
    draw = np.random.default_rng(seed)
    rows = axis(first) + axis(second) + 0.02 * draw.normal(size=(count, WIDTH))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def around_axes(
    *sizes: int, width: int = 64, spread: float = 0.6, seed: int = 0
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Unit rows in groups of these sizes, scattered around axes of their own, and the group of each."""
    draw = np.random.default_rng(seed)
    rows = [
        np.eye(width)[group] + spread * draw.normal(size=(size, width)) / np.sqrt(width)
        for group, size in enumerate(sizes)
    ]
    vectors = np.concatenate(rows)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors.astype(np.float32), np.repeat(np.arange(len(sizes)), sizes)
