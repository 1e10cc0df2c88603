"""No test reaches further than this machine: every connection but to the loopback raises.

The same guard is put into child processes through ``child/sitecustomize.py``.
"""

import ipaddress
import socket
from typing import Any


class NetworkBlockedError(RuntimeError):
    """A test wanted to leave this machine. Not an OSError, so that no retry hides it."""


def is_local(address: object) -> bool:
    """Whether a socket address stays on this machine."""
    if not isinstance(address, tuple):
        return True  # a path of a Unix socket, or a netlink address
    host = address[0]
    if host in ("localhost", "", b"localhost", None):
        return True
    try:
        return ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host).is_loopback
    except ValueError:
        return False


def install() -> None:
    """Guard `connect`, `connect_ex`, `sendto` and name look-ups of this process, once."""
    if getattr(socket, "_tnt_guarded", False):
        return
    socket._tnt_guarded = True  # type: ignore[attr-defined]
    connect, connect_ex, sendto = socket.socket.connect, socket.socket.connect_ex, socket.socket.sendto
    getaddrinfo = socket.getaddrinfo

    def check(address: object) -> None:
        if not is_local(address):
            raise NetworkBlockedError(f"tests may not connect to {address!r}: only the loopback is open")

    def guarded_connect(self: socket.socket, address: Any) -> None:
        check(address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        check(address)
        return connect_ex(self, address)

    def guarded_sendto(self: socket.socket, data: Any, *rest: Any) -> int:
        check(rest[-1])
        return sendto(self, data, *rest)

    def guarded_getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        check((host, 0))
        return getaddrinfo(host, *args, **kwargs)

    socket.socket.connect = guarded_connect  # type: ignore[method-assign]
    socket.socket.connect_ex = guarded_connect_ex  # type: ignore[method-assign]
    socket.socket.sendto = guarded_sendto  # type: ignore[method-assign]
    socket.getaddrinfo = guarded_getaddrinfo
