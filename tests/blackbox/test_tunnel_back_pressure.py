"""A tunnel keeps little: whoever reads slowly makes the other side wait."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

from tests.gate import context
from tests.upstreams import Connection, Scripted
from tests.upstreams.tunnels import switched, upgrade

if TYPE_CHECKING:
    from tests.gate import Gate
    from tests.gate.fixtures import StartGate

BLOCK = bytes(range(256)) * 1024
BLOCKS = 256  # 64 MiB, several times what two kernels' buffers hold
ALLOWED_GROWTH = 8 << 20
STALLED = 1.0  # seconds without progress


async def send_until_stalled(writer: asyncio.StreamWriter, blocks: int) -> int:
    """Send blocks until nobody takes them any more; return how many are left."""
    for left in range(blocks, 0, -1):
        writer.write(BLOCK)
        try:
            async with asyncio.timeout(STALLED):
                await writer.drain()
        except TimeoutError:
            return left - 1
    raise AssertionError("everything was taken, although nobody read")


async def send_all(writer: asyncio.StreamWriter, blocks: int) -> None:
    for _ in range(blocks):
        writer.write(BLOCK)
        await writer.drain()


async def opened(gate: Gate) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a tunnel."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", gate.port, ssl=context("good"), server_hostname="localhost"
    )
    writer.write(upgrade())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101 ")
    return reader, writer


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


def test_a_client_that_does_not_read_makes_the_app_wait(start_gate: StartGate):
    stalled = threading.Event()

    async def pour(connection: Connection) -> None:
        await connection.head()
        await connection.send(switched())
        left = await send_until_stalled(connection.writer, BLOCKS)
        stalled.set()
        await connection.writer.drain()
        await send_all(connection.writer, left)

    async def read_late(gate: Gate) -> None:
        before = gate.memory()
        reader, writer = await opened(gate)
        assert await asyncio.to_thread(stalled.wait, 30)
        assert gate.memory() - before < ALLOWED_GROWTH
        for _ in range(BLOCKS):
            assert await reader.readexactly(len(BLOCK)) == BLOCK
        assert await reader.read() == b""
        assert gate.memory() - before < ALLOWED_GROWTH
        await closed(writer)

    with Scripted(pour) as upstream:
        asyncio.run(read_late(start_gate(upstream.url)))


def test_an_app_that_does_not_read_makes_the_client_wait(start_gate: StartGate):
    read_now, complete = threading.Event(), threading.Event()

    async def swallow_late(connection: Connection) -> None:
        await connection.head()
        await connection.send(switched())
        await asyncio.to_thread(read_now.wait, 30)
        for _ in range(BLOCKS):
            assert await connection.reader.readexactly(len(BLOCK)) == BLOCK
        complete.set()

    async def pour(gate: Gate) -> None:
        before = gate.memory()
        _, writer = await opened(gate)
        left = await send_until_stalled(writer, BLOCKS)
        assert gate.memory() - before < ALLOWED_GROWTH
        read_now.set()
        await writer.drain()
        await send_all(writer, left)
        assert await asyncio.to_thread(complete.wait, 30)
        assert gate.memory() - before < ALLOWED_GROWTH
        await closed(writer)

    with Scripted(swallow_late) as upstream:
        asyncio.run(pour(start_gate(upstream.url)))
