r"""The grammar on top of llhttp: what it lets pass and a gateway must not.

llhttp (through httptools) reads heads, but it accepts line folding and cannot be told a size, and
what a *gateway* accepts is what the next parser may read differently. So every head first has to
match one regular expression here: lines end in CRLF, nothing is folded, no control byte is inside
(RFC 9112, sections 2.2 and 5; RFC 9110, section 5.5). Stricter than nginx, which takes a bare LF.
"""

from __future__ import annotations

import re

# The head as a whole, blank line included. Possessive, so that nothing is ever tried twice.
_HEAD = re.compile(
    rb"[^\x00-\x1f\x7f]++\r\n"
    rb"(?:[^\x00-\x20\x7f:]++:[^\x00-\x08\x0a-\x1f\x7f]*+\r\n)*+"
    rb"\r\n"
)
# What a line of a head may hold: HTAB, SP, VCHAR and obs-text (RFC 9110, section 5.5).
_LINE_OCTETS = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
_TCHAR = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
# reg-name without percent-encoding and sub-delims, or an IPv6 literal; then a port of 1 to 65535.
# No empty label (nginx: no two dots): "admin.example.." would be one that no route of it takes.
_HOST = re.compile(
    rb"(?:(?!\.|[^:]*\.\.)[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?"
)
_MAX_PORT = 65535
# The request line of nearly every request: what llhttp would say of it is known beforehand. Its
# characters are those of RFC 3986 (no fragment), so nothing here is looser than llhttp.
_PLAIN_REQUEST = re.compile(
    rb"(GET|POST|HEAD|PUT|DELETE|PATCH|OPTIONS) (/[!$%&'()*+,\-./0-9:;=?@A-Z_a-z~]*) "
)
# A Content-Length of 18 digits is an exabyte; more digits only probe for integer overflows.
_LENGTH = re.compile(rb"[0-9]{1,18}")
# A protocol to upgrade to: token ["/" token] (RFC 9110, section 7.8).
_PROTOCOL = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:/[!#$%&'*+\-.^_`|~0-9A-Za-z]+)?")


def is_well_formed_head(head: bytes) -> bool:
    """Tell whether a complete head has clean lines; names and values are llhttp's to judge."""
    return _HEAD.fullmatch(head) is not None


def match_plain_request(head: bytes, end: int) -> re.Match[bytes] | None:
    """Match method and target of a plain request line that ends before its version at ``end``."""
    return _PLAIN_REQUEST.fullmatch(head, 0, end)


def is_hopeless_prefix(start: bytes) -> bool:
    """Tell whether no continuation can make these first bytes of a head well-formed.

    A client that ends its lines with a bare LF would otherwise wait for the head deadline.
    """
    if start.endswith(b"\r"):
        start = start[:-1]
    return bool(start.replace(b"\r\n", b"").translate(None, _LINE_OCTETS))


def is_token(name: bytes) -> bool:
    """Tell whether this is a ``token`` (RFC 9110, section 5.6.2)."""
    return bool(name) and not name.translate(None, _TCHAR)


def is_valid_host(host: bytes) -> bool:
    """Tell whether this is a ``uri-host [":" port]`` without userinfo, list or blank."""
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    port = match.group(1)
    return port is None or 0 < int(port) <= _MAX_PORT


def parse_length(value: bytes) -> int | None:
    """Return the number in a Content-Length, or None: digits only, no sign, no list."""
    return int(value) if _LENGTH.fullmatch(value) else None


def protocol_name(protocol: bytes) -> bytes:
    """Return ``name`` of ``name["/" version]``, empty when this is no protocol."""
    match = _PROTOCOL.fullmatch(protocol)
    return match[1] if match else b""


def list_members(value: bytes) -> list[bytes]:
    """Split a comma-separated list (RFC 9110, section 5.6.1), lower-cased, without the empty."""
    return [member for part in value.lower().split(b",") if (member := part.strip(b" \t"))]
