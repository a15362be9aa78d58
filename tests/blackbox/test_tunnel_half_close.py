"""Each direction of a tunnel ends by itself, and a broken end never looks like an orderly one."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from OpenSSL import SSL

from tests.gate import connect
from tests.pki import client
from tests.upstreams import Connection, Scripted
from tests.upstreams.tunnels import switched, upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.gate.fixtures import StartGate

MANY = bytes(range(256)) * 8192  # 2 MiB, more than every buffer on the way together
JSON_LOG = {"path": "-", "format": "json"}


@contextmanager
def half_closing(port: int, folder: Path) -> Iterator[SSL.Connection]:
    """Connect with a TLS that can send its close_notify and go on reading."""
    files = client("good").write(folder)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.use_certificate_chain_file(str(files.certificate))
    context.use_privatekey_file(str(files.key))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as plain:
        plain.settimeout(None)  # pyOpenSSL takes a socket with a timeout for one that cannot block
        tls = SSL.Connection(context, plain)
        tls.set_connect_state()
        tls.do_handshake()
        yield tls


def read_to_the_end(tls: SSL.Connection) -> bytes:
    """Read up to the peer's close_notify; any other end raises."""
    got = bytearray()
    while True:
        try:
            got += tls.recv(1 << 16)
        except SSL.ZeroReturnError:
            return bytes(got)


def read_head(tls: SSL.Connection) -> None:
    """Read the 101, byte by byte: what follows is for somebody else."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += tls.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")


def test_after_the_clients_end_the_app_may_go_on(start_gate: StartGate, tmp_path: Path):
    """It sees the end of what the client sent, and its own answer still arrives."""

    async def answer_afterwards(connection: Connection) -> None:
        await connection.head()
        await connection.send(switched())
        assert await connection.reader.read(-1) == b"that is all"
        await connection.send(MANY)

    with Scripted(answer_afterwards) as upstream:
        gate = start_gate(upstream.url, access_log=JSON_LOG)
        with half_closing(gate.port, tmp_path) as tls:
            tls.sendall(upgrade())
            read_head(tls)
            tls.sendall(b"that is all")
            tls.shutdown()
            assert read_to_the_end(tls) == MANY
        assert logged_error(gate.stdout.wait_for('"status":101').string) is None


def test_after_the_apps_end_the_client_may_go_on(start_gate: StartGate, tmp_path: Path):
    """It is told so by a close_notify."""
    got: list[bytes] = []
    done = threading.Event()

    async def listen_afterwards(connection: Connection) -> None:
        await connection.head()
        await connection.send(switched() + b"that is all")
        await connection.half_close()
        got.append(await connection.reader.read(-1))
        done.set()

    with Scripted(listen_afterwards) as upstream:
        gate = start_gate(upstream.url)
        with half_closing(gate.port, tmp_path) as tls:
            tls.sendall(upgrade())
            read_head(tls)
            assert read_to_the_end(tls) == b"that is all"
            tls.sendall(MANY)
            tls.shutdown()
            assert done.wait(20)
        assert got == [MANY]


def test_a_client_that_is_cut_off_is_a_reset_for_the_app(start_gate: StartGate):
    """Whoever sits in between could end a connection, but not send a close_notify."""
    ends: list[str] = []
    done = threading.Event()

    async def listen(connection: Connection) -> None:
        await connection.head()
        await connection.send(switched())
        try:
            await connection.reader.read(-1)
            ends.append("end")
        except ConnectionResetError:
            ends.append("reset")
        done.set()

    with Scripted(listen) as upstream:
        gate = start_gate(upstream.url, access_log=JSON_LOG)
        with connect(gate.port) as connection:
            connection.send(upgrade() + b"half of a")
            connection.head()
        assert done.wait(20)
        assert ends == ["reset"]
        assert logged_error(gate.stdout.wait_for('"status":101').string) == "client_gone"


def test_an_app_that_breaks_off_does_not_look_like_one_that_ended(start_gate: StartGate):
    """The client gets no close_notify."""

    async def break_off(connection: Connection) -> None:
        await connection.head()
        await connection.send(switched() + b"half of a")
        await connection.reader.readexactly(1)
        await connection.reset()

    with Scripted(break_off) as upstream:
        gate = start_gate(upstream.url, access_log=JSON_LOG)
        with connect(gate.port) as connection:
            connection.send(upgrade())
            connection.head()
            assert connection.read(9) == b"half of a"
            connection.send(b"!")
            with pytest.raises((OSError, EOFError)):
                assert connection.sock.recv(1)
        assert logged_error(gate.stdout.wait_for('"status":101').string) == "upstream_closed"


def test_a_client_that_just_leaves_after_the_apps_end_did_nothing_wrong(start_gate: StartGate):
    """Browsers end a WebSocket that way: the log names no error."""

    async def say_bye(connection: Connection) -> None:
        await connection.head()
        await connection.send(switched() + b"bye")

    with Scripted(say_bye) as upstream:
        gate = start_gate(upstream.url, access_log=JSON_LOG)
        with connect(gate.port) as connection:
            connection.send(upgrade())
            connection.head()
            assert connection.rest() == b"bye"
        assert logged_error(gate.stdout.wait_for('"status":101').string) is None


def logged_error(line: str) -> str | None:
    return json.loads(line)["error"]
