"""A client that leaves: its request is cancelled upstream, and nobody else is hurt."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from tests.gate import Client, connect, head
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gate.fixtures import StartGate


@pytest.mark.parametrize("leave", [Client.close, Client.reset], ids=["close", "reset"])
def test_the_request_of_a_client_that_left_is_cancelled(
    start_gate: StartGate, leave: Callable[[Client], None]
):
    """The app sees its connection end while it is still thinking."""
    cancelled = threading.Event()

    async def think(connection: Connection) -> None:
        await connection.request()
        await connection.until_closed()
        cancelled.set()

    with Scripted(think) as upstream:
        gate = start_gate(upstream.url)
        connection = connect(gate.port)
        connection.send(head("GET / HTTP/1.1", "Host: localhost"))
        upstream.received()
        leave(connection)
        assert cancelled.wait(10)
        gate.stdout.wait_for(" 499 ")


def test_the_app_of_a_client_that_left_during_the_answer_stops_sending(start_gate: StartGate):
    """An endless answer ends with its reader."""
    cancelled = threading.Event()

    async def endless(connection: Connection) -> None:
        await connection.request()
        try:
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n")
            while True:
                await connection.send(b"x" * 65536)
        except OSError:
            cancelled.set()

    with Scripted(endless) as upstream:
        gate = start_gate(upstream.url)
        connection = connect(gate.port)
        connection.send(head("GET / HTTP/1.1", "Host: localhost"))
        connection.read(1_000_000)
        connection.close()
        assert cancelled.wait(10)


def test_a_body_that_the_client_breaks_off_never_looks_whole_to_the_app(start_gate: StartGate):
    """Half a counted body and half a chunked one, then the client is gone."""
    outcome: list[type[BaseException] | None] = []
    seen = threading.Semaphore(0)

    async def read_all(connection: Connection) -> None:
        try:
            await connection.request()
            outcome.append(None)
        except (asyncio.IncompleteReadError, OSError) as error:
            outcome.append(type(error))
        seen.release()

    bodies = (
        head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 100") + b"x" * 50,
        head("POST / HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
        + b"5\r\nhello\r\n",
    )
    with Scripted(read_all) as upstream:
        gate = start_gate(upstream.url)
        for body in bodies:
            with connect(gate.port) as connection:
                connection.send(body)
            assert seen.acquire(timeout=10)
    assert None not in outcome
    assert len(outcome) == 2


def test_a_reader_that_is_slow_does_not_fill_the_gates_memory(start_gate: StartGate):
    """Back-pressure: the app is slowed down to the pace of its reader."""
    sent = 0
    total = 300_000_000

    async def big(connection: Connection) -> None:
        nonlocal sent
        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        while sent < total:
            await connection.send(b"x" * 100_000)
            sent += 100_000

    with Scripted(big) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            before = gate.memory()
            connection.send(head("GET / HTTP/1.1", "Host: localhost"))
            connection.read(1_000_000)
            # The app goes on until every buffer on the way is full; another request shows that
            # the gate has had its turn many times meanwhile.
            for _ in range(50):
                with connect(gate.port, "none") as other:
                    assert other.get().status == 403
            assert sent < 60_000_000
            assert gate.memory() - before < 30_000_000
