"""The fields of a certificate come out byte for byte."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtensionOID

from proxy.identity import der
from proxy.identity.der import UnreadableCertificateError
from proxy.identity.tbs import TbsCertificate
from tests.pki import Profile, client, trust
from tests.unit.identity.forge import oid, tlv

SAN = oid("2.5.29.17")


class Raw:
    """Stands for a certificate whose bytes ``cryptography`` would not have loaded."""

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded

    def public_bytes(self, encoding: Encoding) -> bytes:
        assert encoding is Encoding.DER
        return self.encoded


def read(encoded: bytes) -> TbsCertificate:
    return TbsCertificate.read(Raw(encoded))


def test_the_fields_are_those_that_cryptography_reads():
    leaf = trust().sub.client("bob", alternative_names=(x509.DNSName("b.example"),)).leaf
    tbs = TbsCertificate.read(leaf)
    assert tbs.der == leaf.public_bytes(Encoding.DER)
    assert tbs.serial_number == leaf.serial_number
    assert tbs.subject == leaf.subject.public_bytes()
    assert tbs.issuer == leaf.issuer.public_bytes()
    assert tbs.public_key_info == leaf.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    assert tbs.extension(SAN) == tlv(der.SEQUENCE, tlv(0x82, b"b.example"))


def test_an_absent_extension_is_none():
    assert TbsCertificate.read(client("good").leaf).extension(SAN) is None


def test_the_oid_elsewhere_in_the_certificate_is_not_an_extension():
    """A holder who puts the OID and a SAN of choice into another extension gains nothing."""
    bait = SAN + tlv(0x04, tlv(der.SEQUENCE, tlv(0x82, b"admin.example")))
    more = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), bait)
    leaf = trust().root.issue(Profile(more=((more, False),))).leaf
    assert SAN in leaf.public_bytes(Encoding.DER)
    assert TbsCertificate.read(leaf).extension(SAN) is None


def test_an_oid_that_begins_like_the_sought_one_is_another():
    """2.5.29.17 is a prefix of no other encoded OID, because its length stands before it."""
    more = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17.1"), b"\5\0")
    leaf = trust().root.issue(Profile(more=((more, False),))).leaf
    assert TbsCertificate.read(leaf).extension(SAN) is None


def _certificate(*fields: bytes) -> bytes:
    return tlv(der.SEQUENCE, tlv(der.SEQUENCE, b"".join(fields)) + tlv(0x30, b"") + tlv(3, b"\0"))


MANDATORY = (tlv(0x02, b"\5"), *(tlv(0x30, bytes([0x05, 0])) for _ in range(5)))


def test_a_version_1_certificate_has_no_version_field():
    tbs = read(_certificate(*MANDATORY))
    assert tbs.serial_number == 5
    assert tbs.optional_fields == ()


def test_a_negative_serial_number_stays_negative():
    assert read(_certificate(tlv(0x02, b"\xff"), *MANDATORY[1:])).serial_number == -1


def _extensions(*items: bytes) -> tuple[bytes, bytes]:
    return tlv(0x81, b"\0"), tlv(0xA3, tlv(der.SEQUENCE, b"".join(items)))


def test_the_value_is_found_behind_the_critical_flag():
    extension = tlv(der.SEQUENCE, SAN + tlv(0x01, b"\xff") + tlv(0x04, b"value"))
    assert read(_certificate(*MANDATORY, *_extensions(extension))).extension(SAN) == b"value"


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([tlv(der.SEQUENCE, SAN + tlv(0x04, b"a"))] * 2, id="twice"),
        pytest.param([tlv(der.SEQUENCE, SAN + tlv(0x02, b"a"))], id="not an octet string"),
        pytest.param([tlv(der.SEQUENCE, SAN)], id="no value"),
        pytest.param([tlv(der.SET, SAN + tlv(0x04, b"a"))], id="not a sequence"),
        pytest.param([tlv(der.SEQUENCE, SAN + b"\x04")], id="truncated"),
    ],
)
def test_a_damaged_extension_is_an_error(items: list[bytes]):
    tbs = read(_certificate(*MANDATORY, *_extensions(*items)))
    with pytest.raises(UnreadableCertificateError):
        tbs.extension(SAN)


def test_extensions_need_their_wrapper():
    genuine = read(_certificate(*MANDATORY, *_extensions(tlv(der.SEQUENCE, SAN + tlv(4, b"a")))))
    tag, start, _ = genuine.optional_fields[1]
    with pytest.raises(UnreadableCertificateError):
        replace(genuine, optional_fields=((tag, start, start),)).extension(SAN)


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(tlv(der.SEQUENCE, b""), id="empty"),
        pytest.param(_certificate(), id="no fields"),
        pytest.param(_certificate(*MANDATORY[:-1]), id="one field short"),
        pytest.param(_certificate(MANDATORY[1], *MANDATORY[1:]), id="serial is no integer"),
        pytest.param(_certificate(*MANDATORY) + b"\0", id="trailing byte"),
    ],
)
def test_what_is_no_certificate_is_an_error(encoded: bytes):
    with pytest.raises(UnreadableCertificateError):
        read(encoded)


def test_extension_oid_constant_is_the_standards():
    assert oid(ExtensionOID.SUBJECT_ALTERNATIVE_NAME.dotted_string) == SAN
