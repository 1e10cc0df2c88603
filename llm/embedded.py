"""The embedded model: one server for a process and its children, started on demand, gone with its owner."""

import atexit
import json
import os
import secrets
import select
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from ..taxonomy.errors import EndpointError, MissingPartError, SettingsError
from . import weights
from .faults import shorten
from .spec import SERVER_VARIABLE, ModelSpec

SLOTS = 4
"""Requests that are worked on at once."""
CONTEXT_TOKENS = 8192
"""Prompt and answer of one request together. Four slots of it take 0.5 GB beside the weights' 1.1 GB."""
CACHE_MIB = 512
"""Bound of the prompt cache in memory; llama.cpp's own is 8 GB."""
START_SECONDS = 300.0
"""How long the server may take to load; a cold disk reads 1.1 GB slowly."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A running server.

    Attributes:
        url: address, with ``/v1``.
        api_key: random; keeps other users of the machine out.
        model: id of the model, with the beginning of the hash of its weights.
    """

    url: str
    api_key: str
    model: str


@dataclass(slots=True)
class _Owned:
    """A server that this process started, and how many use it."""

    connection: Connection
    process: "subprocess.Popen[bytes]"
    users: int
    owner: int


_servers: dict[Path, _Owned] = {}
_lock = threading.Lock()


def model_file(spec: ModelSpec) -> tuple[Path, str]:
    """The model's file, got ready, and its id.

    Raises:
        MissingPartError: the weights are not installed.
        SettingsError: the named file is no GGUF.
        StorageError: there is no room for them.
        EndpointError: the model hub cannot be reached.
    """
    _, _, place = spec.text.partition(":")
    if not place:
        return weights.assemble(
            weights.QWEN, spec.cache
        ), f"{Path(weights.QWEN.name).stem}:{weights.QWEN.sha256[:12]}"
    path = _from_hub(place.removeprefix("hf:")) if place.startswith("hf:") else Path(place).expanduser()
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise SettingsError(f"The model file {path} cannot be read: {error.strerror}.") from error
    if magic != b"GGUF":
        raise SettingsError(f"{path} is not a GGUF file. Name one that llama.cpp can load.")
    return path, f"{path.stem}:{weights.file_hash(path, spec.cache)[:12]}"


def acquire(spec: ModelSpec) -> Connection:
    """The server for a spec: a parent process's, this process's, or a new one. Give it back with `release`.

    Raises:
        MissingPartError: xllamacpp or the weights are not installed.
        EndpointError: the server does not start.
    """
    path, model = model_file(spec)
    with _lock:
        owned = _servers.get(path)
        if owned is not None and owned.owner == os.getpid():
            if owned.process.poll() is None:
                owned.users += 1
                return owned.connection
            _stop(path)  # it died on its own
        inherited = _inherited(spec.server, model)
        if inherited is not None:
            return inherited
        connection, process = _start(path, model)
        _servers[path] = _Owned(connection, process, 1, os.getpid())
        os.environ[SERVER_VARIABLE] = f"{connection.url} {connection.api_key} {connection.model}"
        return connection


def release(connection: Connection) -> None:
    """Say that a connection is no longer used; the last user of an own server stops it."""
    with _lock:
        for path, owned in list(_servers.items()):
            if owned.connection == connection and owned.owner == os.getpid():
                owned.users -= 1
                if owned.users == 0:
                    _stop(path)


@atexit.register
def _stop_all() -> None:
    """Stop what this process started; a fork of it leaves its parent's servers alone."""
    with _lock:
        for path, owned in list(_servers.items()):
            if owned.owner == os.getpid():
                _stop(path)


def _stop(path: Path) -> None:
    """End a server and forget it."""
    owned = _servers.pop(path)
    if os.environ.get(SERVER_VARIABLE, "").startswith(f"{owned.connection.url} "):
        del os.environ[SERVER_VARIABLE]
    if owned.process.stdin is not None:
        owned.process.stdin.close()
    try:
        owned.process.wait(5)
    except subprocess.TimeoutExpired:
        owned.process.kill()
        owned.process.wait()


def _inherited(server: str | None, model: str) -> Connection | None:
    """The server of a parent process, when it serves this model and is well."""
    try:
        url, api_key, served = (server or "").split()
    except ValueError:
        return None
    connection = Connection(url, api_key, served)
    return connection if served == model and _is_well(connection) else None


def _is_well(connection: Connection) -> bool:
    """Whether the server answers."""
    request = Request(f"{connection.url}/models", headers={"Authorization": f"Bearer {connection.api_key}"})  # noqa: S310 - always our own http://127.0.0.1
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=10) as response:
            return bool(response.status == 200)
    except (URLError, OSError, ValueError):
        return False


def _start(path: Path, model: str) -> tuple[Connection, "subprocess.Popen[bytes]"]:
    """Start a server and wait until it is ready."""
    if find_spec("xllamacpp") is None:
        raise MissingPartError(
            "The embedded model needs xllamacpp: `pip install 'tnt-llm[embedded]'`, "
            "or name another LLM with --llm."
        )
    api_key = secrets.token_urlsafe(24)
    settings = {
        "model": str(path.resolve()),
        "alias": model,
        "api_key": api_key,
        "slots": SLOTS,
        "context": CONTEXT_TOKENS,
        "threads": max(1, len(os.sched_getaffinity(0))),
        "cache_mib": CACHE_MIB,
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", f"{__package__}.embedded_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C at the terminal is for the owner, who finishes its calls first
        )
        line = _first_line(process, json.dumps(settings))
        if line:
            return Connection(json.loads(line)["url"], api_key, model), process
        process.kill()
        code = process.wait()
        if process.stdin is not None:
            process.stdin.close()
        raise EndpointError(
            f"The embedded model's server did not start with {path.name} (exit code {code}): {_tail(log)}. "
            "See whether there are 2 GB of free memory, or name another LLM with --llm."
        )


def _first_line(process: "subprocess.Popen[bytes]", settings: str) -> bytes:
    """What the server says when it is ready; nothing when it dies or takes too long."""
    if process.stdin is None or process.stdout is None:
        return b""
    with process.stdout as out:
        try:
            process.stdin.write(f"{settings}\n".encode())
            process.stdin.flush()
        except BrokenPipeError:
            return b""
        ready, _, _ = select.select([out], [], [], START_SECONDS)
        return out.readline() if ready else b""


def _tail(log: IO[bytes]) -> str:
    """The end of what the server printed."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - 1000))
    return shorten(log.read().decode(errors="replace"), 400) or "it said nothing"


def _from_hub(place: str) -> Path:
    """A file of a model hub: ``OWNER/REPO/FILE``."""
    owner, _, rest = place.partition("/")
    repository, _, file = rest.partition("/")
    if not owner or not repository or not file:
        raise SettingsError(f"embedded:hf:{place} lacks a part: write embedded:hf:OWNER/REPO/FILE.gguf.")
    try:
        from huggingface_hub import hf_hub_download
    except ImportError as error:
        raise MissingPartError(
            "embedded:hf: needs huggingface_hub: `pip install huggingface_hub`."
        ) from error
    try:
        return Path(hf_hub_download(f"{owner}/{repository}", file))
    except (OSError, ValueError) as error:
        raise EndpointError(
            f"{file} of {owner}/{repository} could not be fetched from the model hub: {shorten(str(error))}. "
            "Check the name and the network, or name a file with --llm embedded:PATH.gguf."
        ) from error
