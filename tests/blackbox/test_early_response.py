"""An app that answers before it has read the whole request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gate import connect, head
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate

TOO_LARGE = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig"


def test_an_early_answer_reaches_a_client_that_is_still_sending(start_gate: StartGate):
    """The app says 413 after the head and reads no more."""

    async def refuse(connection: Connection) -> None:
        await connection.head()
        await connection.send(TOO_LARGE)
        await connection.until_closed()

    with Scripted(refuse) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 50000000"))
            connection.send(b"x" * 4_000_000)
            response = connection.response()
            assert (response.status, response.body) == (413, b"big")


def test_an_early_answer_that_closes_at_once_reaches_the_client(start_gate: StartGate):
    """The app closes with unread data, which makes its kernel send RST."""

    async def refuse_and_go(connection: Connection) -> None:
        await connection.head()
        await connection.send(TOO_LARGE)

    with Scripted(refuse_and_go) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 500000"))
            response = connection.response()
            assert (response.status, response.body) == (413, b"big")


def test_both_bodies_may_flow_at_once(start_gate: StartGate):
    """An app that echoes what it reads: neither side waits for the other to end."""

    async def echo(connection: Connection) -> None:
        await connection.head()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n")
        left = 3_000_000
        while left:
            data = await connection.reader.read(65536)
            left -= len(data)
            await connection.send(data)

    with Scripted(echo) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 3000000"))
            assert connection.head().startswith(b"HTTP/1.1 200")
            for _ in range(30):
                connection.send(b"y" * 100_000)
                assert connection.read(100_000) == b"y" * 100_000
