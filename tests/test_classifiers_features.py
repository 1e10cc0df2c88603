"""Blocks of features: rows go together, and both blocks as one hold the same numbers."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from tnt_llm.classifiers.features import Features

DENSE = np.arange(12, dtype=np.float32).reshape(4, 3)
SPARSE = csr_matrix(np.array([[0, 1], [2, 0], [0, 0], [3, 4]], dtype=np.float32))
KINDS = {"dense": Features(DENSE), "sparse": Features(None, SPARSE), "both": Features(DENSE, SPARSE)}


def whole(features: Features) -> np.ndarray:
    matrix = features.matrix()
    return matrix if isinstance(matrix, np.ndarray) else matrix.toarray()


@pytest.fixture(params=KINDS)
def features(request: pytest.FixtureRequest) -> Features:
    return KINDS[request.param]


def test_the_matrix_has_the_columns_of_all_blocks_the_dense_ones_first():
    np.testing.assert_array_equal(whole(KINDS["both"]), np.hstack([DENSE, SPARSE.toarray()]))
    assert [KINDS[name].width for name in ("dense", "sparse", "both")] == [3, 2, 5]


@pytest.mark.parametrize("rows", [np.array([2, 0]), np.array([True, False, False, True]), slice(1, 3)])
def test_rows_are_taken_from_every_block(features: Features, rows):
    np.testing.assert_array_equal(whole(features.take(rows)), whole(features)[rows])


def test_parts_are_put_together_in_order(features: Features):
    parts = [features.take(slice(0, 1)), features.take(slice(0, 0)), features.take(slice(1, 4))]
    together = Features.concatenate(parts)
    np.testing.assert_array_equal(whole(together), whole(features))
    assert len(together) == 4


def test_blocks_of_different_length_and_no_blocks_at_all_are_refused():
    for blocks in ((None, None), (DENSE[:2], SPARSE)):
        with pytest.raises(ValueError, match="block"):
            Features(*blocks)
