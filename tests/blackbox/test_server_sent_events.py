"""Event streams: each event arrives when it is sent, and the stream may stay open for long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, head
from tests.upstreams import Connection, Scripted
from tests.upstreams.apps import release_event, running_guestbook

if TYPE_CHECKING:
    from tests.gate import Client
    from tests.gate.fixtures import StartGate


def read_until(connection: Client, text: bytes) -> bytes:
    got = b""
    while text not in got:
        data = connection.read(1)
        assert data, f"the stream ended after {got!r}"
        got += data
    return got


def test_each_event_arrives_before_the_next_one_is_sent(start_gate: StartGate):
    """The gate buffers nothing: event n + 1 is made only after event n was read."""
    with running_guestbook() as url:
        gate = start_gate(url)
        with connect(gate.port) as connection:
            connection.send(head("GET /events/5 HTTP/1.1", "Host: localhost"))
            assert b"text/event-stream" in connection.head()
            read_until(connection, b"data: ready\n\n")
            for number in range(5):
                release_event()
                read_until(connection, b"data: %d\n\n" % number)
            read_until(connection, b"0\r\n\r\n")


@pytest.mark.slow
def test_a_silent_stream_outlives_the_response_timeout(start_gate: StartGate):
    """``timeouts.tunnel`` counts for event streams: a minute of silence is ordinary there."""

    async def slow_events(connection: Connection) -> None:
        import asyncio

        await connection.request()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for number in range(3):
            await asyncio.sleep(2.5)
            await connection.send(b"data: %d\n\n" % number)

    with Scripted(slow_events) as upstream:
        gate = start_gate(
            upstream.url,
            timeouts={
                "response": 1,
                "send": 1,
                "body": 1,
                "keepalive": 1,
                "head": 1,
                "shutdown": 5,
            },
        )
        with connect(gate.port) as connection:
            begin = time.monotonic()
            connection.send(head("GET / HTTP/1.1", "Host: localhost"))
            response = connection.response()
            assert response.complete
            assert response.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
            assert time.monotonic() - begin > 7
