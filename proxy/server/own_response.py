"""Responses that certgate makes itself: refusals and errors."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from proxy.web.page import reason_phrase

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.http1.messages import Field
    from proxy.web.page import Page


_NO_CONTENT: Final = 204


def own_response(
    status: int,
    page: Page,
    *,
    now: float,
    request_id: str,
    with_content: bool,
    keep_alive: bool,
    further: Iterable[Field] = (),
) -> bytes:
    """Return a complete response.

    Args:
        status: the status code.
        page: content and the fields that belong to it.
        now: seconds since the epoch, for Date.
        request_id: told to the client, so that it can be found in the log.
        with_content: False for the response to HEAD.
        keep_alive: False adds ``Connection: close``.
        further: the operator's fields.
    """
    length = b"Content-Length: %d\r\n" % len(page.body)
    lines = [
        f"HTTP/1.1 {status} {reason_phrase(status)}\r\n"
        f"Date: {formatdate(now, usegmt=True)}\r\n"
        f"X-Request-ID: {request_id}\r\n".encode(),
        b"" if status == _NO_CONTENT else length,  # RFC 9110, section 8.6
    ]
    for name, value in page.fields:
        lines += (name, b": ", value, b"\r\n")
    for _, name, value in further:
        lines += (name, b": ", value, b"\r\n")
    if not keep_alive:
        lines.append(b"Connection: close\r\n")
    lines.append(b"\r\n")
    if with_content:
        lines.append(page.body)
    return b"".join(lines)
