"""Exact search in 100,000 MiniLM vectors: how many queries a second, and whether it finds what brute force finds."""

import time

import numpy as np
from numpy.typing import NDArray
from tnt_llm.classifiers.index import EmbeddingIndex

from benchmarks.classifier.encoded import representation
from benchmarks.classifier.gold_data import banking77
from benchmarks.classifier.results import Options, Row

ROWS = 100_000
QUERIES = 4_000
NEIGHBOURS = 10
CHECKED = 300
NOISE = 0.02
"""Standard deviation that is added to each of the 384 coordinates of a vector that is used again."""


def measure(options: Options) -> list[Row]:
    """Real vectors of banking77, used again with noise until there are enough; its test texts are the queries."""
    gold = banking77(options)
    dense = representation("minilm", options).encode([*gold.texts, *gold.test_texts]).dense
    assert dense is not None
    known, queries = dense[: len(gold.texts)], dense[len(gold.texts) :]
    rows = ROWS // 20 if options.quick else ROWS
    vectors, queries = _again(known, rows), _again(queries, QUERIES)
    index = EmbeddingIndex.build(vectors)
    index.search(queries[:64], NEIGHBOURS)
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        similarities, found = index.search(queries, NEIGHBOURS)
        seconds.append(time.perf_counter() - began)
    single = _one_by_one(index, queries)
    worst, same = _against_brute_force(vectors, queries[:CHECKED], similarities, found)
    rate = len(queries) / float(np.median(seconds))
    details = {"vectors": rows, "queries_per_second": rate, "one_at_a_time": single, "seconds": seconds}
    details |= {"greatest_difference": worst, "same_neighbours": same, "checked": CHECKED, "k": NEIGHBOURS}
    return [
        Row(
            f"FAISS, {rows:,} vectors of 384, {NEIGHBOURS} neighbours, exact",
            ">= 1,000 queries/s",
            f"{rate:,.0f} queries/s ({single:,.0f} one at a time)",
            rate >= 1_000,
            details,
        ),
        Row(
            f"the same against numpy brute force, {CHECKED} queries",
            "same neighbours, |difference| < 1e-4",
            f"{same:.1%} the same, greatest difference {worst:.1e}",
            same == 1.0 and worst < 1e-4,
        ),
    ]


def _again(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """So many rows: the given ones, and from then on the given ones with noise, of length 1."""
    rng = np.random.default_rng(0)
    rows = vectors[np.arange(count) % len(vectors)].copy()
    extra = rows[len(vectors) :]
    extra += rng.normal(scale=NOISE, size=extra.shape).astype(np.float32)
    extra /= np.linalg.norm(extra, axis=1, keepdims=True)
    return rows


def _one_by_one(index: EmbeddingIndex, queries: NDArray[np.float32], count: int = 300) -> float:
    """Queries a second, each in a call of its own."""
    began = time.perf_counter()
    for row in range(count):
        index.search(queries[row : row + 1], NEIGHBOURS)
    return count / (time.perf_counter() - began)


def _against_brute_force(
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    similarities: NDArray[np.float32],
    found: NDArray[np.int64],
) -> tuple[float, float]:
    """(greatest difference of a similarity, share of neighbours that brute force has too; ties count as the same)."""
    products = queries @ vectors.T
    best = -np.sort(-products, axis=1)[:, :NEIGHBOURS]
    checked = similarities[: len(queries)]
    own = np.take_along_axis(products, found[: len(queries)], axis=1)
    # A row is a right neighbour where brute force gives it at least the last place's similarity.
    right = own >= best[:, -1:] - 1e-5
    return float(np.abs(checked - best).max()), float(right.mean())
