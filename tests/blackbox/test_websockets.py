"""WebSockets: an upgraded connection is a tunnel, in both directions, to its orderly end."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as websocket

from tests.gate import connect, context, head, revoke
from tests.pki import trust
from tests.upstreams import Connection, Recorder, Scripted
from tests.upstreams.apps import running_websocket_echo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.gate import Gate
    from tests.gate.fixtures import StartGate

UPGRADE = head(
    "GET /ws HTTP/1.1",
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.fixture
def echo(start_gate: StartGate) -> Iterator[Gate]:
    """A gate in front of a WebSocket echo."""
    with running_websocket_echo() as url:
        yield start_gate(url)


def open_socket(gate: Gate, who: str = "good") -> ClientConnection:
    url = gate.url("/chat").replace("https", "wss")
    return websocket(url, ssl=context(who), max_size=None, proxy=None, open_timeout=20)


def test_an_echo_works_through_the_gate(echo: Gate):
    """Text, binary, compression as negotiated, and the closing handshake."""
    with open_socket(echo) as client:
        for message in ("hello", "x" * 100_000, b"\0\1\2", ""):
            client.send(message)
            assert client.recv(timeout=20) == message
    assert client.close_code == 1000


def test_many_messages_keep_their_order(echo: Gate):
    """Both directions at once."""
    with open_socket(echo) as client:
        for number in range(500):
            client.send(str(number))
        assert [client.recv(timeout=20) for _ in range(500)] == [str(n) for n in range(500)]


def test_a_large_message_passes_with_back_pressure(echo: Gate):
    """16 MiB each way, and the gate does not keep them."""
    message = bytes(16 << 20)
    with open_socket(echo) as client:
        client.send(b"warm")
        client.recv(timeout=20)
        before = echo.memory()
        client.send(message)
        assert client.recv(timeout=30) == message
        assert echo.memory() - before < 8 << 20


@pytest.mark.parametrize("who", ["none", "revoked"])
def test_a_stranger_cannot_upgrade(echo: Gate, who: str):
    """The refusal is an ordinary 403."""
    with pytest.raises(InvalidStatus) as refused:
        open_socket(echo, who)
    assert refused.value.response.status_code == 403


def test_early_bytes_of_both_sides_are_not_lost(start_gate: StartGate):
    """A client may not wait for the 101, and an app may speak in the same segment."""

    async def speak_first(connection: Connection) -> None:
        await connection.head()
        await connection.send(SWITCHED + b"first word")
        assert await connection.reader.readexactly(10) == b"impatience"
        await connection.send(b", then more")

    with Scripted(speak_first) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(UPGRADE + b"impatience")
            assert connection.head().startswith(b"HTTP/1.1 101 ")
            assert connection.read(21) == b"first word, then more"


def test_an_upgrade_that_the_app_declines_leaves_an_ordinary_connection(start_gate: StartGate):
    """The app answers 200: the next request on the connection works."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(UPGRADE)
            assert connection.response().status == 200
            assert connection.get("/next").status == 200


def test_the_upgrade_reaches_the_app_with_the_identity(start_gate: StartGate):
    """A WebSocket app learns who it is, too."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(UPGRADE.replace(b"\r\n\r\n", b"\r\nX-SSL-Client-CN: root\r\n\r\n"))
            connection.response()
        request = upstream.received()
        assert (request.header("Upgrade") or "").lower() == "websocket"
        assert (request.header("Connection") or "").lower() == "upgrade"
        assert request.header("X-SSL-Client-CN") == "alice"


def test_the_end_of_one_side_ends_the_tunnel_after_all_bytes_arrived(start_gate: StartGate):
    """The app sends a lot and closes: the client gets all of it, then an orderly end."""

    async def pour_and_close(connection: Connection) -> None:
        await connection.head()
        await connection.send(SWITCHED)
        await connection.send(b"z" * 5_000_000)

    with Scripted(pour_and_close) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(UPGRADE)
            connection.head()
            assert len(connection.rest()) == 5_000_000


def test_an_open_tunnel_is_cut_when_its_certificate_is_revoked(
    start_gate: StartGate, tmp_path: Path
):
    """A tunnel has no next request at which to be refused."""
    victim = trust().root.client("victim")

    async def hold(connection: Connection) -> None:
        await connection.head()
        await connection.send(SWITCHED)
        await connection.until_closed()

    with Scripted(hold) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port, victim) as cut, connect(gate.port) as kept:
            for connection in (cut, kept):
                connection.send(UPGRADE)
                connection.head()
            revoke(tmp_path, victim)
            gate.reload()
            assert cut.is_closed()
            kept.sock.settimeout(0.5)
            with pytest.raises(TimeoutError):
                kept.is_closed()


def test_an_open_tunnel_is_cut_when_its_certificate_expires(start_gate: StartGate):
    """Nobody stays inside longer than the certificate allows."""
    end = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=8)).replace(microsecond=0)
    brief = trust().root.client("brief", not_after=end)

    async def hold(connection: Connection) -> None:
        await connection.head()
        await connection.send(SWITCHED)
        await connection.until_closed()

    with Scripted(hold) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port, brief) as connection:
            connection.send(UPGRADE)
            assert connection.head().startswith(b"HTTP/1.1 101 ")
            assert connection.is_closed()
        assert dt.datetime.now(dt.UTC) >= end


def test_the_body_of_a_request_that_asks_for_an_upgrade_is_a_body(start_gate: StartGate):
    """It is not the beginning of the tunnel, and what follows it is the next request."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            request = UPGRADE.replace(b"GET", b"POST").replace(
                b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n"
            )
            connection.send(request + b"hello" + head("GET /next HTTP/1.1", "Host: localhost"))
            first = connection.response("POST")
            if first.status == 400:
                return  # refusing an upgrade with a body is safe, too
            assert connection.response().status == 200
        received = upstream.received()
        assert received.body == b"hello"
        assert upstream.received().target == "/next"
