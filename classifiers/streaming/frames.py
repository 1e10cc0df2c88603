"""What goes through a pipe between processes: a JSON object and bytes, each behind its length."""

import json
import struct
from collections.abc import Mapping
from typing import IO, Any

_LENGTHS = struct.Struct("<QQ")


def send(pipe: IO[bytes], head: Mapping[str, Any], body: Any = b"") -> None:
    """Write one frame: `head` as JSON, `body` as it is (bytes, or what has a buffer of them)."""
    told = json.dumps(head).encode()
    pipe.write(_LENGTHS.pack(len(told), memoryview(body).nbytes) + told)
    pipe.write(body)
    pipe.flush()


def receive(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next frame; None where the other end was closed or died, in the middle of a frame too."""
    lengths = pipe.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    size, rest = _LENGTHS.unpack(lengths)
    told, body = pipe.read(size), pipe.read(rest)
    if len(told) < size or len(body) < rest:
        return None
    return json.loads(told), body
