"""Subject alternative names (RFC 5280 §4.2.1.6), read from the extension's own bytes."""

from __future__ import annotations

from enum import StrEnum
from ipaddress import ip_address
from typing import Final, NamedTuple

from proxy.identity import der, dn
from proxy.identity.der import UnreadableCertificateError

_DIRECTORY_NAME: Final = 0xA4
_IP_ADDRESS: Final = 0x87
_REGISTERED_ID: Final = 0x88
_MAX_OCTETS: Final = 16 * 1024
"""Anybody may send a certificate, of up to 100 KB; names of that size would take 50 ms to read."""

_OPAQUE: Final = frozenset({0xA0, 0xA3, 0xA5})
"""otherName, x400Address, ediPartyName: no rule matches them, the app may look inside."""


class NameKind(StrEnum):
    """The kinds of GeneralName; the values are what ``X-SSL-Client-SAN`` prints."""

    EMAIL = "email"
    DNS = "DNS"
    URI = "URI"
    IP = "IP"
    DIRECTORY = "DirName"
    REGISTERED_ID = "RID"
    OTHER = "other"


_TEXT_KINDS: Final = {0x81: NameKind.EMAIL, 0x82: NameKind.DNS, 0x86: NameKind.URI}


class AlternativeName(NamedTuple):
    """One subject alternative name.

    Attributes:
        kind: what sort of name it is.
        value: DNS, email and URI exactly as certified (ASCII; case kept, control characters
            possible); an IP address in its canonical text; a directory name in RFC 2253 form; a
            registered ID dotted; anything else the element in upper-case hexadecimal.
    """

    kind: NameKind
    value: str


def parse_alternative_names(names: bytes) -> tuple[AlternativeName, ...]:
    """Return the names of a DER-encoded ``GeneralNames``, in encoded order.

    Raises:
        UnreadableCertificateError: not DER, not ASCII where RFC 5280 demands it, or an IP address
            that is neither 4 nor 16 octets.
    """
    if len(names) > _MAX_OCTETS:
        raise UnreadableCertificateError("more than 16 KiB of subject alternative names")
    content = der.read_only(names, 0, len(names), der.SEQUENCE)
    return tuple(_parse_one(names, item) for item in der.read_children(names, *content))


def _parse_one(names: bytes, item: der.Element) -> AlternativeName:
    tag, start, end = item
    content = names[start:end]
    if kind := _TEXT_KINDS.get(tag):
        return AlternativeName(kind, _ascii(content))
    if tag == _IP_ADDRESS:
        return AlternativeName(NameKind.IP, _address(content))
    if tag == _DIRECTORY_NAME:
        return AlternativeName(NameKind.DIRECTORY, dn.join_rfc2253(dn.parse_name(content)))
    if tag == _REGISTERED_ID:
        return AlternativeName(NameKind.REGISTERED_ID, der.dotted(content))
    if tag in _OPAQUE:
        return AlternativeName(NameKind.OTHER, content.hex().upper())
    raise UnreadableCertificateError(f"unknown kind {tag:#04x} of subject alternative name")


def _ascii(content: bytes) -> str:
    try:
        return content.decode("ascii")
    except UnicodeDecodeError as error:
        raise UnreadableCertificateError("a subject alternative name is not ASCII") from error


def _address(content: bytes) -> str:
    try:
        return str(ip_address(content))
    except ValueError as error:
        raise UnreadableCertificateError("an IP address is neither 4 nor 16 octets") from error
