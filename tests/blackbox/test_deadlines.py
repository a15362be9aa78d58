"""Slow clients: every deadline of the contract has an end, and the end is orderly."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from tests.gate import connect, head
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate


def test_a_head_that_drips_is_cut_off_in_total_time(start_gate: StartGate):
    """Slow loris: each byte is in time, the head is not. 408 may be said, then it is over."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url, timeouts={"head": 1, "shutdown": 5})
        with connect(gate.port) as connection:
            connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            begin = time.monotonic()
            drip = threading.Timer(0.5, connection.send, [b"X: y\r\n"])
            drip.start()
            connection.rest()
            assert 0.5 < time.monotonic() - begin < 8
            drip.join()
        assert upstream.nothing_received()


def test_an_idle_connection_ends_after_timeouts_keepalive(start_gate: StartGate):
    """With close_notify, so that the client knows that nothing was lost."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url, timeouts={"keepalive": 1, "shutdown": 5})
        with connect(gate.port) as connection:
            assert connection.get().status == 200
            assert connection.is_closed()


def test_a_body_that_stops_is_cut_off(start_gate: StartGate):
    """``timeouts.body`` is the gap between two reads."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url, timeouts={"body": 1, "shutdown": 5})
        with connect(gate.port) as connection:
            connection.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 9"))
            connection.send(b"four")
            answer = connection.rest()
            assert not answer or answer.startswith(b"HTTP/1.1 408 ")
        assert upstream.nothing_received()


def test_a_client_that_does_not_read_is_dropped(start_gate: StartGate):
    """``timeouts.send`` is the gap between two writes to the client."""
    gone = threading.Event()

    async def pour(connection: Connection) -> None:
        await connection.request()
        try:
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
            for _ in range(9999):
                await connection.send(b"x" * 100_000)
        except OSError:
            gone.set()

    with Scripted(pour) as upstream:
        gate = start_gate(upstream.url, timeouts={"send": 1, "shutdown": 5})
        with connect(gate.port) as connection:
            connection.send(head("GET / HTTP/1.1", "Host: localhost"))
            assert gone.wait(20)
