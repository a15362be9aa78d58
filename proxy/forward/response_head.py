"""The head of the response that the client gets, re-framed for its HTTP version."""

from __future__ import annotations

from email.utils import formatdate
from typing import TYPE_CHECKING, Final

from proxy.http1.messages import CHUNKED, CLOSE, LENGTH, Framing

if TYPE_CHECKING:
    from proxy.http1.messages import ResponseHead


# The one response but 101 whose Upgrade is for the client: it says what to ask for (RFC 9110,
# section 15.5.22). Elsewhere it offers what this connection may not have.
_UPGRADE_REQUIRED: Final = 426


def downstream_framing(head: ResponseHead, minor: int) -> Framing:
    """Return how the client is told where the content ends.

    Content without a known length is chunked for HTTP/1.1; an HTTP/1.0 client gets the end of the
    connection (RFC 9112, section 6.3).
    """
    if head.framing is CHUNKED or head.framing is CLOSE:
        return CHUNKED if minor == 1 else CLOSE
    return head.framing


def downstream_response_head(
    head: ResponseHead, framing: Framing, minor: int, *, keep_alive: bool
) -> bytes:
    """Return the response head as bytes, blank line included."""
    is_usual = keep_alive and minor == 1
    if is_usual and head.forwarded:
        return head.forwarded
    made = _response_head(head, framing, minor, keep_alive=keep_alive)
    if is_usual:
        head.forwarded = made
    return made


def _response_head(head: ResponseHead, framing: Framing, minor: int, *, keep_alive: bool) -> bytes:
    parts = [b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason)]
    for _, name, value in head.fields:
        parts += (name, b": ", value, b"\r\n")
    if framing is LENGTH:
        parts.append(b"Content-Length: %d\r\n" % head.length)
    elif framing is CHUNKED:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    elif head.announced is not None:
        parts += (b"Content-Length: ", head.announced, b"\r\n")
    if head.status == _UPGRADE_REQUIRED and head.upgrade:
        parts += (b"Connection: upgrade\r\nUpgrade: ", head.upgrade, b"\r\n")
    if not keep_alive:
        parts.append(b"Connection: close\r\n")
    elif minor == 0:
        parts.append(b"Connection: keep-alive\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def with_date(head: bytes, now: float) -> bytes:
    """Return a complete head with the Date that it lacks.

    RFC 9110, section 6.6.1: who forwards a response without one has to add it.

    Args:
        head: without a Date field, blank line included.
        now: seconds since the epoch.
    """
    return b"%bDate: %b\r\n\r\n" % (head[:-2], formatdate(now, usegmt=True).encode())


def interim_response_head(head: ResponseHead) -> bytes:
    """Return a 1xx head, as it is passed on (RFC 9110, section 15.2)."""
    parts = [b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason)]
    for _, name, value in head.fields:
        parts += (name, b": ", value, b"\r\n")
    parts.append(b"\r\n")
    return b"".join(parts)


def switching_response_head(head: ResponseHead) -> bytes:
    """Return the 101 that opens a tunnel, with its Upgrade put back (RFC 9110, section 7.8)."""
    own = b"Connection: upgrade\r\nUpgrade: %b\r\n\r\n" % head.upgrade
    return interim_response_head(head)[:-2] + own
