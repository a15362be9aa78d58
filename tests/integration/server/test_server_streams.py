"""Streams over real sockets: big bodies, slow peers, tunnels, and ends of every kind."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proxy.server.drain import drain
from tests.gate import connect, head
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from tests.integration.server.conftest import Gate, Run

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SIZE = 24 << 20  # far more than all buffers between the two ends
PIECE = bytes(range(256)) * 256


async def download(connection: Connection) -> None:
    """Answer with many bytes; ``/chunked`` and ``/close`` say how they end."""
    while True:
        target = (await connection.request()).target
        framing = {
            "/length": b"Content-Length: %d\r\n" % SIZE,
            "/chunked": b"Transfer-Encoding: chunked\r\n",
        }.get(target, b"")
        await connection.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n")
        for _ in range(SIZE // len(PIECE)):
            chunk = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if target == "/chunked" else PIECE
            await connection.send(chunk)
        if target == "/close":
            return
        if target == "/chunked":
            await connection.send(b"0\r\n\r\n")


@pytest.mark.parametrize("path", ["/length", "/chunked", "/close"])
def test_a_big_download_arrives_whole(run: Run, path: str):
    def ask(port: int) -> None:
        with connect(port) as connection:
            answer = connection.get(path)
            assert answer.complete
            assert len(answer.body) == SIZE
            assert hashlib.sha256(answer.body).digest() == _DIGEST
            assert connection.get(path).complete

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(ask, gate.port)

    with Scripted(download) as upstream:
        run(upstream.url, scenario)


_DIGEST = hashlib.sha256(PIECE * (SIZE // len(PIECE))).digest()


@pytest.mark.parametrize("framing", ["Content-Length: %d", "Transfer-Encoding: chunked"])
def test_a_big_upload_arrives_whole(run: Run, framing: str):
    async def digest(connection: Connection) -> None:
        while True:
            body = hashlib.sha256((await connection.request()).body).hexdigest().encode()
            await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + body)

    def ask(port: int) -> None:
        with connect(port) as connection:
            line = framing % SIZE if "%" in framing else framing
            connection.send(head("POST / HTTP/1.1", "Host: localhost", line))
            for _ in range(SIZE // len(PIECE)):
                chunk = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if "chunked" in framing else PIECE
                connection.send(chunk)
            if "chunked" in framing:
                connection.send(b"0\r\n\r\n")
            assert connection.response().text == _DIGEST.hex()

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(ask, gate.port)

    with Scripted(digest) as upstream:
        run(upstream.url, scenario)


def test_a_client_that_does_not_read_does_not_fill_the_memory(run: Run):
    """The upstream is stopped, and goes on when the client does."""

    async def scenario(gate: Gate) -> None:
        with await asyncio.to_thread(connect, gate.port) as client:
            await asyncio.to_thread(client.send, head("GET /length HTTP/1.1", "Host: localhost"))
            async with asyncio.timeout(20):
                while not any(not one._is_reading for one in gate.state.pools.live):
                    await asyncio.sleep(0.01)
            [connection] = gate.state.connections
            socket = connection.transport._socket  # type: ignore[attr-defined]
            assert socket.get_write_buffer_size() < 1 << 20
            answer = await asyncio.to_thread(client.response)
            assert len(answer.body) == SIZE
            assert (await asyncio.to_thread(client.get, "/length")).complete

    with Scripted(download) as upstream:
        run(upstream.url, scenario)


def test_a_client_that_goes_away_stops_the_upstream(run: Run):
    def leave(port: int) -> None:
        with connect(port) as connection:
            connection.send(head("GET /length HTTP/1.1", "Host: localhost"))
            connection.read(1000)
            connection.reset()

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(leave, gate.port)
        [record] = await gate.records(1)
        assert (record.status, record.error) == (200, "client_gone")
        assert not gate.state.pools.live

    with Scripted(download) as upstream:
        run(upstream.url, scenario)


def test_a_refused_upload_gets_its_page(run: Run):
    def upload(port: int) -> None:
        with connect(port, "expired") as connection:
            connection.send(head("POST / HTTP/1.1", "Host: localhost", f"Content-Length: {SIZE}"))
            for _ in range(16):
                connection.send(PIECE)
            answer = connection.response()
            assert answer.status == 403
            assert connection.is_closed()

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(upload, gate.port)

    run("http://127.0.0.1:9", scenario)


async def echo_after_101(connection: Connection) -> None:
    await connection.head()
    await connection.send(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"
    )
    while data := await connection.reader.read(1 << 16):
        await connection.send(data)


UPGRADE = head("GET / HTTP/1.1", "Host: localhost", "Connection: upgrade", "Upgrade: echo")


def test_a_tunnel_carries_both_ways_and_ends_in_order(run: Run):
    def speak(port: int) -> None:
        with connect(port) as connection:
            connection.send(UPGRADE)
            assert connection.head().startswith(b"HTTP/1.1 101 ")
            for _ in range(20):
                connection.send(PIECE)
                assert connection.read(len(PIECE)) == PIECE
            connection.tls.unwrap()

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(speak, gate.port)
        [record] = await gate.records(1)
        assert (record.status, record.error) == (101, "")
        assert record.body_bytes_sent == 20 * len(PIECE)

    with Scripted(echo_after_101) as upstream:
        run(upstream.url, scenario)


def test_a_tunnel_is_cut_when_its_certificate_is_no_longer_good(run: Run):
    async def scenario(gate: Gate) -> None:
        with await asyncio.to_thread(connect, gate.port) as client:
            await asyncio.to_thread(client.send, UPGRADE)
            await asyncio.to_thread(client.head)
            gate.state.snapshot = replace(gate.state.snapshot, anchors=frozenset())
            assert await asyncio.to_thread(client.is_closed)
        [record] = await gate.records(1)
        assert record.error == "certificate_no_longer_valid"

    with Scripted(echo_after_101) as upstream:
        run(upstream.url, scenario)


def test_a_drain_answers_what_is_under_way_and_ends_the_rest(run: Run):
    go_on = asyncio.Event()

    async def slowly(connection: Connection) -> None:
        await connection.request()
        while not go_on.is_set():
            await asyncio.sleep(0.01)
        await connection.send(OK)
        await connection.until_closed()

    async def scenario(gate: Gate) -> None:
        idle = await asyncio.to_thread(connect, gate.port)
        busy = await asyncio.to_thread(connect, gate.port)
        with idle, busy:
            await asyncio.to_thread(busy.send, head("GET / HTTP/1.1", "Host: localhost"))
            await asyncio.to_thread(upstream.received)
            ending = asyncio.ensure_future(drain(gate.state, [gate.listener], 20))
            assert await asyncio.to_thread(idle.is_closed)
            assert not ending.done()
            go_on.set()
            answer = await asyncio.to_thread(busy.response)
            assert answer.status == 200
            assert await asyncio.to_thread(busy.is_closed)
            assert await ending == 0

    with Scripted(slowly) as upstream:
        run(upstream.url, scenario)


def test_what_a_drain_cuts_is_logged(run: Run):
    async def scenario(gate: Gate) -> None:
        with await asyncio.to_thread(connect, gate.port) as client:
            await asyncio.to_thread(client.send, head("GET / HTTP/1.1", "Host: localhost"))
            await asyncio.to_thread(upstream.received)
            assert await drain(gate.state, [gate.listener], 0.05) == 1
            assert [record.status for record in gate.log.records] == [499]

    async def silent(connection: Connection) -> None:
        await connection.request()
        await connection.until_closed()

    with Scripted(silent) as upstream:
        run(upstream.url, scenario)


def test_a_half_closed_http_1_0_client_is_not_told_that_half_is_all(run: Run):
    """Its close_notify ends the exchange; ours would end the content."""

    async def half(connection: Connection) -> None:
        await connection.head()
        await connection.send(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await connection.until_closed()

    def ask(port: int) -> None:
        with connect(port) as connection:
            connection.send(b"GET / HTTP/1.0\r\n\r\n")
            assert connection.head()
            assert connection.read(4) == b"half"
            with pytest.raises(OSError):
                connection.tls.unwrap()

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(ask, gate.port)

    with Scripted(half) as upstream:
        run(upstream.url, scenario)


def test_a_reload_swaps_the_snapshot_under_open_connections(run: Run):
    async def scenario(gate: Gate) -> None:
        with await asyncio.to_thread(connect, gate.port) as client:
            assert (await asyncio.to_thread(client.get)).status == 200
            before = gate.state.snapshot
            gate.state.snapshot = replace(before, anchors=frozenset())
            assert (await asyncio.to_thread(client.get)).status == 403
            gate.state.snapshot = before
        with await asyncio.to_thread(connect, gate.port) as client:
            assert (await asyncio.to_thread(client.get)).status == 200

    with Recorder() as upstream:
        run(upstream.url, scenario)
