"""500 slow clients of every kind at once: the others are served, and each comes to its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, context, many_open_files
from tests.gate.slow_clients import stuck
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from tests.gate import Gate
    from tests.gate.fixtures import StartGate
    from tests.gate.slow_clients import SlowClient

CLIENTS = 500
REQUESTS, CONNECTIONS = 100, 10
SECONDS = 20  # of every deadline: longer than it takes to get 500 clients stuck
TIMEOUTS = dict.fromkeys(("handshake", "head", "body", "send", "keepalive"), SECONDS)
# What not to read costs is a full buffer on either side of TLS; 78 MB when this was written.
MOST_MEMORY = 128 << 20


async def answer_or_pour(connection: Connection) -> None:
    """Answer "ok", or without end where ``/large`` is asked for."""
    while True:
        request = await connection.request()
        if request.target == "/large":
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
            while True:
                await connection.send(bytes(1 << 16))
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


def good_answers(port: int) -> set[bytes]:
    """Ask over one connection, then over new ones; return the different answers."""
    with connect(port) as connection:
        answers = {connection.get().body for _ in range(REQUESTS)}
    for _ in range(CONNECTIONS):
        with connect(port) as connection:
            answers.add(connection.get().body)
    return answers


async def has_clients(gate: Gate, number: int) -> bool:
    """Wait until the gate holds so many connections of clients."""
    async with asyncio.timeout(4 * SECONDS):
        while gate.clients() != number:
            await asyncio.sleep(0.1)
    return True


def assert_ended_as_told(kind: str, said: bytes) -> None:
    """What there was to answer was answered before the end."""
    if kind in ("dripping_head", "half_a_body"):
        assert said.startswith(b"HTTP/1.1 408 ")
    elif kind in ("silent", "half_a_hello", "no_request"):
        assert said == b""


async def crowd(gate: Gate) -> None:
    """Let them in, ask beside them, and wait for their end."""
    assert good_answers(gate.port) == {b"ok"}
    assert await has_clients(gate, 0)
    memory, files = gate.memory(), gate.open_files()

    clients: list[SlowClient] = await stuck(CLIENTS, gate.port, context("good"))
    assert await has_clients(gate, CLIENTS)
    assert await asyncio.to_thread(good_answers, gate.port) == {b"ok"}
    assert gate.clients() >= CLIENTS, "some were gone already: the machine is too slow for this"
    assert gate.memory() - memory < MOST_MEMORY

    assert await has_clients(gate, 0)
    for client in clients:
        assert_ended_as_told(client.kind, await client.ended())
        await client.close()
    kept_to_the_app = sum(client.kind == "idle" for client in clients)
    assert gate.open_files() <= files + kept_to_the_app
    assert gate.memory() - memory < MOST_MEMORY
    assert good_answers(gate.port) == {b"ok"}


@pytest.mark.slow
@pytest.mark.timeout(8 * SECONDS)
def test_five_hundred_slow_clients_harm_nobody(start_gate: StartGate):
    """They cost bounded memory, all get their deadline, and nothing of them stays."""
    with many_open_files(3 * CLIENTS), Scripted(answer_or_pour) as upstream:
        gate = start_gate(upstream.url, timeouts={**TIMEOUTS, "shutdown": 5})
        asyncio.run(crowd(gate))
