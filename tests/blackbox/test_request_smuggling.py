"""Requests that two parsers could read differently: 400, close, and nothing reaches the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import Gate, connect

if TYPE_CHECKING:
    from tests.upstreams import Recorder

HOST = b"Host: localhost\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST
GET = b"GET / HTTP/1.1\r\n"
SECOND = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
CHUNKS = b"0\r\n\r\n"

AMBIGUOUS: dict[str, bytes] = {
    "both framings": POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + CHUNKS,
    "both framings, other order": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
    + CHUNKS,
    "two Content-Lengths": POST + b"Content-Length: 0\r\nContent-Length: 4\r\n\r\n",
    "two equal Content-Lengths": POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a list of Content-Lengths": POST + b"Content-Length: 0, 0\r\n\r\n",
    "signed Content-Length": POST + b"Content-Length: +0\r\n\r\n",
    "negative Content-Length": POST + b"Content-Length: -1\r\n\r\n",
    "hexadecimal Content-Length": POST + b"Content-Length: 0x0\r\n\r\n",
    "empty Content-Length": POST + b"Content-Length:\r\n\r\n",
    "Content-Length with an underscore": POST + b"Content-Length: 1_0\r\n\r\n",
    "huge Content-Length": POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
    "two Transfer-Encodings": POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n" + CHUNKS,
    "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS,
    "chunked with a parameter": POST + b"Transfer-Encoding: chunked;q=1\r\n\r\n" + CHUNKS,
    "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "vertical tab before chunked": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS,
    "empty Transfer-Encoding": POST + b"Transfer-Encoding:\r\n\r\n" + CHUNKS,
    "chunked on 1.0": b"POST / HTTP/1.0\r\n"
    + HOST
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + CHUNKS,
    "no Host": GET + b"\r\n",
    "two Hosts": GET + HOST * 2 + b"\r\n",
    "two different Hosts": GET + HOST + b"Host: evil.example\r\n\r\n",
    "Host with a comma": GET + b"Host: localhost, evil.example\r\n\r\n",
    "Host with userinfo": GET + b"Host: a@localhost\r\n\r\n",
    "Host with a space": GET + b"Host: local host\r\n\r\n",
    "Host with a path": GET + b"Host: localhost/x\r\n\r\n",
    "Host with a bad port": GET + b"Host: localhost:99999\r\n\r\n",
    "bare LF after a field": GET + b"Host: localhost\n\r\n",
    "bare LF in the request line": b"GET / HTTP/1.1\n" + HOST + b"\r\n",
    "bare LF throughout": b"GET / HTTP/1.1\nHost: localhost\n\n",
    "bare CR in a value": GET + HOST + b"X: a\rb\r\n\r\n",
    "bare CR before the value": GET + HOST + b"X:\rTransfer-Encoding: chunked\r\n\r\n",
    "obs-fold": GET + HOST + b"X: a\r\n b\r\n\r\n",
    "obs-fold of the first field": GET + b" X: a\r\n" + HOST + b"\r\n",
    "space before the colon": POST + b"Content-Length : 0\r\n\r\n",
    "tab before the colon": POST + b"Transfer-Encoding\t: chunked\r\n\r\n" + CHUNKS,
    "space in a name": GET + HOST + b"X Y: a\r\n\r\n",
    "empty name": GET + HOST + b": a\r\n\r\n",
    "no colon": GET + HOST + b"oops\r\n\r\n",
    "NUL in a value": GET + HOST + b"X: a\0b\r\n\r\n",
    "NUL in a name": GET + HOST + b"X\0: a\r\n\r\n",
    "control in a value": GET + HOST + b"X: a\x01b\r\n\r\n",
    "NUL in the target": b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "space in the target": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "encoded NUL in the path": b"GET /%00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "path above the root": b"GET /../x HTTP/1.1\r\n" + HOST + b"\r\n",
    "encoded path above the root": b"GET /%2e%2e/x HTTP/1.1\r\n" + HOST + b"\r\n",
    "bad percent-encoding": b"GET /%zz HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "two spaces": b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n",
    "HTTP/1.10": b"GET / HTTP/1.10\r\n" + HOST + b"\r\n",
    "HTTP/1,1": b"GET / HTTP/1,1\r\n" + HOST + b"\r\n",
    "lower-case http": b"GET / http/1.1\r\n" + HOST + b"\r\n",
    "absolute form of another host": b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "garbage method": b"G@T{} / HTTP/1.1\r\n" + HOST + b"\r\n",
}

BROKEN_CHUNKS: dict[str, bytes] = {
    "no number": b"zz\r\n",
    "negative": b"-1\r\n",
    "overflow": b"f" * 17 + b"\r\n",
    "prefix 0x": b"0x1\r\na\r\n0\r\n\r\n",
    "leading space": b" 1\r\na\r\n0\r\n\r\n",
    "longer than it says": b"1\r\nab\r\n0\r\n\r\n",
    "bare LF after the size": b"1\na\r\n0\r\n\r\n",
    "bare LF after the data": b"1\r\na\n0\r\n\r\n",
    "bare LF in an extension": b"1;a\nb\r\na\r\n0\r\n\r\n",
    "bare CR in an extension": b"1;a\rb\r\na\r\n0\r\n\r\n",
    "trailer without a colon": b"0\r\noops\r\n\r\n",
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_an_ambiguous_request_is_answered_400_and_closes(gate: Gate, recorder: Recorder, case: str):
    """What follows on the connection is never taken for a request."""
    with connect(gate.port) as connection:
        connection.send(AMBIGUOUS[case] + SECOND)
        response = connection.response()
        # An unknown version has its own status (RFC 9110, section 15.6.6), and so has a method.
        assert response.status in {400, 501, 505}, response
        assert response.header("connection") == "close"
        assert connection.is_closed()
    assert recorder.nothing_received(), recorder.received().raw_head


@pytest.mark.parametrize("case", BROKEN_CHUNKS)
def test_a_broken_chunk_ends_the_connection_and_never_looks_whole_to_the_app(
    gate: Gate, recorder: Recorder, case: str
):
    """The app may have seen the head; it must not see a complete request."""
    with connect(gate.port) as connection:
        connection.send(POST + b"Transfer-Encoding: chunked\r\n\r\n" + BROKEN_CHUNKS[case] + SECOND)
        response = connection.response()
        assert response.status == 400
        assert connection.is_closed()
    assert recorder.nothing_received()


def test_fields_that_concern_only_this_connection_are_not_forwarded(gate: Gate, recorder: Recorder):
    """Hop-by-hop fields (RFC 9110, section 7.6.1) and an upgrade to h2c end here."""
    with connect(gate.port) as connection:
        response = connection.get(
            "/",
            "Connection: keep-alive, X-Mine, Upgrade, HTTP2-Settings",
            "Keep-Alive: timeout=5",
            "Proxy-Connection: keep-alive",
            "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAAQAAP__",
            "TE: trailers",
            "X-Mine: gone",
            "X-Other: stays",
        )
        assert response.status == 200
    request = recorder.received()
    gone = {"keep-alive", "proxy-connection", "upgrade", "http2-settings", "x-mine", "te"}
    assert not request.names() & gone
    assert request.header("X-Other") == "stays"


def test_the_head_is_written_anew(gate: Gate, recorder: Recorder):
    """Whitespace around values is gone: nothing is forwarded as it came."""
    with connect(gate.port) as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost:localhost\r\nX-Space:  \t a b \t \r\n\r\n")
        assert connection.response().status == 200
    raw = recorder.received().raw_head
    assert b"Host: localhost\r\n" in raw
    assert b"X-Space: a b\r\n" in raw
