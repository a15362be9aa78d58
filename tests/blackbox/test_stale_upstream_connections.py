"""A kept connection that dies as a request is written: one retry, only where it is safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, head
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Script = Callable[[Connection], Awaitable[None]]
    from tests.gate.fixtures import StartGate

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def close_on_second_request(connection: Connection) -> None:
    """Answer one request; close, without a word, when a second one has arrived."""
    await connection.request()
    await connection.send(OK)
    if connection.number == 0:
        await connection.request()
        return
    while True:
        await connection.request()
        await connection.send(OK)


async def reset_on_second_request(connection: Connection) -> None:
    """The same, with RST."""
    await connection.request()
    await connection.send(OK)
    if connection.number == 0:
        await connection.request()
        await connection.reset()
        return
    while True:
        await connection.request()
        await connection.send(OK)


BEHAVIOURS = [close_on_second_request, reset_on_second_request]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_get_is_sent_once_more_on_a_fresh_connection(start_gate: StartGate, behaviour: Script):
    """The client does not notice."""
    with Scripted(behaviour) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            assert connection.get("/1").status == 200
            assert connection.get("/2").status == 200
        targets = [upstream.received().target for _ in range(3)]
        assert targets == ["/1", "/2", "/2"]


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_post_that_the_upstream_may_have_acted_on_is_not_sent_twice(
    start_gate: StartGate, behaviour: Script
):
    """POST is not idempotent (RFC 9110, section 9.2.2): the client hears 502."""
    with Scripted(behaviour) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            assert connection.get("/1").status == 200
            connection.send(
                head("POST /2 HTTP/1.1", "Host: localhost", "Content-Length: 4") + b"body"
            )
            assert connection.response("POST").status == 502
        assert [upstream.received().target for _ in range(2)] == ["/1", "/2"]
        assert upstream.nothing_received()


def test_a_connection_that_died_while_idle_is_not_used(start_gate: StartGate):
    """FIN came before the next request: even a POST goes to a fresh connection."""

    async def one_each(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)

    with Scripted(one_each) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            for _ in range(20):
                connection.send(
                    head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 4") + b"body"
                )
                # Either it was seen in time, or the write met the closing: never anything else.
                assert connection.response("POST").status in {200, 502}


def test_an_upstream_that_always_dies_is_asked_at_most_twice(start_gate: StartGate):
    """One retry, not a loop."""

    async def always_die(connection: Connection) -> None:
        await connection.request()

    with Scripted(always_die) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            assert connection.get().status == 502
        assert upstream.connections <= 2


def test_kept_connections_are_reused(start_gate: StartGate):
    """A hundred requests need one connection to the app."""

    async def serve(connection: Connection) -> None:
        while True:
            await connection.request()
            await connection.send(OK)

    with Scripted(serve) as upstream:
        gate = start_gate(upstream.url)
        for _ in range(5):
            with connect(gate.port) as connection:
                assert all(connection.get().status == 200 for _ in range(20))
        assert upstream.connections == 1
