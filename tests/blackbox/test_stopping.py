"""SIGTERM and Ctrl-C: what is under way is finished, then the process ends with exit code 0."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, head
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_an_idle_gate_stops_at_once(start_gate: StartGate, number: signal.Signals):
    """An open keep-alive connection is no reason to wait."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url, timeouts={"shutdown": 300})
        with connect(gate.port) as connection:
            assert connection.get().status == 200
            assert gate.stop(number, timeout=10) == 0
            assert connection.is_closed()


def test_a_request_under_way_is_finished_first(start_gate: StartGate):
    """The answer comes after the signal, and new connections are not accepted meanwhile."""
    go = threading.Event()

    async def answer_when_told(connection: Connection) -> None:
        import asyncio

        await connection.head()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf-")
        await asyncio.to_thread(go.wait, 20)
        await connection.send(b"half")

    with Scripted(answer_when_told) as upstream:
        gate = start_gate(upstream.url, timeouts={"shutdown": 60})
        with connect(gate.port) as connection, connect(gate.port) as idle:
            connection.send(head("GET / HTTP/1.1", "Host: localhost"))
            upstream.received()
            gate.send_signal(signal.SIGTERM)
            assert idle.is_closed()  # so the signal has been seen
            with pytest.raises(OSError):
                connect(gate.port)
            go.set()
            response = connection.response()
            assert (response.body, response.complete) == (b"half-half", True)
            assert connection.is_closed()
        assert gate.wait() == 0


def test_a_request_that_does_not_end_is_cut_after_timeouts_shutdown(start_gate: StartGate):
    """Draining is bounded, and the cut body looks cut."""

    async def never_end(connection: Connection) -> None:
        await connection.head()
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf-")
        await connection.until_closed()

    with Scripted(never_end) as upstream:
        gate = start_gate(upstream.url, timeouts={"shutdown": 1})
        with connect(gate.port) as connection:
            connection.send(head("GET / HTTP/1.1", "Host: localhost"))
            upstream.received()
            assert gate.stop(timeout=10) == 0
            assert not connection.response().complete
