"""Whoever speaks plain HTTP to the TLS port is told so; whoever speaks something else is not."""

from __future__ import annotations

import h11
import pytest

from proxy.web.plain_http import plain_http_answer


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_request_gets_a_complete_answer(method: str):
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(plain_http_answer(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n".encode(), 8443))
    head = parser.next_event()
    assert isinstance(head, h11.Response)
    assert head.status_code == 400
    body = b""
    while isinstance(event := parser.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert parser.trailing_data == (b"", False)
    assert (b"https://" in body and b"port 8443" in body) is (method != "HEAD")


@pytest.mark.parametrize(
    "start",
    [
        b"\x16\x03\x01",
        b"\x80\x2e\x01",
        b"SSH-2.0-OpenSSH\r\n",
        b"get / HTTP/1.1",
        b"GET  /",
        b"GET \x00",
        b" GET /",
        b"A" * 17 + b" /",
        b"PROXY",
    ],
)
def test_what_is_no_request_gets_none(start: bytes):
    assert plain_http_answer(start, 8443) == b""


def test_nothing_of_the_request_comes_back():
    """No reflection: the answer is the same for every path."""
    paths = (b"/", b"/<script>", b"/a?b=c")
    assert len({plain_http_answer(b"GET " + path, 1) for path in paths}) == 1
