"""Arrays and settings on disk: npy, npz and JSON, without pickle."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..checkpoints.files import write_atomic
from ..taxonomy.errors import BundleError


def write_settings(path: Path, settings: Mapping[str, Any]) -> None:
    """Write JSON types; equal ones give equal bytes."""
    path.write_text(json.dumps(dict(settings)) + "\n", encoding="utf-8")


def read_settings(path: Path, what: str) -> dict[str, Any]:
    """What `write_settings` wrote.

    Args:
        path: the file.
        what: what the file belongs to, for the message.

    Raises:
        BundleError: the file is absent or holds no JSON object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{what} in {path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise BundleError(f"{what} in {path} cannot be read: it holds no JSON object")
    return found


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an npz, uncompressed: it is read at the speed of the disk. Equal arrays give equal bytes."""
    np.savez(path, allow_pickle=False, **arrays)


def read_arrays(
    path: Path, what: str, shapes: Mapping[str, tuple[int | None, ...]]
) -> dict[str, NDArray[Any]]:
    """What `write_arrays` wrote.

    Args:
        path: the file.
        what: what the file belongs to, for the message.
        shapes: the shape that each array must have, by name; None leaves a side open.

    Raises:
        BundleError: the file is absent or damaged, or an array is missing, of another shape or no numbers.
    """
    try:
        # Opened here: of a file that is no zip, numpy leaves its own open.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            found = {name: file[name] for name in shapes}
    except (OSError, ValueError, KeyError, EOFError, TypeError, BadZipFile, NotImplementedError) as error:
        raise BundleError(f"{what} in {path} cannot be read: {error}") from error
    for name, shape in shapes.items():
        array = found[name]
        fits = array.ndim == len(shape) and all(
            wanted is None or wanted == given for wanted, given in zip(shape, array.shape, strict=True)
        )
        if not fits or array.dtype.kind not in "biuf":
            raise BundleError(
                f"{what} in {path} is inconsistent: {name} is {array.dtype} of shape {array.shape}"
            )
    return found


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write one array as npy; whoever reads sees the old one or the new, never a part.

    Raises:
        StorageError: the disk is full or the file cannot be written.
    """
    held = io.BytesIO()
    np.save(held, array, allow_pickle=False)
    write_atomic(path, held.getvalue())


def read_array(path: Path, *dtypes: DTypeLike) -> NDArray[Any]:
    """What `write_array` wrote.

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
