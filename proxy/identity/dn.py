"""Distinguished names as text: nginx's form for headers and logs, a readable one for people.

nginx prints ``$ssl_client_s_dn`` with ``X509_NAME_print_ex(…, XN_FLAG_RFC2253)``. Apps compare that
text byte for byte, so it is rebuilt here from the name's own DER (RFC 2253 §2, OpenSSL's
``crypto/x509/x509_name.c`` and ``crypto/asn1/a_strex.c`` behaviour, OpenSSL 3.0).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from proxy.identity import der
from proxy.identity.attribute_types import SHORT_NAMES
from proxy.identity.der import UnreadableCertificateError

if TYPE_CHECKING:
    from cryptography.x509 import Name

_BMP_STRING: Final = 0x1E
_ENCODINGS: Final = {
    0x0C: "utf-8",
    0x12: "latin-1",  # NumericString
    0x13: "latin-1",  # PrintableString
    0x14: "latin-1",  # T61String: OpenSSL reads it as Latin-1, as everyone writes it
    0x16: "latin-1",  # IA5String: bytes above 0x7f are taken as Latin-1 too
    0x1C: "utf-32-be",  # UniversalString
    _BMP_STRING: "utf-16-be",
}
"""String types that OpenSSL admits in a name (``B_ASN1_PRINTABLE``) and prints as text."""

_MAX_OID_TEXT: Final = 79
"""``X509_NAME_print_ex`` cuts longer ones off: two types would share one text."""

_MAX_NAME_OCTETS: Final = 8192
"""Anybody may send a certificate, of up to 100 KB; a name of that size would take 30 ms to read."""

_ESCAPED: Final = re.compile(r'["+,;<>\\\x00-\x1f\x7f-\xff]')
_PLAIN: Final = re.compile(r'(?![ #])[^"+,;<>\\\x00-\x1f\x7f-\U0010ffff]+(?<! )')
"""A value that is its own text."""

_READABLE_LIMIT: Final = 256


class NameAttribute(NamedTuple):
    """One attribute of a distinguished name.

    A NamedTuple because a frozen dataclass takes four times as long to make.

    Attributes:
        type: OpenSSL's short name (``CN``, ``emailAddress``), or the dotted OID.
        value: its text; None where the value is not a character string.
        rfc2253: ``type=value`` as nginx prints it; ASCII without control characters.
        joined: shares its RDN with the attribute before it (a multi-valued RDN).
    """

    type: str
    value: str | None
    rfc2253: str
    joined: bool


@lru_cache(maxsize=64)
def parse_name(name: bytes) -> tuple[NameAttribute, ...]:
    """Return the attributes of a DER-encoded Name (RFC 5280 §4.1.2.4), in encoded order.

    The last few are remembered: all clients of one CA have one issuer.

    Raises:
        UnreadableCertificateError: not DER, or text that has no unambiguous reading.
    """
    if len(name) > _MAX_NAME_OCTETS:
        raise UnreadableCertificateError("a name of more than 8 KiB")
    attributes = []
    for rdn in der.read_children(name, *der.read_only(name, 0, len(name), der.SEQUENCE)):
        members = der.read_children(name, *der.expect(rdn, der.SET))
        if not members:
            raise UnreadableCertificateError("empty relative distinguished name")
        for position, member in enumerate(members):
            attributes.append(_attribute(name, member, joined=position > 0))
    return tuple(attributes)


def join_rfc2253(attributes: tuple[NameAttribute, ...]) -> str:
    """Return nginx's ``$ssl_client_s_dn`` of a parsed name: last attribute first."""
    parts: list[str] = []
    for attribute in reversed(attributes):
        parts.append(attribute.rfc2253)
        parts.append("+" if attribute.joined else ",")
    return "".join(parts[:-1])


def rfc2253(name: Name) -> str:
    """Return ``name`` as nginx's ``$ssl_client_s_dn`` and ``openssl -nameopt RFC2253`` print it.

    For a certificate that somebody else made, ``CertificateFacts`` is exact where this cannot be:
    ``cryptography`` sorts the members of a multi-valued RDN when it encodes a name again.

    Raises:
        UnreadableCertificateError: text that has no unambiguous reading.
    """
    return join_rfc2253(parse_name(name.public_bytes()))


def readable(attributes: tuple[NameAttribute, ...]) -> str:
    r"""Return a name for people: ``CN=Jürgen, O=Acme``, most specific attribute first.

    Control, format and bidirectional characters become ``\u{202E}``, so that a name cannot forge
    a log line or turn the text around it. It still has to be escaped for HTML, and it is not for
    comparing: several names can look alike.
    """
    parts = [
        f"{item.type}={visible(item.value)}" if item.value is not None else item.rfc2253
        for item in reversed(attributes)
    ]
    text = ", ".join(parts)
    return text if len(text) <= _READABLE_LIMIT else text[: _READABLE_LIMIT - 1] + "…"


def visible(text: str) -> str:
    r"""Replace every character that is not printed as itself by its ``\u{…}`` number."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        f"\\u{{{ord(char):X}}}" if unicodedata.category(char)[0] in "CZ" and char != " " else char
        for char in text
    )


def _attribute(name: bytes, member: der.Element, *, joined: bool) -> NameAttribute:
    fields = der.read_children(name, *der.expect(member, der.SEQUENCE))
    if len(fields) != 2:  # noqa: PLR2004 - AttributeTypeAndValue is a pair
        raise UnreadableCertificateError("an attribute is a type and a value")
    start, end = der.expect(fields[0], der.OBJECT_IDENTIFIER)
    oid = name[start:end]
    tag, content, stop = fields[1]
    value = _text(tag, name[content:stop])
    short_name = _SHORT_NAME_OF.get(oid)
    if short_name and value is not None:
        return NameAttribute(short_name, value, f"{short_name}={_escape(value)}", joined)
    # XN_FLAG_DUMP_UNKNOWN_FIELDS and ASN1_STRFLGS_DUMP_DER: the whole element in hexadecimal.
    kind = short_name or _unknown_type(oid)
    return NameAttribute(kind, value, f"{kind}=#{name[end:stop].hex().upper()}", joined)


def _unknown_type(oid: bytes) -> str:
    kind = der.dotted(oid)
    if len(kind) > _MAX_OID_TEXT:
        raise UnreadableCertificateError("attribute type with an over-long object identifier")
    return kind


def _text(tag: int, content: bytes) -> str | None:
    encoding = _ENCODINGS.get(tag)
    if encoding is None:
        return None
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableCertificateError(f"a name is not {encoding}") from error
    # A BMPString has no surrogates. OpenSSL 3.0 drops them in silence when it prints, so that
    # another name could be printed as `alice`: refused.
    if tag == _BMP_STRING and 2 * len(text) != len(content):
        raise UnreadableCertificateError("surrogates in a BMPString")
    return text


def _escape(value: str) -> str:
    if not value or _PLAIN.fullmatch(value):
        return value
    # Bytes above 0x7f and control characters become \XX of the UTF-8 form, specials get a
    # backslash. CR and LF can so never reach a header.
    text = _ESCAPED.sub(_escape_one, value.encode().decode("latin-1"))
    if value[-1] == " ":
        text = text[:-1] + "\\ "
    # OpenSSL looks at the first character as such only when it is not also the last one.
    if len(value) > 1 and value[0] in " #":
        text = "\\" + text
    return text


def _escape_one(match: re.Match[str]) -> str:
    char = match[0]
    return f"\\{ord(char):02X}" if char < " " or char > "~" else "\\" + char


def _encode_oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    octets = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        octets += bytes(reversed(groups))
    return bytes(octets)


_SHORT_NAME_OF: Final = {_encode_oid(oid): name for oid, name in SHORT_NAMES.items()}
