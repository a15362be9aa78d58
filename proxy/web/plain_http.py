"""The answer to someone who speaks plain HTTP to the TLS port (nginx's status 497, sent as 400)."""

from __future__ import annotations

import re

# Only what begins like an HTTP request gets an HTTP answer; a port scanner's bytes get none.
_REQUEST = re.compile(rb"[A-Z]{1,16} [^\x00-\x20\x7f]+")


def plain_http_answer(start: bytes, port: int) -> bytes:
    """Return a complete response, or nothing when these bytes are no HTTP request.

    Args:
        start: the first bytes of the connection.
        port: the port that was connected to, for the address to use instead; 0 where there is none.
    """
    if not _REQUEST.match(start):
        return b""
    where = f" (port {port})" if port else ""
    body = (
        "400 This port speaks HTTPS\n\n"
        "A plain HTTP request was sent to a port that expects TLS.\n"
        f"Use https:// instead of http:// in the address{where}.\n"
    ).encode()
    head = (
        b"HTTP/1.1 400 Bad Request\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Length: %d\r\n"
        b"Connection: close\r\n\r\n" % len(body)
    )
    return head if start.startswith(b"HEAD ") else head + body
