"""The grammar on top of llhttp, character by character."""

from __future__ import annotations

import pytest

from proxy.http1 import grammar

ALL = [bytes([octet]) for octet in range(256)]
TCHAR = set(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize("octet", ALL)
def test_a_token_is_made_of_tchar(octet: bytes):
    assert grammar.is_token(b"a" + octet) == (octet[0] in TCHAR)


def test_nothing_is_no_token():
    assert not grammar.is_token(b"")


@pytest.mark.parametrize("octet", ALL)
def test_a_value_holds_what_rfc_9110_allows(octet: bytes):
    head = b"GET / HTTP/1.1\r\nX: a" + octet + b"b\r\n\r\n"
    allowed = octet == b"\t" or (octet >= b" " and octet != b"\x7f")
    assert grammar.is_well_formed_head(head) == allowed
    assert grammar.is_hopeless_prefix(head[:21]) == (not allowed and octet != b"\r")


@pytest.mark.parametrize(
    ("start", "is_hopeless"),
    [
        (b"", False),
        (b"\r", False),
        (b"GET / HTTP/1.1\r", False),
        (b"GET / HTTP/1.1\r\n", False),
        (b"GET / HTTP/1.1\r\nX: a\tb", False),
        (b"\xff", False),
        (b"\n", True),
        (b"GET / HTTP/1.1\n", True),
        (b"\r\r", True),
        (b"\ra", True),
        (b"a\x00", True),
    ],
)
def test_a_beginning_without_hope_is_known_at_once(start: bytes, is_hopeless: bool):
    assert grammar.is_hopeless_prefix(start) == is_hopeless


@pytest.mark.parametrize("octet", ALL)
def test_a_plain_target_holds_no_octet_that_means_something(octet: bytes):
    start = b"GET /" + octet + b" "
    plain = set(b"!$%&'()*+,-./:;=?@_~") | {c for c in range(128) if chr(c).isalnum()}
    match = grammar.match_plain_request(start + b"HTTP/1.1", len(start))
    assert (match is not None) == (octet[0] in plain)
    assert match is None or match.groups() == (b"GET", b"/" + octet)


@pytest.mark.parametrize("start", [b"", b"GET ", b"GET / ", b"GET /  ", b"get / ", b"GET a "])
def test_only_a_whole_request_line_is_plain(start: bytes):
    match = grammar.match_plain_request(start + b"HTTP/1.1", len(start))
    assert (match is not None) == (start == b"GET / ")


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (b"0", 0),
        (b"007", 7),
        (b"9" * 18, 10**18 - 1),
        (b"9" * 19, None),
        (b"", None),
        (b"-1", None),
        (b"1_0", None),
        (b" 1", None),
        (b"1\n", None),
        (b"\xb2", None),
    ],
)
def test_a_length_is_digits(value: bytes, number: int | None):
    assert grammar.parse_length(value) == number


def test_a_list_is_lower_case_without_empty_members():
    assert grammar.list_members(b" A ,,\tb b\t,") == [b"a", b"b b"]
    assert grammar.list_members(b"") == []


@pytest.mark.parametrize(
    ("protocol", "name"),
    [
        (b"websocket", b"websocket"),
        (b"a/1.0", b"a"),
        (b"a/", b""),
        (b"/a", b""),
        (b"a b", b""),
        (b"", b""),
        (b"a;b", b""),
        (b"a/b/c", b""),
    ],
)
def test_a_protocol_is_a_name_with_or_without_a_version(protocol: bytes, name: bytes):
    assert grammar.protocol_name(protocol) == name


def test_a_malformed_head_is_given_up_in_linear_time():
    """A regular expression that went back would need minutes here."""
    lines = b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200_000
    assert not grammar.is_well_formed_head(lines + b"X\r\n\r\n")
    assert not grammar.is_well_formed_head(b"a" * 1_000_000)
