"""An app that is down is told apart: by the status, the page's code, and a line in the log."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import connect, free_port
from tests.pki import server
from tests.upstreams import Connection, Recorder, Scripted
from tests.upstreams.health import Checked

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate import Gate
    from tests.gate.fixtures import StartGate


def told(gate: Gate, status: int, code: str, reason: str) -> None:
    """Assert what the client, a person and the operator are told."""
    with connect(gate.port) as connection:
        problem = connection.get("/", "Accept: application/problem+json")
        assert (problem.status, problem.json()["code"]) == (status, code)
        page = connection.get("/", "Accept: text/html")
        assert page.status == status
        assert code in page.text
    gate.stderr.wait_for(f"upstream failed.*upstream=app .*code={code}.*{reason}")


async def hang(connection: Connection) -> None:
    await connection.until_closed()


def test_nobody_listens(start_gate: StartGate):
    gate = start_gate(f"http://127.0.0.1:{free_port()}")
    told(gate, 502, "upstream_unreachable", "refused")


def test_no_such_socket(start_gate: StartGate, tmp_path: Path):
    gate = start_gate(f"unix:{tmp_path}/none")
    told(gate, 502, "upstream_unreachable", "No such file")


def test_no_such_name(start_gate: StartGate):
    gate = start_gate("http://app.invalid:3000")
    told(gate, 502, "upstream_unresolved", "does not resolve")


def test_a_certificate_that_does_not_verify(start_gate: StartGate, tmp_path: Path):
    files = server().write(tmp_path, "app")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)
    with Recorder(tls=context) as app:
        told(start_gate(app.url), 502, "upstream_tls_failed", "certificate is not accepted")


def test_no_tls_where_it_is_expected(start_gate: StartGate):
    async def answer_at_once(connection: Connection) -> None:
        await connection.send(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await connection.until_closed()

    with Scripted(answer_at_once) as app:
        gate = start_gate(f"https://127.0.0.1:{app.port}")
        told(gate, 502, "upstream_tls_failed", "no TLS with")


def test_no_answer_in_time(start_gate: StartGate):
    with Scripted(hang) as app:
        gate = start_gate(app.url, timeouts={"response": 0.3})
        told(gate, 504, "upstream_timeout", "no byte came for 0.3 seconds")


def test_no_connection_in_time(start_gate: StartGate):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(8)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        gate = start_gate(f"http://127.0.0.1:{full.getsockname()[1]}", timeouts={"connect": 0.3})
        told(gate, 504, "upstream_timeout", "did not accept a connection within 0.3 seconds")
        for each in waiting:
            each.close()


def test_no_http(start_gate: StartGate):
    async def chatter(connection: Connection) -> None:
        await connection.request()
        await connection.send(b"220 ready\r\n\r\n")

    with Scripted(chatter) as app:
        told(start_gate(app.url), 502, "upstream_bad_response", "reason=")


def test_an_end_in_place_of_an_answer(start_gate: StartGate):
    async def leave(connection: Connection) -> None:
        await connection.request()

    with Scripted(leave) as app:
        told(start_gate(app.url), 502, "upstream_bad_response", "closed the connection before")


@pytest.mark.parametrize("count", [1, 2])
def test_none_that_passes_its_health_check(start_gate: StartGate, count: int):
    with Checked(b"", is_well=False) as app:
        health = {"path": "/healthz", "interval": "100ms"}
        upstream: dict[str, Any] = {"servers": [app.url] * count, "health": health}
        gate = start_gate(upstream=None, upstreams={"app": upstream})
        for number in range(count):
            gate.stderr.wait_for("is down.*by=probe", after=number + 1)
        told(gate, 503, "upstream_unavailable", f"of {count} servers {count} fail")
