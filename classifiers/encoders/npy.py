"""Arrays on disk as ``.npy``, without pickle."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ...checkpoints.files import write_atomic


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array; whoever reads sees the old one or the new, never a part.

    Raises:
        StorageError: the disk is full or the file cannot be written.
    """
    held = io.BytesIO()
    np.save(held, array, allow_pickle=False)
    write_atomic(path, held.getvalue())


def read_array(path: Path, *dtypes: DTypeLike) -> NDArray[Any]:
    """The array in a file.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no array, or of none of the types.
    """
    try:
        array = np.load(path, allow_pickle=False)
    except EOFError as error:
        raise ValueError(f"{path.name} is empty") from error
    if not isinstance(array, np.ndarray) or array.dtype not in [np.dtype(dtype) for dtype in dtypes]:
        raise ValueError(f"{path.name} holds no array of {' or '.join(np.dtype(d).name for d in dtypes)}")
    return array
