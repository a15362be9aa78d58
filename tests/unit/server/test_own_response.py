"""Responses of the gate's own are complete and say what they must."""

from __future__ import annotations

import h11

from proxy.server.own_response import own_response
from proxy.web.error_page import render_error


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
