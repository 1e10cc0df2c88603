"""The tests' own fence: what leaves this machine raises, in this process and in its children."""

import os
import socket
import subprocess
import sys

import network_guard
import pytest


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("example.org", 80), ("2001:db8::1", 80, 0, 0)])
def test_a_connection_to_elsewhere_raises(address: tuple[object, ...]) -> None:
    family = socket.AF_INET6 if len(address) == 4 else socket.AF_INET
    with socket.socket(family) as sock:
        with pytest.raises(network_guard.NetworkBlockedError):
            sock.connect(address)
        with pytest.raises(network_guard.NetworkBlockedError):
            sock.connect_ex(address)


def test_looking_up_a_name_raises() -> None:
    with pytest.raises(network_guard.NetworkBlockedError):
        socket.getaddrinfo("example.org", 443)


def test_a_datagram_to_elsewhere_raises() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(network_guard.NetworkBlockedError),
    ):
        sock.sendto(b"x", ("192.0.2.1", 53))


def test_the_loopback_is_open() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("localhost", server.getsockname()[1])) as client,
    ):
        assert client.getpeername()[0] == "127.0.0.1"


def test_children_are_fenced_in_too() -> None:
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert child.returncode == 1
    assert "NetworkBlockedError" in child.stderr


def test_no_secret_of_the_outside_is_seen() -> None:
    assert not [name for name in os.environ if name.startswith(("OPENAI_", "ANTHROPIC_"))]
