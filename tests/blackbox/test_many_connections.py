"""2,000 clients at the same moment: all are served, none waits for a retransmission."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import pytest

from tests.gate import context, many_open_files
from tests.upstreams import Recorder

if TYPE_CHECKING:
    import ssl

    from tests.gate.fixtures import StartGate

CLIENTS = 2000
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def one_request(port: int, tls: ssl.SSLContext, everybody: asyncio.Barrier) -> bytes:
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=tls, server_hostname="localhost", ssl_handshake_timeout=60
    )
    # All connections are open before the first of them asks for anything.
    await everybody.wait()
    writer.write(REQUEST)
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r")[0]))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return head.split(b"\r\n")[0] + body


@pytest.mark.slow
def test_two_thousand_simultaneous_clients_are_all_served(start_gate: StartGate):
    """A short backlog would stall some of them for seconds, many times over."""
    with many_open_files(3 * CLIENTS), Recorder() as upstream:
        # 2,000 clients in one Python thread need more than ten seconds to shake hands.
        # The app, another Python thread, needs as long to take 2,000 connections at once.
        gate = start_gate(
            upstream.url,
            timeouts={
                "handshake": 60,
                "head": 60,
                "keepalive": 90,
                "connect": 60,
                "shutdown": 5,
            },
        )
        answers, seconds = asyncio.run(at_once(gate.port))
    assert answers == [b"HTTP/1.1 200 OK" + upstream.body] * CLIENTS
    assert seconds < 45


async def at_once(port: int) -> tuple[list[bytes], float]:
    begin = time.monotonic()
    tls, everybody = context("good"), asyncio.Barrier(CLIENTS)
    answers = await asyncio.gather(*(one_request(port, tls, everybody) for _ in range(CLIENTS)))
    return answers, time.monotonic() - begin
