"""Upgrades to protocols that are not WebSocket: the gate knows none of them, and need not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gate import connect
from tests.upstreams import Connection, Scripted
from tests.upstreams.tunnels import echo_bytes, switched, upgrade

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate

# Bytes that would mean something in TLS, HTTP or WebSocket.
LOADED = (
    b"\x16\x03\x01\0\0\r\n\r\nHTTP/1.1 200 OK\r\n\r\nGET / HTTP/1.1\r\n\r\n0\r\n\r\n\x88\0\0\xff"
)


def test_any_bytes_pass_in_both_directions(start_gate: StartGate):
    with Scripted(echo_bytes) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(upgrade())
            assert b"\r\nUpgrade: raw\r\n" in connection.head()
            for piece in (LOADED, LOADED * 5000, b"\n"):
                connection.send(piece)
                assert connection.read(len(piece)) == piece


def test_the_app_chooses_among_the_protocols_that_were_offered(start_gate: StartGate):
    """The client learns which."""

    async def choose_the_second(connection: Connection) -> None:
        head = await connection.head()
        assert head.header("Upgrade") == "irc/6.9, raw/2, raw/1"
        await connection.send(switched("raw/2") + b"welcome")

    with Scripted(choose_the_second) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(upgrade("irc/6.9", "raw/2", "raw/1"))
            assert b"\r\nUpgrade: raw/2\r\n" in connection.head()
            assert connection.rest() == b"welcome"


def test_a_protocol_that_nobody_offered_is_a_bad_answer(start_gate: StartGate):
    """The client could not understand it; the connection stays HTTP."""

    async def choose_another(connection: Connection) -> None:
        await connection.head()
        await connection.send(switched("raw/9"))
        await connection.until_closed()

    with Scripted(choose_another) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(upgrade("raw/1"))
            assert connection.response().status == 502
