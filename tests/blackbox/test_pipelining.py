"""Requests that are sent without waiting are answered one after the other, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gate import connect, head
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate


async def echo_target(connection: Connection) -> None:
    """Answer each request with its target and its body."""
    while True:
        request = await connection.request()
        body = request.target.encode() + b" " + request.body
        await connection.send(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )


def test_pipelined_requests_are_answered_in_order(start_gate: StartGate):
    """Bodies between them, counted and chunked, do not disturb the order."""
    requests = b"".join(
        (
            head("GET /1 HTTP/1.1", "Host: localhost"),
            head("POST /2 HTTP/1.1", "Host: localhost", "Content-Length: 4") + b"body",
            head("POST /3 HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
            + b"3\r\nabc\r\n0\r\n\r\n",
            head("GET /4 HTTP/1.1", "Host: localhost", "Connection: close"),
        )
    )
    with Scripted(echo_target) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(requests)
            bodies = [connection.response().text for _ in range(4)]
            assert bodies == ["/1 ", "/2 body", "/3 abc", "/4 "]
            assert connection.is_closed()


def test_hundreds_of_pipelined_requests_are_all_answered(start_gate: StartGate):
    """A burst in one segment neither deadlocks nor reorders."""
    count = 500
    burst = b"".join(head(f"GET /{n} HTTP/1.1", "Host: localhost") for n in range(count))
    with Scripted(echo_target) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(burst)
            assert [connection.response().text for _ in range(count)] == [
                f"/{n} " for n in range(count)
            ]


def test_a_request_may_come_byte_by_byte(start_gate: StartGate):
    """Segments may be cut anywhere."""
    with Scripted(echo_target) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            request = head("POST /slow HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked")
            for byte in request + b"2\r\nhi\r\n0\r\n\r\n":
                connection.send(bytes([byte]))
            assert connection.response().text == "/slow hi"


def test_requests_behind_a_refused_one_are_not_answered(start_gate: StartGate):
    """The refusal closes the connection; what was pipelined after it never reaches the app."""
    with Scripted(echo_target) as upstream:
        gate = start_gate(upstream.url)
        with connect(gate.port, "none") as connection:
            connection.send(head("GET /1 HTTP/1.1", "Host: localhost") * 3)
            assert connection.response().status == 403
            assert connection.is_closed()
        assert upstream.nothing_received()
