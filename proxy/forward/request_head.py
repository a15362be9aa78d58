"""The head of the request that the upstream gets: written anew, never passed on as it came."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from proxy.forward.names import is_client_field
from proxy.http1.messages import CHUNKED, LENGTH, NO_CONTENT

if TYPE_CHECKING:
    from proxy.forward.header_rules import HeaderRules
    from proxy.http1.messages import Field, RequestFields, RequestHead

ContextT = TypeVar("ContextT")

# RFC 9110, section 8.6: a method whose content has a meaning says so even when there is none.
_CONTENT_METHODS = frozenset({b"POST", b"PUT", b"PATCH"})


def upstream_request_head(
    request: RequestHead, target: bytes, own_lines: bytes, client_lines: bytes = b""
) -> bytes:
    """Return the request head as bytes, blank line included.

    Args:
        request: what the client sent.
        target: the request target to send, chosen by the route.
        own_lines: ready field lines of the gateway's own (who the client is, where it came from).
            They come last and nothing of the client can remove them: names in ``Connection`` only
            ever take the client's own fields away.
        client_lines: the client's own, if ``ruled_lines`` has made them.
    """
    section = request.section
    if not client_lines:
        if not section.forwarded:
            section.forwarded = _field_lines(section, section.host, section.fields)
        client_lines = section.forwarded
    if section.framing is NO_CONTENT and request.method in _CONTENT_METHODS:
        own_lines = b"Content-Length: 0\r\n" + own_lines
    parts = (request.method, b" ", target, b" HTTP/1.1\r\n", client_lines, own_lines, b"\r\n")
    return b"".join(parts)


def with_length(head: bytes, length: int) -> bytes:
    """Return a head of ours whose content was to come in chunks, with a length in their place.

    No field of the client can stand for ours: its own Transfer-Encoding is never passed on.
    """
    chunked, counted = b"\r\nTransfer-Encoding: chunked\r\n", b"\r\nContent-Length: %d\r\n"
    return head.replace(chunked, counted % length, 1)


def ruled_lines(section: RequestFields, rules: HeaderRules[ContextT], context: ContextT) -> bytes:
    """Return the client's field lines after the operator's rules, Host and framing included.

    Unlike those without rules they cannot be remembered: a value may be another each time.
    """
    host = section.host if rules.host is None else rules.host
    lines = _field_lines(section, host, rules.kept(section.fields))
    made = [b"%b: %b\r\n" % (name, value) for _, name, value in rules.made(context)]
    return b"".join([lines, *made])


def _field_lines(section: RequestFields, host: bytes, fields: list[Field]) -> bytes:
    parts = [b"Host: ", host, b"\r\n"]
    nominated = section.nominated
    for lower, name, value in fields:
        if is_client_field(lower) and lower not in nominated:
            parts += (name, b": ", value, b"\r\n")
    if section.framing is LENGTH:
        parts.append(b"Content-Length: %d\r\n" % section.length)
    elif section.framing is CHUNKED:
        parts.append(b"Transfer-Encoding: chunked\r\n")
    if section.upgrade:
        parts += (b"Connection: upgrade\r\nUpgrade: ", section.upgrade, b"\r\n")
    return b"".join(parts)


@lru_cache(maxsize=512)  # whoever connects again comes from the same address
def forwarded_lines(address: bytes, port: int) -> bytes:
    """Return the field lines that tell the app how the client reached the gateway.

    Args:
        address: the client's address as text; empty when it is not known.
        port: the gateway's own port; 0 where there is none.
    """
    lines = b"X-Forwarded-Proto: https\r\n"
    if port:
        lines += b"X-Forwarded-Port: %d\r\n" % port
    if not address:
        return lines
    return b"X-Forwarded-For: %b\r\nX-Real-IP: %b\r\n%b" % (address, address, lines)
