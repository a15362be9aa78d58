"""The head that the client gets, byte for byte."""

from __future__ import annotations

import pytest

from proxy.forward.response_head import (
    downstream_framing,
    downstream_response_head,
    interim_response_head,
    switching_response_head,
    with_date,
)
from proxy.http1.head import ResponseParser
from proxy.http1.messages import Framing, ResponseHead

OK = b"HTTP/1.1 200 OK\r\n"


def parsed(*lines: bytes, method: bytes = b"GET") -> ResponseHead:
    return ResponseParser(0).parse(b"\r\n".join([*lines, b"", b""]), method)


def sent(head: ResponseHead, minor: int = 1, *, keep_alive: bool = True) -> bytes:
    return downstream_response_head(
        head, downstream_framing(head, minor), minor, keep_alive=keep_alive
    )


@pytest.mark.parametrize(
    ("lines", "minor", "framing"),
    [
        ([b"Content-Length: 5"], 1, Framing.LENGTH),
        ([b"Content-Length: 5"], 0, Framing.LENGTH),
        ([b"Content-Length: 0"], 0, Framing.NONE),
        ([b"Transfer-Encoding: chunked"], 1, Framing.CHUNKED),
        ([b"Transfer-Encoding: chunked"], 0, Framing.CLOSE),
        ([], 1, Framing.CHUNKED),
        ([], 0, Framing.CLOSE),
    ],
)
def test_a_client_is_told_the_end_in_words_of_its_version(
    lines: list[bytes], minor: int, framing: Framing
):
    assert downstream_framing(parsed(b"HTTP/1.1 200 OK", *lines), minor) is framing


def test_end_to_end_fields_pass_as_they_are():
    head = parsed(b"HTTP/1.1 200 OK", b"x: 1", b"Content-Length: 05", b"Set-Cookie:  a", b"X: \xff")
    assert sent(head) == OK + b"x: 1\r\nSet-Cookie: a\r\nX: \xff\r\nContent-Length: 5\r\n\r\n"


def test_fields_of_the_hop_do_not():
    head = parsed(
        b"HTTP/1.1 200 OK", b"Connection: X", b"X: 1", b"Keep-Alive: 1", b"Content-Length: 0"
    )
    assert sent(head) == OK + b"Content-Length: 0\r\n\r\n"


def test_a_client_of_1_0_is_told_whether_the_connection_goes_on():
    head = parsed(b"HTTP/1.1 200 OK", b"Content-Length: 5")
    assert sent(head, 0) == OK + b"Content-Length: 5\r\nConnection: keep-alive\r\n\r\n"
    assert sent(head, 0, keep_alive=False) == OK + b"Content-Length: 5\r\nConnection: close\r\n\r\n"


def test_an_end_of_the_connection_is_announced():
    head = parsed(b"HTTP/1.0 200 OK")
    assert sent(head, keep_alive=False) == (
        OK + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    assert sent(head, 0, keep_alive=False) == OK + b"Connection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "method", "wanted"),
    [
        ([b"HTTP/1.1 200 OK", b"Content-Length: 5"], b"HEAD", b"Content-Length: 5\r\n"),
        ([b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked"], b"HEAD", b""),
        ([b"HTTP/1.1 304 No", b"Content-Length: 5"], b"GET", b"Content-Length: 5\r\n"),
        ([b"HTTP/1.1 204 No", b"Content-Length: 0"], b"GET", b""),
    ],
)
def test_a_response_without_content_only_repeats_what_was_announced(
    lines: list[bytes], method: bytes, wanted: bytes
):
    assert sent(parsed(*lines, method=method)).split(b"\r\n", 1)[1] == wanted + b"\r\n"


def test_the_usual_form_is_made_once():
    head = parsed(b"HTTP/1.1 200 OK", b"Content-Length: 5")
    assert sent(head) is sent(head)


def test_what_is_remembered_is_the_usual_form_only():
    head = parsed(b"HTTP/1.1 200 OK", b"Content-Length: 5")
    usual = sent(head)
    assert b"close" in sent(head, keep_alive=False)
    assert b"keep-alive" in sent(head, 0)
    assert sent(head) == usual == OK + b"Content-Length: 5\r\n\r\n"


def test_an_interim_response_has_neither_framing_nor_connection():
    head = parsed(
        b"HTTP/1.1 103 Early Hints", b"Link: </a>", b"Connection: x", b"Content-Length: 0"
    )
    assert interim_response_head(head) == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def test_a_switch_names_its_protocol():
    head = parsed(b"HTTP/1.1 101 Go", b"X: 1", b"upgrade: websocket", b"connection: Upgrade")
    assert switching_response_head(head) == (
        b"HTTP/1.1 101 Go\r\nX: 1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )


def test_who_has_to_upgrade_is_told_to_what():
    """RFC 9110, section 15.5.22."""
    lines = (b"Upgrade: websocket, echo/2", b"Connection: upgrade", b"Content-Length: 0")
    head = parsed(b"HTTP/1.1 426 Upgrade Required", *lines)
    told = b"Connection: upgrade\r\nUpgrade: websocket, echo/2\r\n"
    start = b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n"
    assert sent(head) == start + told + b"\r\n"
    assert sent(head, keep_alive=False) == start + told + b"Connection: close\r\n\r\n"


@pytest.mark.parametrize("status", [b"200 OK", b"400 Bad Request", b"503 Busy"])
def test_an_offer_to_upgrade_is_not_passed_on(status: bytes):
    head = parsed(b"HTTP/1.1 " + status, b"Upgrade: h2c", b"Connection: upgrade")
    assert b"pgrade" not in sent(head)


def test_who_has_to_upgrade_to_nothing_in_particular_is_told_no_more():
    head = parsed(b"HTTP/1.1 426 Upgrade", b"Content-Length: 0")
    assert sent(head) == b"HTTP/1.1 426 Upgrade\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("lines", "is_dated"),
    [([b"Date: x"], True), ([b"dAtE: x"], True), ([b"Date: x", b"Connection: date"], False)],
)
def test_a_missing_date_is_noticed(lines: list[bytes], is_dated: bool):
    assert parsed(b"HTTP/1.1 200 OK", *lines).is_dated is is_dated


def test_a_date_is_put_in():
    """RFC 9110, section 6.6.1."""
    made = with_date(OK + b"X: 1\r\n\r\n", 784111777.5)
    assert made == OK + b"X: 1\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
