"""Requests over real sockets: every client, every fault of an upstream, nobody else's bytes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.gate import VERSIONS, Client, connect, context, head
from tests.pki import ADMITTED, REFUSED
from tests.upstreams import FAULTS, Connection, Fault, Misbehaving, Outcome, Recorder, Scripted

if TYPE_CHECKING:
    import ssl

    from tests.integration.server.conftest import Gate, Run

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize("version", VERSIONS)
def test_everybody_gets_what_is_theirs(run: Run, version: ssl.TLSVersion):
    def ask(port: int, kind: str) -> int:
        with connect(port, kind, version) as connection:
            return connection.get().status

    async def scenario(gate: Gate) -> None:
        kinds = [*ADMITTED, *REFUSED]
        found = [await asyncio.to_thread(ask, gate.port, kind) for kind in kinds]
        assert dict(zip(kinds, found, strict=True)) == {
            **dict.fromkeys(ADMITTED, 200),
            **dict.fromkeys(REFUSED, 403),
        }
        assert sum(gate.state.counters.refusals.values()) == len(REFUSED)

    with Recorder() as upstream:
        run(upstream.url, scenario)


def test_keep_alive_and_pipelining(run: Run):
    def ask(port: int) -> None:
        with connect(port) as connection:
            assert connection.get().status == 200
            request = head("GET / HTTP/1.1", "Host: localhost")
            connection.send(request * 50)
            assert [connection.response().status for _ in range(50)] == [200] * 50

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(ask, gate.port)
        assert len(gate.log.records) == 51

    with Recorder() as upstream:
        run(upstream.url, scenario)
        assert upstream.connections == 1


def test_faults_of_an_upstream_are_never_taken_for_an_answer(run: Run):
    """All of them over one gate; the next request is always answered by its own response."""
    behaviour = Misbehaving(FAULTS["closes without a word"])

    def provoke(port: int, fault: Fault) -> None:
        with connect(port) as connection:
            connection.send(head(f"{fault.method} /fault HTTP/1.1", "Host: localhost"))
            answer = connection.response(fault.method)
            assert b"poison" not in answer.body
            if answer.status != 502 and fault.outcome is not Outcome.CUT:
                assert (answer.status, answer.complete) == (fault.status, True)
            assert answer.complete == (fault.outcome is not Outcome.CUT or answer.status == 502)
        with connect(port) as connection:
            assert connection.get("/well").body == b"well"

    async def scenario(gate: Gate) -> None:
        for name, fault in FAULTS.items():
            if "stalls" not in name and fault.outcome is not Outcome.GATEWAY_TIMEOUT:
                behaviour.fault = fault
                await asyncio.to_thread(provoke, gate.port, fault)

    with Scripted(behaviour) as upstream:
        run(upstream.url, scenario)


def test_answers_to_many_clients_at_once_are_never_mixed_up(run: Run):
    async def echo(connection: Connection) -> None:
        while True:
            target = (await connection.request()).target.encode()
            await connection.send(
                b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(target), target)
            )

    def ask(port: int, who: int) -> None:
        with connect(port) as connection:
            for number in range(20):
                path = f"/{who}/{number}"
                assert connection.get(path).text == path

    async def scenario(gate: Gate) -> None:
        await asyncio.gather(*(asyncio.to_thread(ask, gate.port, who) for who in range(8)))

    with Scripted(echo) as upstream:
        run(upstream.url, scenario)
        assert upstream.connections <= 8


def test_an_idle_upstream_connection_that_was_closed_is_replaced(run: Run):
    async def once(connection: Connection) -> None:
        await connection.request()
        await connection.send(OK)

    def ask(port: int) -> None:
        with connect(port) as connection:
            for _ in range(10):
                assert connection.get().status == 200

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(ask, gate.port)

    with Scripted(once) as upstream:
        run(upstream.url, scenario)


def test_an_upstream_that_speaks_first_is_a_502(run: Run):
    async def greet(connection: Connection) -> None:
        await connection.send(b"220 mail.example ESMTP\r\n\r\n")
        await connection.until_closed()

    def ask(port: int) -> None:
        for _ in range(10):
            with connect(port) as connection:
                assert connection.get().status == 502

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(ask, gate.port)

    with Scripted(greet) as upstream:
        run(upstream.url, scenario)


def test_nobody_listens_there(run: Run):
    def ask(port: int) -> None:
        with connect(port) as connection:
            assert connection.get().status == 502
            assert connection.get().status == 502

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(ask, gate.port)
        assert gate.log.records[0].error == "upstream_unreachable"

    with Recorder() as upstream:
        url = upstream.url
    run(url, scenario)


def test_plain_http_and_noise_on_the_tls_port(run: Run):
    def ask(port: int) -> None:
        with Client(port, None) as connection:
            assert connection.get().status == 400
            assert connection.is_closed()
        with Client(port, None) as connection:
            connection.send(b"\x00\x01\x02\x03")
            assert connection.rest() == b""
        with Client(port, None):
            pass  # a port scanner

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(ask, gate.port)
        async with asyncio.timeout(20):
            while len(gate.state.counters.handshake_failures) < 3:
                await asyncio.sleep(0.005)
        assert set(gate.state.counters.handshake_failures) == {
            "plain http",
            "not tls",
            "client left",
        }

    run("http://127.0.0.1:9", scenario)


def test_more_connections_than_the_limit_are_turned_away(run: Run):
    def ask(port: int) -> None:
        with connect(port) as connection:
            assert connection.get().status == 200
            with pytest.raises(OSError):
                connect(port)
            assert connection.get().status == 200

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(ask, gate.port)

    with Recorder() as upstream:
        run(upstream.url, scenario, limits={"connections": 1})


def test_reject_with_alert(run: Run):
    def ask(port: int) -> None:
        with connect(port) as connection:
            assert connection.get().status == 200
        with pytest.raises(OSError), Client(port, context("expired")) as connection:
            connection.get()

    async def scenario(gate: Gate) -> None:
        await asyncio.to_thread(ask, gate.port)

    with Recorder() as upstream:
        run(upstream.url, scenario, client_auth={"ca": "ca.crt", "reject_with": "alert"})
