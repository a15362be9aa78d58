"""Every kind of listener, on each kind of loop."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

from tests.gate import Client, context, head
from tests.unit.forward.proxy_headers import v1
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate import Response
    from tests.integration.server.conftest import Gate, Run


def over_tls(raw: socket.socket) -> Response:
    tls = context("good").wrap_socket(raw, server_hostname="localhost")
    with Client.over(tls) as connection:
        return connection.get()


def test_a_unix_socket(run: Run, tmp_path: Path):
    path = tmp_path / "gate.sock"

    def ask() -> Response:
        raw = socket.socket(socket.AF_UNIX)
        raw.settimeout(20)
        raw.connect(str(path))
        return over_tls(raw)

    async def scenario(gate: Gate) -> None:
        assert gate.listener.urls == [f"unix:{path}"]
        assert (await asyncio.to_thread(ask)).status == 200
        assert gate.log.records[0].remote_addr == "unix:"

    with Recorder() as upstream:
        run(upstream.url, scenario, listen=f"unix:{path}")
        assert upstream.received().header("x-forwarded-for") is None
    assert not path.exists()


def test_a_proxy_header(run: Run):
    def ask(port: int, start: bytes) -> Response | bytes:
        raw = socket.create_connection(("127.0.0.1", port), timeout=20)
        raw.sendall(start)
        if start.startswith(b"PROXY"):
            return over_tls(raw)
        with Client.over(raw) as plain:
            return plain.rest()

    async def scenario(gate: Gate) -> None:
        answer = await asyncio.to_thread(ask, gate.port, v1())
        assert not isinstance(answer, bytes)
        assert answer.status == 200
        assert await asyncio.to_thread(ask, gate.port, b"\x16\x03\x01") == b""
        assert gate.log.records[0].remote_addr == "203.0.113.9"
        assert gate.state.counters.handshake_failures == {"proxy_protocol": 1}

    with Recorder() as upstream:
        run(
            upstream.url,
            scenario,
            listen=[{"address": "127.0.0.1:0", "proxy_protocol": True}],
            trusted_proxies="127.0.0.1",
        )
        assert upstream.received().header("x-real-ip") == "203.0.113.9"


def test_a_peer_that_is_not_trusted_is_closed_at_once(run: Run, tmp_path: Path):
    """It need not say anything; a Unix socket's peers are no part of 127.0.0.0/8."""
    path = tmp_path / "gate.sock"

    def ask() -> bytes:
        raw = socket.socket(socket.AF_UNIX)
        raw.settimeout(20)
        raw.connect(str(path))
        with Client.over(raw) as plain:
            return plain.rest()

    async def scenario(gate: Gate) -> None:
        from proxy.forward.trusted_proxies import TrustedProxies

        snapshot = gate.state.snapshot
        object.__setattr__(snapshot, "trusted_proxies", TrustedProxies(["127.0.0.0/8"]))
        assert await asyncio.to_thread(ask) == b""
        assert gate.state.counters.handshake_failures == {"proxy_protocol": 1}

    with Recorder() as upstream:
        run(
            upstream.url,
            scenario,
            listen=[{"address": f"unix:{path}", "proxy_protocol": True}],
            trusted_proxies="unix:",
        )
        assert upstream.nothing_received()


def test_a_redirect(run: Run):
    def ask(port: int) -> None:
        with Client(port, None) as plain:
            plain.send(head("POST /x HTTP/1.1", "Host: a.example", "Content-Length: 100000"))
            plain.send(b"x" * 100_000)
            response = plain.response()
            assert response.status == 308
            assert response.header("location") == "https://a.example/x"
            assert plain.is_closed()

    async def scenario(gate: Gate) -> None:
        from proxy.config import model

        address = gate.listener.entry.address
        gate.listener.entry = model.Listener(address=address, redirect_to_port=443)
        await asyncio.to_thread(ask, gate.port)
        assert gate.log.records[0].status == 308

    with Recorder() as upstream:
        run(upstream.url, scenario)
        assert upstream.nothing_received()
