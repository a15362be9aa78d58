"""Finding heads, and what the parsers remember; what they accept is in the corpus."""

from __future__ import annotations

import pytest
from httptools import HttpRequestParser

from proxy.http1 import head as module
from proxy.http1.head import RequestParser, ResponseParser, head_end
from proxy.http1.messages import ProtocolError, bad_request

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"


def test_a_head_ends_after_its_blank_line():
    assert head_end(GET + b"more", 0, 0) == len(GET)
    assert head_end(GET, 0, len(GET)) == len(GET)
    assert head_end(GET[:-1], 0, 0) == -1
    assert head_end(b"", 0, 8) == -1


@pytest.mark.parametrize("searched", range(len(GET)))
def test_a_head_is_found_wherever_the_search_was_interrupted(searched: int):
    assert head_end(GET, searched, 100) == len(GET)


def test_a_lonely_line_end_is_found_when_its_other_half_does_not_come():
    begun = b"GET / HTTP/1.1\r"
    assert head_end(begun, 0, 100) == -1
    assert head_end(begun + b"\n", len(begun), 100) == -1
    with pytest.raises(ProtocolError):
        head_end(begun + b"X", len(begun), 100)
    with pytest.raises(ProtocolError):
        head_end(begun + b"\n\n", len(begun) + 1, 100)


def test_bytes_are_looked_at_once():
    """Byte by byte, the head of a slow client must not cost the square of its length."""
    with pytest.raises(ProtocolError):
        head_end(b"a\x00b", 0, 100)
    assert head_end(b"a\x00b", 2, 100) == -1


@pytest.mark.parametrize(
    ("data", "limit", "status"),
    [
        (b"GET /aaaaaaaa", 8, 414),
        (b"GET / HTTP/1.1\r\nHost: a", 20, 431),
        (GET, len(GET) - 1, 431),
        (b"GET / HTTP/1.1\r\n" + b"a" * 5, 15, 414),
        (b"GE\x00 /aaaaaaaa", 8, 400),
        (b"GET /aaa\x00", 8, 414),
    ],
)
def test_a_head_beyond_the_limit_is_refused(data: bytes, limit: int, status: int):
    with pytest.raises(ProtocolError) as caught:
        head_end(data, 0, limit)
    assert caught.value.status == status


def test_without_a_limit_a_head_may_be_of_any_length():
    assert head_end(b"GET /" + b"a" * 1_000_000, 0, 0) == -1


def test_the_same_fields_are_parsed_once():
    parser = RequestParser(10)
    first = parser.parse(GET)
    second = parser.parse(GET.replace(b"GET /", b"POST /other?x"))
    assert second.section is first.section
    assert (second.method, second.target) == (b"POST", b"/other?x")


def test_a_field_section_is_known_by_its_version_too():
    parser = RequestParser(10)
    assert parser.parse(GET).section.minor == 1
    assert parser.parse(GET.replace(b"1.1", b"1.0")).section.minor == 0


def test_the_authority_of_one_target_is_not_remembered_for_another():
    parser = RequestParser(10)
    lines = b" HTTP/1.0\r\nX: 1\r\n\r\n"
    assert parser.parse(b"GET http://evil/" + lines).section.host == b"evil"
    assert parser.parse(b"GET /" + lines).section.host == b""
    assert parser.parse(b"GET http://evil/" + lines).section.host == b"evil"


def test_the_same_head_is_parsed_once():
    parser = RequestParser(10)
    assert parser.parse(GET) is parser.parse(bytes(bytearray(GET)))


def test_few_and_short_heads_and_sections_are_remembered():
    parser = RequestParser(10)
    for number in range(100):
        parser.parse(b"GET / HTTP/1.1\r\nHost: a\r\nX: %d\r\n\r\n" % number)
        parser.parse(b"GET / HTTP/1.1\r\nHost: a\r\nX: %d%b\r\n\r\n" % (number, b"a" * 2048))
    for known in (parser._known, parser._repeated):
        assert 1 <= len(known) <= module._MAX_KNOWN
        assert sum(map(len, known)) <= module._MAX_KNOWN * 2048


def test_few_and_short_responses_are_remembered():
    parser = ResponseParser(10)
    for number in range(100):
        parser.parse(b"HTTP/1.1 200 OK\r\nX: %d\r\n\r\n" % number, b"GET")
        parser.parse(b"HTTP/1.1 200 OK\r\nX: %d%b\r\n\r\n" % (number, b"a" * 2048), b"GET")
    assert 1 <= len(parser._known) <= module._MAX_KNOWN
    assert sum(map(len, parser._known)) <= module._MAX_KNOWN * 2048


def test_the_same_response_to_head_means_something_else():
    parser = ResponseParser(10)
    known = parser.parse(OK, b"GET")
    assert (known.length, known.announced) == (5, None)
    assert (parser.parse(OK, b"HEAD").length, parser.parse(OK, b"HEAD").announced) == (0, b"5")
    assert parser.parse(OK, b"POST") is known


def test_a_target_that_llhttp_reads_differently_is_refused(monkeypatch: pytest.MonkeyPatch):
    """No bytes are known that do this; the check stays for those of the next llhttp."""

    class Other(HttpRequestParser):
        def feed_data(self, data: bytes) -> None:
            super().feed_data(data.replace(b"GET /", b"GET /other"))

    monkeypatch.setattr(module, "HttpRequestParser", Other)
    with pytest.raises(ProtocolError, match="two ways"):
        RequestParser(10).parse(GET)


def test_no_limit_on_fields_is_none():
    many = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 1000 + b"\r\n"
    assert len(RequestParser(0).parse(many).section.fields) == 1000


@pytest.mark.parametrize("method", sorted(module._KNOWN_METHODS))
def test_every_known_method_is_one_of_llhttps(method: bytes):
    assert RequestParser(10).parse(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n").method == method


def test_what_the_log_needs_is_the_first_of_its_name():
    lines = b"user-agent: 1\r\nUser-Agent: 2\r\nReferer: 3\r\n\r\n"
    section = RequestParser(10).parse(GET[:-2] + lines).section
    assert (section.user_agent, section.referer) == (b"1", b"3")
    section = RequestParser(10).parse(GET).section
    assert (section.user_agent, section.referer) == (None, None)


def test_an_error_says_what_it_is():
    error = bad_request("too odd")
    assert (error.status, error.code, error.reason) == (400, "bad_request", "too odd")
    assert str(error) == "too odd"
