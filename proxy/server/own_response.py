"""Responses that certgate makes itself: refusals and errors."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from proxy.web.page import reason_phrase

if TYPE_CHECKING:
    from proxy.web.page import Page

# No content, no length: RFC 9110, sections 8.6, 15.3.5 and 15.4.5. A 205 has one of 0.
_WITHOUT_LENGTH: Final = frozenset({204, 304})
_WITHOUT_CONTENT: Final = _WITHOUT_LENGTH | {205}
_OF_CONTENT: Final = frozenset(
    {b"content-encoding", b"content-language", b"content-type", b"x-content-type-options"}
)


def own_response(
    status: int,
    page: Page,
    *,
    now: float,
    request_id: str,
    with_content: bool,
    keep_alive: bool,
) -> bytes:
    """Return a complete response.

    Args:
        status: the status code.
        page: content and the fields that belong to it; neither is sent with a status that has none.
        now: seconds since the epoch, for Date.
        request_id: told to the client, so that it can be found in the log.
        with_content: False for the response to HEAD.
        keep_alive: False adds ``Connection: close``.
    """
    body, fields = page.body, page.fields
    if status in _WITHOUT_CONTENT:
        body = b""
        fields = tuple(field for field in fields if field[0].lower() not in _OF_CONTENT)
    lines = [
        f"HTTP/1.1 {status} {reason_phrase(status)}\r\n"
        f"Date: {formatdate(now, usegmt=True)}\r\n"
        f"X-Request-ID: {request_id}\r\n".encode(),
    ]
    if status not in _WITHOUT_LENGTH:
        lines.append(b"Content-Length: %d\r\n" % len(body))
    for name, value in fields:
        lines += (name, b": ", value, b"\r\n")
    if not keep_alive:
        lines.append(b"Connection: close\r\n")
    lines.append(b"\r\n")
    if with_content:
        lines.append(body)
    return b"".join(lines)
