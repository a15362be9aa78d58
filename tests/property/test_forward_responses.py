"""What the client gets is exactly one response, framed for its version as intended."""

from __future__ import annotations

import h11
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.forward.response_head import (
    downstream_framing,
    downstream_response_head,
    interim_response_head,
    switching_response_head,
)
from proxy.http1.body import LAST_CHUNK, encode_chunk
from proxy.http1.head import ResponseParser
from proxy.http1.messages import CONNECTION_FIELDS, Framing, ProtocolError, ResponseHead
from tests.unit.http1.strategies import ANY_RESPONSES, RESPONSE_FIELDS, one_of, responses
from tests.unit.http1.strategies import head as head_of

METHODS = st.sampled_from([b"GET", b"HEAD", b"POST"])
MINORS = st.sampled_from([0, 1])
CONTENT = b"HTTP/1.1 200 OK\r\n\r\n"


def parsed(data: bytes, method: bytes) -> ResponseHead:
    try:
        return ResponseParser(0).parse(data.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", method)
    except ProtocolError:
        assume(False)
        raise


def final(data: bytes, method: bytes) -> ResponseHead:
    head = parsed(data, method)
    assume(head.status >= 200)
    return head


@given(responses() | ANY_RESPONSES, METHODS, MINORS, st.booleans())
def test_a_response_is_read_as_it_was_meant(
    data: bytes, method: bytes, minor: int, keep_alive: bool
):
    head = final(data, method)
    framing = downstream_framing(head, minor)
    keep_alive = keep_alive and framing is not Framing.CLOSE
    made = downstream_response_head(head, framing, minor, keep_alive=keep_alive)
    again = ResponseParser(0).parse(made, method)
    assert (again.status, again.reason) == (head.status, head.reason)
    assert again.fields == head.fields
    assert (again.framing, again.length) == (framing, head.length)
    assert again.announced == head.announced
    assert (b"\r\nConnection: close\r\n" in made) == (not keep_alive)
    assert (b"Connection: keep-alive\r\n" in made) == (keep_alive and minor == 0)


@given(responses() | ANY_RESPONSES, METHODS, st.booleans())
def test_h11_finds_the_end_of_the_response(data: bytes, method: bytes, keep_alive: bool):
    head = final(data, method)
    assume(head.length < 1000)
    framing = downstream_framing(head, 1)
    made = downstream_response_head(head, framing, 1, keep_alive=keep_alive)
    content = {
        Framing.CHUNKED: encode_chunk(CONTENT) + LAST_CHUNK,
        Framing.LENGTH: b"H" * head.length,
        Framing.NONE: b"",
    }[framing]
    conn = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    conn.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    conn.send(h11.EndOfMessage())
    conn.receive_data(made + content + b"HTTP/1.1 299 next\r\n\r\n")
    theirs = conn.next_event()
    assert isinstance(theirs, h11.Response)
    names = [name for name, _ in theirs.headers]
    # Host in a response means nothing and is left alone.
    assert all(names.count(name) <= 1 for name in CONNECTION_FIELDS - {b"host"})
    got = b""
    while isinstance(event := conn.next_event(), h11.Data):
        got += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert len(got) == {Framing.CHUNKED: len(CONTENT)}.get(framing, head.length)
    assert conn.trailing_data[0] == b"HTTP/1.1 299 next\r\n\r\n"


@given(responses(), METHODS, st.lists(st.tuples(MINORS, st.booleans()), min_size=2, max_size=6))
def test_what_is_remembered_of_a_response_is_what_is_sent(
    data: bytes, method: bytes, clients: list[tuple[int, bool]]
):
    head = final(data, method)
    for minor, keep_alive in clients:
        framing = downstream_framing(head, minor)
        fresh = downstream_response_head(final(data, method), framing, minor, keep_alive=keep_alive)
        made = downstream_response_head(head, framing, minor, keep_alive=keep_alive)
        assert made == fresh


INTERIM = st.builds(
    head_of,
    one_of(b"HTTP/1.1 101 Go | HTTP/1.1 103 Early Hints | HTTP/1.1 100 "),
    st.lists(RESPONSE_FIELDS, max_size=5).map(lambda lines: [*lines, b"Upgrade: websocket"]),
)


@given(INTERIM)
def test_an_interim_response_is_one_head_and_nothing_else(data: bytes):
    head = parsed(data, b"GET")
    again = parsed(interim_response_head(head), b"GET")
    assert (again.status, again.reason, again.fields) == (head.status, head.reason, head.fields)
    assert (again.framing, again.upgrade) == (Framing.NONE, b"")


@given(INTERIM)
def test_a_switch_says_to_what(data: bytes):
    head = parsed(data, b"GET")
    again = parsed(switching_response_head(head), b"GET")
    assert (again.status, again.fields, again.upgrade) == (head.status, head.fields, head.upgrade)
