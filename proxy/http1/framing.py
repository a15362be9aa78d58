"""Where a message ends: the rules that keep two parsers from disagreeing (RFC 9112, section 6).

Request smuggling lives here. A field that could be read in two ways is refused, never repaired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.grammar import list_members, parse_length, protocol_name
from proxy.http1.messages import CHUNKED, CLOSE, LENGTH, NO_CONTENT, Framing, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping


_OK, _NO_CONTENT, _NOT_MODIFIED = 200, 204, 304
_HTTP_2 = frozenset({b"h2", b"h2c"})


def _transfer_coding(values: list[bytes], minor: int) -> None:
    """Accept exactly one ``Transfer-Encoding: chunked``, and that on HTTP/1.1 only."""
    if minor == 0:
        raise bad_request("Transfer-Encoding does not exist in HTTP/1.0")
    if len(values) != 1 or values[0].lower() != b"chunked":
        raise bad_request("Transfer-Encoding must be exactly «chunked»")


def _content_length(values: list[bytes]) -> int:
    """Return the one Content-Length; a repeated one is refused even when the copies agree."""
    length = parse_length(values[0]) if len(values) == 1 else None
    if length is None:
        raise bad_request("Content-Length must be sent once and hold digits only")
    return length


def request_framing(own: Mapping[bytes, list[bytes]], minor: int) -> tuple[Framing, int]:
    """Return how the content of a request is delimited, and its length.

    Args:
        own: values of the framing fields by lower-case name.
        minor: 1 for HTTP/1.1, 0 for HTTP/1.0.

    Raises:
        ProtocolError: 400 on anything but one clear reading.
    """
    codings, lengths = own.get(b"transfer-encoding"), own.get(b"content-length")
    if codings is not None:
        if lengths is not None:
            raise bad_request("Transfer-Encoding and Content-Length exclude each other")
        _transfer_coding(codings, minor)
        return CHUNKED, 0
    if lengths is not None:
        length = _content_length(lengths)
        return (LENGTH, length) if length else (NO_CONTENT, 0)
    return NO_CONTENT, 0


def request_upgrade(
    own: Mapping[bytes, list[bytes]], nominated: frozenset[bytes], minor: int, framing: Framing
) -> bytes:
    """Return the protocols a request may switch to, or nothing (RFC 9110, section 7.8).

    ``h2c`` is never offered onwards: behind a gateway it is a tunnel past every rule. What is not
    a protocol (``websocket h2c``, quoted names) is left out too, because a server that looks for a
    word in the value would find one. A request with content cannot be told from the new
    protocol's first bytes, so it does not switch.
    """
    values = own.get(b"upgrade")
    if not values or minor == 0 or b"upgrade" not in nominated or framing is not NO_CONTENT:
        return b""
    protocols = list_members(b",".join(values))
    return b", ".join(item for item in protocols if _may_be_offered(protocol_name(item)))


def _may_be_offered(protocol: bytes) -> bool:
    return bool(protocol) and protocol not in _HTTP_2


def response_framing(
    own: Mapping[bytes, list[bytes]], minor: int, status: int, method: bytes
) -> tuple[Framing, int, bytes | None]:
    """Return framing, length and, where no content follows, the length that was announced.

    Raises:
        ProtocolError: the caller answers 502; nginx before 1.23 takes such responses.
    """
    codings, lengths = own.get(b"transfer-encoding"), own.get(b"content-length")
    if codings is not None and lengths is not None:
        raise bad_request("Transfer-Encoding and Content-Length exclude each other")
    if codings is not None:
        _transfer_coding(codings, minor)
    length = _content_length(lengths) if lengths is not None else None
    if status < _OK or status == _NO_CONTENT:
        # RFC 9112, section 6.1 and RFC 9110, section 8.6: neither field may be there.
        if codings is not None or length:
            raise bad_request(f"a {status} response announces content")
        return NO_CONTENT, 0, None
    if method == b"HEAD" or status == _NOT_MODIFIED:
        return NO_CONTENT, 0, None if length is None else b"%d" % length
    if codings is not None:
        return CHUNKED, 0, None
    if length is None:
        return CLOSE, 0, None
    return (LENGTH, length, None) if length else (NO_CONTENT, 0, b"0")
