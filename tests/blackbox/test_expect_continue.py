"""``Expect: 100-continue`` (RFC 9110, section 10.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gate import Gate, connect, head
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from tests.gate.fixtures import StartGate

EXPECT = head("POST / HTTP/1.1", "Host: localhost", "Content-Length: 4", "Expect: 100-continue")


def test_a_good_client_is_told_to_continue(start_gate: StartGate):
    """100 comes before any of the body was sent, and exactly once."""
    with Recorder() as upstream:
        gate: Gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(EXPECT)
            assert connection.head().startswith(b"HTTP/1.1 100 ")
            connection.send(b"body")
            response = connection.response()
            assert (response.status, response.interim) == (200, ())
        assert upstream.received().body == b"body"


def test_a_refused_client_is_not_told_to_continue(start_gate: StartGate):
    """It gets its 403 instead and never sends the body."""
    with Recorder() as upstream:
        gate: Gate = start_gate(upstream.url)
        with connect(gate.port, "none") as connection:
            connection.send(EXPECT)
            response = connection.response()
            assert (response.status, response.interim) == (403, ())
        assert upstream.nothing_received()


def test_a_body_over_the_limit_is_not_asked_for(start_gate: StartGate):
    """413 instead of 100."""
    with Recorder() as upstream:
        gate: Gate = start_gate(upstream.url, limits={"body": 3})
        with connect(gate.port) as connection:
            connection.send(EXPECT)
            response = connection.response()
            assert (response.status, response.interim) == (413, ())


def test_a_client_that_does_not_wait_gets_its_answer(start_gate: StartGate):
    """Head and body in one segment."""
    with Recorder() as upstream:
        gate: Gate = start_gate(upstream.url)
        with connect(gate.port) as connection:
            connection.send(EXPECT + b"body")
            assert connection.response().status == 200
        assert upstream.received().body == b"body"
