"""Responses of the gate's own are complete and say what they must."""

from __future__ import annotations

import h11
import pytest

from proxy.server.own_response import own_response
from proxy.web.error_page import render_error
from proxy.web.page import Page


def fixed(status: int, *fields: tuple[bytes, bytes]) -> bytes:
    """Return a response whose page has content and these fields."""
    page = Page(b"text/plain", b"content", fields)
    return own_response(status, page, now=0, request_id="4f2a", with_content=True, keep_alive=True)


def own(*, with_content: bool = True, keep_alive: bool = True) -> tuple[h11.Response, bytes]:
    """Return head and content as h11 reads them."""
    page = render_error(502, "upstream_unreachable", b"text/html", request_id="4f2a")
    data = own_response(
        502,
        page,
        now=784111777.9,
        request_id="4f2a",
        with_content=with_content,
        keep_alive=keep_alive,
    )
    parser = h11.Connection(h11.CLIENT)
    method = "GET" if with_content else "HEAD"
    parser.send(h11.Request(method=method, target="/", headers=[("Host", "a")]))
    parser.send(h11.EndOfMessage())
    parser.receive_data(data)
    head, content = parser.next_event(), b""
    while isinstance(event := parser.next_event(), h11.Data):
        content += event.data
    assert isinstance(head, h11.Response)
    assert isinstance(event, h11.EndOfMessage)
    assert not parser.trailing_data[0]
    if with_content:
        assert content == page.body
    return head, content


def test_it_has_the_fields_that_every_response_needs():
    head, _ = own()
    fields = dict(head.headers)
    assert (head.status_code, head.reason) == (502, b"Bad Gateway")
    assert fields[b"date"] == b"Sun, 06 Nov 1994 08:49:37 GMT"
    assert fields[b"x-request-id"] == b"4f2a"
    assert fields[b"content-type"].startswith(b"text/html")
    assert b"connection" not in fields


def test_the_last_one_says_so():
    assert (b"connection", b"close") in list(own(keep_alive=False)[0].headers)


def test_the_answer_to_head_has_the_length_but_not_the_content():
    head, content = own(with_content=False)
    assert int(dict(head.headers)[b"content-length"]) > 100
    assert content == b""


@pytest.mark.parametrize(("status", "lengths"), [(204, 0), (205, 1), (304, 0)])
def test_a_status_without_content_has_none_of_its_fields(status: int, lengths: int):
    """RFC 9110, sections 8.6, 15.3.5, 15.3.6 and 15.4.5."""
    head, _, content = fixed(
        status,
        (b"Content-Type", b"text/plain"),
        (b"content-language", b"en"),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Content-Security-Policy", b"default-src 'none'"),
        (b"ETag", b'"1"'),
    ).partition(b"\r\n\r\n")
    assert content == b""
    assert head.count(b"Content-Length: 0") == head.lower().count(b"content-length") == lengths
    for name in (b"content-type", b"content-language", b"nosniff"):
        assert name not in head.lower()
    assert b"\r\nContent-Security-Policy: default-src 'none'\r\nETag: \"1\"" in head
