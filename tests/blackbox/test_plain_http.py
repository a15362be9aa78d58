"""Somebody who types http:// reads what to do, and does not wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gate import Client, Gate, connect, head

if TYPE_CHECKING:
    from tests.upstreams import Recorder


def test_plain_http_on_the_tls_port_gets_a_readable_400(gate: Gate):
    """The answer is HTTP, not a TLS alert, and names the mistake."""
    with Client(gate.port, None) as plain:
        plain.send(head("GET / HTTP/1.1", "Host: localhost"))
        response = plain.response()
        assert response.status == 400
        assert "https" in response.text.lower()
        assert response.header("connection") == "close"
        assert plain.is_closed()


def test_plain_http_never_reaches_the_app(gate: Gate, recorder: Recorder):
    """Also not with headers that claim an identity."""
    with Client(gate.port, None) as plain:
        plain.send(head("GET / HTTP/1.1", "Host: localhost", "X-SSL-Client-Verify: SUCCESS"))
        assert plain.response().status == 400
    assert recorder.nothing_received()


def test_garbage_on_the_tls_port_ends_without_hurting_anyone(gate: Gate):
    """Neither TLS nor HTTP: the connection ends, the next client is served."""
    with Client(gate.port, None) as plain:
        plain.send(b"\0\1\2 nonsense\r\n\r\n")
        plain.rest()
    with connect(gate.port) as connection:
        assert connection.get().status == 200
