"""Encoders: texts in, unit rows out. `open_encoder` makes one from its spec, `open_representation` several.

::

    encoder         Encoder, SparseEncoder: the Protocols
    opening         open_encoder(spec)
    representation  Representation: encoders side by side; open_representation("static+tfidf")
    sentence        SentenceEncoder: what sentence-transformers runs
    minilm          where the weights of the default encoder are
    bert            a BERT without padding, several times as fast as the usual one
    static          StaticEncoder: a table of word pieces
    distillation    where that table comes from
    tfidf           TfidfEncoder: words, pairs of words, character n-grams
    vocabulary      the terms of tfidf, and how they are learnt
    words           texts as words, each analysed once
    npy             arrays on disk, without pickle
"""

from ..features import Vectors
from .encoder import Encoder, SparseEncoder
from .minilm import WEIGHTS_SHA256, WHEEL, minilm_folder
from .opening import open_encoder
from .representation import Representation, open_representation
from .sentence import SentenceEncoder

__all__ = [
    "WEIGHTS_SHA256",
    "WHEEL",
    "Encoder",
    "Representation",
    "SentenceEncoder",
    "SparseEncoder",
    "Vectors",
    "minilm_folder",
    "open_encoder",
    "open_representation",
]
