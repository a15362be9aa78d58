"""What a parser remembers of earlier heads never changes what it says of a later one.

A wrong answer here would hand one request the framing, the Host or the fields of another.
"""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from proxy.http1.head import RequestParser, ResponseParser
from proxy.http1.messages import ProtocolError
from tests.unit.http1.strategies import (
    ANY_REQUESTS,
    BAD_FIELDS,
    OWN_FIELDS,
    PLAIN_FIELDS,
    RESPONSE_FIELDS,
    STATUS_LINES,
    damaged,
    head,
    one_of,
)
from tests.unit.http1.stream import MAX_FIELDS, described

START_LINES = one_of(
    b"GET / HTTP/1.1 | GET / HTTP/1.0 | POST /a HTTP/1.1 | HEAD /b?c HTTP/1.1"
    b" | GET http://a/ HTTP/1.1 | GET http://b/ HTTP/1.1 | GET HTTP://A HTTP/1.0"
    b" | OPTIONS * HTTP/1.1 | OPTIONS / HTTP/1.1 | GET * HTTP/1.1 | CONNECT a:1 HTTP/1.1"
    b" | GET HTTP/1.1 |  HTTP/1.1 | HTTP/1.1 | / HTTP/1.1 | GET  HTTP/1.1 |  | X GET / HTTP/1.1"
    b" | GET / HTTP/1.1 HTTP/1.1 | GET / HTTP/1.0 HTTP/1.1 | GET /  HTTP/1.1 | GET /\t HTTP/1.1"
    b' | GET /HTTP/1.1 HTTP/1.1 | GET /# HTTP/1.1 | GET /\xe9 HTTP/1.1 | GET /" HTTP/1.1'
    b" | GET /\x00 HTTP/1.1 | GET / HTTP/1.1  | GET / HTTP/1.10 | GET / HTTP/1. | GET /"
    b" | GET /\r HTTP/1.1 | GET /\n HTTP/1.1 | GET /\r\nX: y HTTP/1.1 | FOO / HTTP/1.1"
    b" | get / HTTP/1.1 | TRACE / HTTP/1.1 | GET / HTTP/2.0 | GET / http/1.1"
)
HOSTS = [[b"Host: a"], [b"Host: b"], [b"host: a"], [], [b"Host: a", b"Host: a"], [b"X: HTTP/1.1"]]
SECTIONS = st.builds(
    lambda host, lines: [*host, *lines],
    st.sampled_from([*[[b"Host: a"]] * 5, *HOSTS]),
    st.lists(PLAIN_FIELDS | OWN_FIELDS | BAD_FIELDS, max_size=2),
)
LONG = [b"Host: a", b"X: " + b"a" * 2048]


@st.composite
def request_heads(draw: st.DrawFn) -> list[bytes]:
    """Many heads of few parts, so that most begin or end as an earlier one."""
    sections = draw(st.lists(SECTIONS | st.just(LONG), min_size=1, max_size=12))
    lines = draw(st.lists(START_LINES, min_size=1, max_size=5))
    whole = st.builds(head, st.sampled_from(lines), st.sampled_from(sections))
    return draw(st.lists(whole | damaged(whole), min_size=2, max_size=25))


@st.composite
def response_heads(draw: st.DrawFn) -> list[tuple[bytes, bytes]]:
    """Responses, each with the method of the request that it answers."""
    framing = st.sampled_from([b"Content-Length: 0", b"Content-Length: 5", b"X: 1"])
    sections = st.lists(RESPONSE_FIELDS | framing | BAD_FIELDS, max_size=3)
    made = st.builds(head, STATUS_LINES, sections)
    few = st.sampled_from(draw(st.lists(made | damaged(made), min_size=1, max_size=12)))
    methods = st.sampled_from([b"GET", b"HEAD", b"POST"])
    return draw(st.lists(st.tuples(few, methods), min_size=2, max_size=25))


def answer(parser: RequestParser | ResponseParser, *args: bytes) -> object:
    try:
        return described(parser.parse(*args))
    except ProtocolError as error:
        return error.status, error.code, error.reason


@given(request_heads())
@example([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /\r\nX: y HTTP/1.1\r\nHost: a\r\n\r\n"])
@example([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"])
@example([b"GET http://a/ HTTP/1.0\r\n\r\n", b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0\r\n\r\n"])
def test_a_request_is_read_as_by_a_new_parser(heads: list[bytes]):
    parser = RequestParser(MAX_FIELDS)
    for one in heads:
        assert answer(parser, one) == answer(RequestParser(MAX_FIELDS), one)


@given(st.lists(ANY_REQUESTS, min_size=2, max_size=6))
def test_any_bytes_are_read_as_by_a_new_parser(pieces: list[bytes]):
    parser = RequestParser(MAX_FIELDS)
    for piece in pieces:
        one = piece.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        assert answer(parser, one) == answer(RequestParser(MAX_FIELDS), one)


@given(response_heads())
def test_a_response_is_read_as_by_a_new_parser(heads: list[tuple[bytes, bytes]]):
    parser = ResponseParser(MAX_FIELDS)
    for one, method in heads:
        assert answer(parser, one, method) == answer(ResponseParser(MAX_FIELDS), one, method)
