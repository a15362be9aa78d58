"""The head that the upstream gets, byte for byte."""

from __future__ import annotations

import pytest

from proxy.forward.header_rules import HeaderLine, HeaderRules
from proxy.forward.request_head import (
    forwarded_lines,
    ruled_lines,
    upstream_request_head,
    with_length,
)
from proxy.http1.head import RequestParser

OWN = b"X-SSL-Client-Verify: NONE\r\n"


def forwarded(first_line: bytes, *fields: bytes) -> bytes:
    head = b"\r\n".join([first_line, *fields, b"", b""])
    request = RequestParser(0).parse(head)
    return upstream_request_head(request, request.target, OWN)


def test_host_comes_first_and_the_gateways_own_lines_last():
    assert forwarded(b"GET /a?b HTTP/1.1", b"X: 1", b"hOST: A.example", b"Cookie:  c ") == (
        b"GET /a?b HTTP/1.1\r\nHost: a.example\r\nX: 1\r\nCookie: c\r\n" + OWN + b"\r\n"
    )


def test_the_target_is_the_routes_and_not_the_clients():
    request = RequestParser(0).parse(b"GET /x/../a HTTP/1.1\r\nHost: a\r\n\r\n")
    made = upstream_request_head(request, b"/a", b"")
    assert made == b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"


def test_the_upstream_is_spoken_to_in_http_1_1():
    assert forwarded(b"GET / HTTP/1.0") == b"GET / HTTP/1.1\r\nHost: \r\n" + OWN + b"\r\n"


def test_an_absolute_target_arrives_as_path_and_host():
    made = forwarded(b"GET http://A/b HTTP/1.1", b"Host: a")
    assert made == b"GET /b HTTP/1.1\r\nHost: a\r\n" + OWN + b"\r\n"


def test_a_length_is_written_anew():
    made = forwarded(b"PUT / HTTP/1.1", b"Host: a", b"content-length: 007")
    assert made == b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\n" + OWN + b"\r\n"


def test_chunks_are_announced_anew():
    made = forwarded(b"PUT / HTTP/1.1", b"Host: a", b"transfer-encoding: CHUNKED", b"TE: x")
    assert made == b"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n" + OWN + b"\r\n"


@pytest.mark.parametrize("method", [b"POST", b"PUT", b"PATCH"])
def test_a_method_with_content_says_that_there_is_none(method: bytes):
    made = forwarded(method + b" / HTTP/1.1", b"Host: a")
    assert made == method + b" / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" + OWN + b"\r\n"


def test_the_same_fields_with_another_method_say_nothing():
    """What is remembered of a field section holds for every method."""
    parser = RequestParser(0)
    made = []
    for method in (b"POST", b"GET", b"POST"):
        request = parser.parse(method + b" / HTTP/1.1\r\nHost: a\r\n\r\n")
        made.append(upstream_request_head(request, b"/", b""))
    assert [b"Content-Length: 0\r\n" in head for head in made] == [True, False, True]


def test_an_upgrade_is_offered_anew():
    made = forwarded(
        b"GET / HTTP/1.1", b"Host: a", b"Connection: Upgrade, X", b"Upgrade: WebSocket", b"X: 1"
    )
    assert made == (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        + OWN
        + b"\r\n"
    )


def test_connection_takes_only_the_clients_own_fields_away():
    names = b"x-ssl-client-verify, host, content-length, cookie, x-forwarded-for, close"
    made = forwarded(
        b"POST / HTTP/1.1",
        b"Host: a",
        b"Content-Length: 1",
        b"Cookie: b",
        b"Connection: " + names,
        b"X-SSL-Client-Verify: SUCCESS",
    )
    assert made == b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n" + OWN + b"\r\n"


def test_the_app_is_told_how_the_client_came():
    assert forwarded_lines(b"2001:db8::1", 8443) == (
        b"X-Forwarded-For: 2001:db8::1\r\nX-Real-IP: 2001:db8::1\r\n"
        b"X-Forwarded-Proto: https\r\nX-Forwarded-Port: 8443\r\n"
    )


def test_an_unknown_address_is_not_made_up():
    assert forwarded_lines(b"", 443) == (b"X-Forwarded-Proto: https\r\nX-Forwarded-Port: 443\r\n")


def test_a_unix_socket_has_no_port():
    assert forwarded_lines(b"", 0) == b"X-Forwarded-Proto: https\r\n"


# Rules


def ruled(rules: HeaderRules[bytes], *fields: bytes) -> bytes:
    request = RequestParser(0).parse(b"\r\n".join([b"POST / HTTP/1.1", *fields, b"", b""]))
    lines = ruled_lines(request.section, rules, b"context")
    return upstream_request_head(request, b"/x", OWN, lines)


def test_rules_come_after_the_clients_fields_and_before_the_gateways_own():
    rules: HeaderRules[bytes] = HeaderRules(
        frozenset({b"x-gone"}), (HeaderLine(b"X-New", lambda context: context),)
    )
    made = ruled(rules, b"Host: a", b"X-Gone: 1", b"x_gone: 2", b"X-Kept: 3", b"Content-Length: 3")
    assert made == (
        b"POST /x HTTP/1.1\r\nHost: a\r\nX-Kept: 3\r\nContent-Length: 3\r\nX-New: context\r\n"
        + OWN
        + b"\r\n"
    )


def test_host_is_the_rules_if_they_name_one():
    rules: HeaderRules[bytes] = HeaderRules(frozenset(), (), b"b.internal")
    made = ruled(rules, b"Host: a", b"Connection: host")
    assert made.startswith(b"POST /x HTTP/1.1\r\nHost: b.internal\r\n")
    assert made.count(b"Host:") == 1


def test_rules_leave_nothing_behind_in_what_is_remembered():
    request = RequestParser(0).parse(b"GET / HTTP/1.1\r\nHost: a\r\nX-Gone: 1\r\n\r\n")
    rules: HeaderRules[bytes] = HeaderRules(frozenset({b"x-gone"}), ())
    assert b"X-Gone" not in ruled_lines(request.section, rules, b"")
    assert b"X-Gone: 1" in upstream_request_head(request, b"/", b"")


def test_chunks_that_were_stored_have_a_length():
    head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n"
    assert with_length(head, 12) == (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\nX: y\r\n\r\n"
    )


def test_a_length_that_is_known_stays():
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"
    assert with_length(head, 3) == head
