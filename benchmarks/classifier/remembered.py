"""Encoders that keep what they encoded on disk: the benchmarks encode each corpus once."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tnt_llm.classifiers.encoders import Encoder
from tnt_llm.classifiers.encoders.representation import Representation, open_representation


class Remembered:
    """An encoder with its vectors in a file of `folder`."""

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self.encoder = encoder
        name = "".join(letter if letter.isalnum() else "-" for letter in encoder.id)
        self._path = folder / f"vectors-{name}.npz"
        self._known: dict[bytes, NDArray[np.float32]] = {}
        if self._path.exists():
            with np.load(self._path) as kept:
                self._known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))

    @property
    def id(self) -> str:
        """The encoder's."""
        return self.encoder.id

    @property
    def dimension(self) -> int | None:
        """The encoder's."""
        return self.encoder.dimension

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """As the encoder; what is new is kept."""
        # In hexadecimal: numpy cuts zero bytes off the end of others.
        keys = [blake2b(text.encode(), digest_size=12).hexdigest().encode() for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if new:
            self._known |= dict(zip(new, self.encoder.encode(list(new.values())), strict=True))
            self._path.parent.mkdir(parents=True, exist_ok=True)
            np.savez(
                self._path, keys=np.array(list(self._known)), vectors=np.stack(list(self._known.values()))
            )
        if not keys:
            return self.encoder.encode([])
        return np.stack([self._known[key] for key in keys])

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)


_open: dict[tuple[str, Path], Remembered] = {}


def remembered(spec: str, folder: Path) -> Representation:
    """The representation of a spec, whose slow encoders remember; not fitted."""
    opened = open_representation(spec)
    dense = []
    for encoder in opened.dense:
        if (encoder.id, folder) not in _open:
            _open[encoder.id, folder] = Remembered(encoder, folder)
        dense.append(_open[encoder.id, folder])
    return replace(opened, dense=tuple(dense))
