"""The FAISS index finds what brute force finds."""

from pathlib import Path

import numpy as np
import pytest
from tnt_llm.classifiers.index import EmbeddingIndex
from tnt_llm.taxonomy.errors import BundleError


def unit_rows(count: int, seed: int = 0, width: int = 16) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_search_equals_brute_force_by_value():
    rows, queries = unit_rows(300), unit_rows(40, seed=1)
    similarities, found = EmbeddingIndex.build(rows).search(queries, 7)
    exact = queries @ rows.T
    expected = np.argsort(-exact, axis=1)[:, :7]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(similarities, np.take_along_axis(exact, expected, axis=1), atol=1e-5)


def test_more_neighbours_than_rows_gives_all_rows():
    similarities, found = EmbeddingIndex.build(unit_rows(3)).search(unit_rows(2, seed=1), 9)
    assert similarities.shape == found.shape == (2, 3)
    assert [sorted(row) for row in found.tolist()] == [[0, 1, 2], [0, 1, 2]]


@pytest.mark.parametrize(
    ("rows", "queries", "k", "shape"), [(0, 2, 5, (2, 0)), (4, 0, 3, (0, 3)), (4, 2, 0, (2, 0))]
)
def test_nothing_to_find_gives_an_empty_result_of_the_right_shape(rows, queries, k, shape):
    similarities, found = EmbeddingIndex.build(unit_rows(rows)).search(unit_rows(queries), k)
    assert similarities.shape == found.shape == shape
    assert similarities.dtype == np.float32
    assert found.dtype == np.int64


def test_the_rows_come_back_out():
    rows = unit_rows(5)
    np.testing.assert_array_equal(EmbeddingIndex.build(rows).vectors, rows)


def test_a_saved_index_finds_the_same(tmp_path: Path):
    index, queries = EmbeddingIndex.build(unit_rows(50)), unit_rows(5, seed=2)
    index.save(tmp_path / "index.faiss")
    loaded = EmbeddingIndex.load(tmp_path / "index.faiss")
    assert len(loaded) == 50
    for before, after in zip(index.search(queries, 4), loaded.search(queries, 4), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("content", [None, b"", b"not an index at all, but long enough to look like one"])
def test_a_file_that_is_no_index_is_refused_by_name(tmp_path: Path, content):
    file = tmp_path / "index.faiss"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BundleError, match=r"index\.faiss"):
        EmbeddingIndex.load(file)
