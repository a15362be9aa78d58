"""``limits.min_rate``: a byte now and then does not hold a connection to the app for ever."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.gate import connect, head
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate

TIMEOUTS = {"body": 1, "send": 1, "shutdown": 5}


def test_an_upload_that_drips_is_cut_off(start_gate: StartGate):
    """Each byte is in time for ``timeouts.body``; together they are too few."""
    over = threading.Event()
    with Recorder() as upstream:
        gate = start_gate(upstream.url, timeouts=TIMEOUTS, limits={"min_rate": 100})
        with connect(gate.port) as connection:
            connection.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 9999"))

            def drip() -> None:
                while not over.wait(0.3):
                    connection.send(b"x")

            dripping = threading.Thread(target=drip)
            dripping.start()
            answer = connection.response()
            over.set()
            dripping.join()
            assert answer.status == 408
        assert upstream.nothing_received()


def test_a_response_that_is_sipped_is_cut_off(start_gate: StartGate):
    """It takes some of it all the time, and that is too little."""
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
        gate = start_gate(upstream.url, timeouts=TIMEOUTS, limits={"min_rate": "50MiB"})
        with connect(gate.port) as connection:
            connection.send(head("GET / HTTP/1.1", "Host: localhost"))
            sips = 0
            while not gone.wait(0.1):
                assert connection.read(65_536)
                sips += 1
            assert 0 < sips < 100
