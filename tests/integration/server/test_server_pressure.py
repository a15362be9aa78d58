"""Peers that push: what they send must neither fill the memory nor lose an answer."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from OpenSSL import SSL
from structlog.testing import capture_logs

from proxy.server.downstream import DownstreamConnection
from tests.gate import connect, head
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from tests.integration.server.conftest import Gate, Run

COUNT = 1500
REQUEST = head("GET / HTTP/1.1", "Host: localhost", "Cookie: " + "x" * 2000)


def test_pipelined_requests_wait_in_the_socket_and_not_in_memory(run: Run):
    """Each answer once let one more read in, so that the buffer grew with every request."""

    def ask(port: int) -> int:
        with connect(port) as client:
            client.send(REQUEST * COUNT)
            return sum(client.response().status == 200 for _ in range(COUNT))

    async def scenario(gate: Gate) -> None:
        answered = asyncio.create_task(asyncio.to_thread(ask, gate.port))
        most = 0
        while not answered.done():
            await asyncio.sleep(0.001)
            for one in gate.state.connections:
                if isinstance(one, DownstreamConnection):
                    most = max(most, len(one._reader.buffer))
        assert await answered == COUNT
        assert 0 < most < len(REQUEST * COUNT) / 3

    with Recorder() as upstream:
        run(upstream.url, scenario)


def test_a_wish_to_negotiate_anew_is_answered(run: Run):
    """What OpenSSL says by itself goes out at once: unsent, it would pile up in memory."""

    def renegotiate(port: int) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        with closing(socket.create_connection(("127.0.0.1", port))) as raw:
            # Seconds and microseconds, for the kernel: pyOpenSSL knows no timeouts of its own.
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, (20).to_bytes(8, "little") * 2)
            client = SSL.Connection(context, raw)
            client.set_connect_state()
            client.do_handshake()
            client.renegotiate()
            with pytest.raises(SSL.Error, match="no renegotiation"):
                client.do_handshake()

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(renegotiate, gate.port)

    with Recorder() as upstream:
        run(upstream.url, scenario)


def test_an_upstream_that_refuses_an_upload_and_hangs_up_is_heard(run: Run):
    """The reset that its unread bytes cause comes after the answer, and must not hide it."""

    async def refuse(connection: Connection) -> None:
        await connection.head()
        await connection.reader.readexactly(10_000)
        await connection.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nlong")
        await connection.reset()

    def upload(port: int) -> int:
        with connect(port) as client:
            client.send(head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 4000000"))
            client.send(bytes(2_000_000))
            answer = client.response("POST")
            assert answer.text == "long"
            return answer.status

    async def scenario(gate: Gate) -> None:
        statuses = [await asyncio.to_thread(upload, gate.port) for _ in range(10)]
        assert statuses == [413] * 10
        assert not gate.state.pools.live

    with Scripted(refuse) as upstream:
        run(upstream.url, scenario)


def test_an_upstream_that_is_down_is_named_with_the_reason(run: Run):
    async def scenario(gate: Gate) -> None:
        with await asyncio.to_thread(connect, gate.port) as client:
            assert (await asyncio.to_thread(client.get)).status == 502

    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with capture_logs() as lines:
        run(f"http://127.0.0.1:{port}", scenario)
    [line] = [one for one in lines if one["event"] == "upstream failed"]
    assert line["reason"] == f"cannot connect to 127.0.0.1:{port}: Connection refused"
