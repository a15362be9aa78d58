"""A strict reader for the few DER structures whose exact bytes decide an identity.

``cryptography`` loses what the text of a name depends on (string types, the order inside a
multi-valued RDN), refuses names that OpenSSL takes, and parses every extension to give one. So
names and subject alternative names are read from the certificate's own bytes. Anything that is
not plain DER (X.690 §10, §11) is an error, and an error refuses.
"""

from __future__ import annotations

from typing import Final

OBJECT_IDENTIFIER: Final = 0x06
SEQUENCE: Final = 0x30
SET: Final = 0x31

_LONG_FORM: Final = 0x80
_HIGH_TAG: Final = 0x1F
_SHORTEST: Final = 2
_LAST_ARC_OCTET: Final = 0x80
_MAX_OID_OCTETS: Final = 64
"""``cryptography`` stops at 63. An arc of 100 KB takes half a second to add up."""

Element = tuple[int, int, int]
"""Tag octet, index of the first content octet, index after the last one."""


class UnreadableCertificateError(ValueError):
    """A part of a certificate that cannot be read beyond doubt: the certificate is refused."""


def read_children(data: bytes, start: int, end: int) -> list[Element]:
    """Return the elements that fill ``data[start:end]`` exactly, without looking into them.

    Raises:
        UnreadableCertificateError: truncated, indefinite, over-long or non-minimal length, or a
            tag number above 30.
    """
    children = []
    while start < end:
        if end - start < _SHORTEST:
            raise UnreadableCertificateError("truncated DER element")
        tag, length = data[start], data[start + 1]
        if tag & _HIGH_TAG == _HIGH_TAG:
            raise UnreadableCertificateError("DER tag number above 30")
        content = start + _SHORTEST
        if length >= _LONG_FORM:
            content += length - _LONG_FORM
            length = _long_form(data[start + _SHORTEST : content])
        start = content + length
        children.append((tag, content, start))
    if start > end:
        raise UnreadableCertificateError("DER element is longer than what holds it")
    return children


def _long_form(octets: bytes) -> int:
    length = int.from_bytes(octets)
    # Minimal form only: a second way to write a length is a second reading of the same bytes.
    # No octets at all (0x80) is BER's indefinite length.
    if not octets or octets[0] == 0 or length < _LONG_FORM:
        raise UnreadableCertificateError("DER length is not in its shortest form")
    return length


def read_only(data: bytes, start: int, end: int, tag: int) -> tuple[int, int]:
    """Return where the content of the one element that fills ``data[start:end]`` starts and ends.

    Raises:
        UnreadableCertificateError: not DER, not exactly one element, or another tag.
    """
    children = read_children(data, start, end)
    if len(children) != 1:
        raise UnreadableCertificateError("not exactly one DER element")
    return expect(children[0], tag)


def expect(element: Element, tag: int) -> tuple[int, int]:
    """Return where the content of ``element`` starts and ends, provided that it has this tag.

    Raises:
        UnreadableCertificateError: another tag.
    """
    if element[0] != tag:
        raise UnreadableCertificateError(f"DER tag {element[0]:#04x} where {tag:#04x} belongs")
    return element[1], element[2]


def dotted(oid: bytes) -> str:
    """Write the content octets of an OBJECT IDENTIFIER as ``1.2.840.113549``.

    Raises:
        UnreadableCertificateError: empty, cut short, over-long, or an arc with a leading 0x80.
    """
    if len(oid) > _MAX_OID_OCTETS:
        raise UnreadableCertificateError("object identifier is too long")
    arcs = []
    arc = 0
    first = True
    for octet in oid:
        if first and octet == _LAST_ARC_OCTET:
            raise UnreadableCertificateError("object identifier is not DER")
        arc = arc << 7 | octet & 0x7F
        first = octet < _LAST_ARC_OCTET
        if first:
            arcs.append(arc)
            arc = 0
    if not first or not arcs:
        raise UnreadableCertificateError("object identifier is cut short")
    # X.690 §8.19.4: the first two arcs share one number, and only arc 2 may go beyond 39.
    root = min(arcs[0] // 40, 2)
    return ".".join(map(str, (root, arcs[0] - 40 * root, *arcs[1:])))
