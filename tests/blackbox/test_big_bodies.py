"""1 GiB up and down: every byte, and the gate's memory stays where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, head
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.gate import Gate
    from tests.gate.fixtures import StartGate

GIB = 1 << 30
BLOCK = bytes(range(256)) * 1024
ALLOWED_GROWTH = 16 << 20


async def pour(connection: Connection) -> None:
    """Answer with 1 GiB, counted."""
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % GIB)
    for _ in range(GIB // len(BLOCK)):
        await connection.send(BLOCK)


async def pour_in_chunks(connection: Connection) -> None:
    """Answer with 1 GiB in chunks."""
    await connection.request()
    await connection.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(GIB // len(BLOCK)):
        await connection.send(b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK))
    await connection.send(b"0\r\n\r\n")


def drain(gate: Gate, first: bytes, total: int) -> int:
    """Read so many bytes from a connection that asked for them; return the memory's peak."""
    peak = 0
    with connect(gate.port) as connection:
        connection.sock.settimeout(60)
        connection.send(first)
        assert connection.head().startswith(b"HTTP/1.1 200 ")
        got = 0
        while got < total:
            data = connection.read(8 << 20)
            assert data, f"the body ended after {got} of {total} bytes"
            got += len(data)
            peak = max(peak, gate.memory())
    return peak


@pytest.mark.slow
@pytest.mark.parametrize("script", [pour, pour_in_chunks])
def test_one_gibibyte_down(start_gate: StartGate, script: Callable[[Connection], Awaitable[None]]):
    """Counted and chunked."""
    with Scripted(script) as upstream:
        gate = start_gate(upstream.url)
        before = gate.memory()
        peak = drain(gate, head("GET / HTTP/1.1", "Host: localhost"), GIB)
        assert peak - before < ALLOWED_GROWTH


@pytest.mark.slow
@pytest.mark.parametrize("framing", ["counted", "chunked"])
def test_one_gibibyte_up(start_gate: StartGate, framing: str):
    """Counted and chunked; the app counts what it got and looks at each block."""

    async def swallow(connection: Connection) -> None:
        await connection.head()
        if framing == "counted":
            for _ in range(GIB // len(BLOCK)):
                assert await connection.reader.readexactly(len(BLOCK)) == BLOCK
        else:
            got = 0
            while size := int((await connection.reader.readuntil(b"\r\n")).strip(), 16):
                got += len(await connection.reader.readexactly(size))
                await connection.reader.readexactly(2)
            assert got == GIB
        await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfull")

    field = f"Content-Length: {GIB}" if framing == "counted" else "Transfer-Encoding: chunked"
    piece = BLOCK if framing == "counted" else b"%x\r\n%b\r\n" % (len(BLOCK), BLOCK)
    with Scripted(swallow) as upstream:
        gate = start_gate(upstream.url)
        before, peak = gate.memory(), 0
        with connect(gate.port) as connection:
            connection.sock.settimeout(60)
            connection.send(head("POST / HTTP/1.1", "Host: localhost", field))
            for number in range(GIB // len(BLOCK)):
                connection.send(piece)
                if number % 256 == 0:
                    peak = max(peak, gate.memory())
            if framing == "chunked":
                connection.send(b"0\r\n\r\n")
            assert connection.response().body == b"full"
        assert peak - before < ALLOWED_GROWTH
