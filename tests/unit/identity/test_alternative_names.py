"""Subject alternative names of every kind, and the ones that must not be believed."""

from __future__ import annotations

import pytest
from cryptography import x509

from proxy.identity.alternative_names import NameKind, parse_alternative_names
from proxy.identity.der import SEQUENCE, UnreadableCertificateError
from tests.unit.identity.forge import UTF8, common_name, oid, tlv


def names(*items: bytes) -> bytes:
    return tlv(SEQUENCE, b"".join(items))


def test_every_kind_is_read_in_order():
    encoded = names(
        tlv(0x82, b"Alice.example"),
        tlv(0x81, b"alice@example.com"),
        tlv(0x86, b"spiffe://example/alice"),
        tlv(0x87, bytes([127, 0, 0, 1])),
        tlv(0x87, bytes(15) + b"\1"),
        tlv(0xA4, common_name(UTF8, b"a,b")),
        tlv(0x88, oid("1.2.3")[2:]),
        tlv(0xA0, b"\x06\x01\x2a"),
        tlv(0xA3, b"\xff"),
        tlv(0xA5, b""),
    )
    assert [tuple(item) for item in parse_alternative_names(encoded)] == [
        (NameKind.DNS, "Alice.example"),
        (NameKind.EMAIL, "alice@example.com"),
        (NameKind.URI, "spiffe://example/alice"),
        (NameKind.IP, "127.0.0.1"),
        (NameKind.IP, "::1"),
        (NameKind.DIRECTORY, r"CN=a\,b"),
        (NameKind.REGISTERED_ID, "1.2.3"),
        (NameKind.OTHER, "06012A"),
        (NameKind.OTHER, "FF"),
        (NameKind.OTHER, ""),
    ]


def test_what_cryptography_writes_is_read_the_same():
    value = x509.SubjectAlternativeName(
        [x509.DNSName("a.example"), x509.UniformResourceIdentifier("urn:x"), x509.RFC822Name("a@b")]
    )
    assert [item.value for item in parse_alternative_names(value.public_bytes())] == [
        "a.example",
        "urn:x",
        "a@b",
    ]


def test_a_line_break_survives_for_comparing_only():
    """A rule that compares must see the real text; headers escape it."""
    (item,) = parse_alternative_names(names(tlv(0x86, b"urn:a\r\nX: y")))
    assert item.value == "urn:a\r\nX: y"


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(names(tlv(0x82, b"m\xc3\xbcller.example")), id="DNS not ASCII"),
        pytest.param(names(tlv(0x87, b"\x7f\0\0")), id="IP of three octets"),
        pytest.param(names(tlv(0x87, bytes(8))), id="IP with a mask"),
        pytest.param(names(tlv(0x89, b"x")), id="unknown kind"),
        pytest.param(names(tlv(0x04, b"x")), id="no GeneralName at all"),
        pytest.param(names(tlv(0xA4, b"")), id="empty directory name"),
        pytest.param(names(tlv(0x88, b"")), id="empty registered ID"),
        pytest.param(names() + b"\0", id="trailing byte"),
        pytest.param(b"", id="nothing"),
        pytest.param(names(*[tlv(0x82, b"a.example")] * 1600), id="more than a client needs"),
    ],
)
def test_what_has_no_clear_reading_is_an_error(encoded: bytes):
    with pytest.raises(UnreadableCertificateError):
        parse_alternative_names(encoded)
