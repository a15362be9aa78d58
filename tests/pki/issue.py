"""How a test certificate is put together: a profile, and one function that signs it."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.pki.names import name

if TYPE_CHECKING:
    from cryptography.x509.general_name import GeneralName

    from tests.pki.keys import PrivateKey

START = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a certificate says. The defaults make a good client certificate.

    Attributes:
        subject: the holder's name.
        not_before: start of validity, UTC.
        not_after: end of validity, UTC; the last second is still valid.
        extended_key_usage: the purposes; empty leaves the extension out.
        alternative_names: the subjectAltName entries; empty leaves the extension out.
        ca: may sign certificates.
        path_length: how many CAs may follow; None is without limit.
        digital_signature: key usage; False makes a key for encryption only.
        key_identifiers: write subject and authority key identifiers.
        more: further extensions, each with its criticality.
    """

    subject: x509.Name = field(default_factory=lambda: name("alice"))
    not_before: dt.datetime = START - DAY
    not_after: dt.datetime = START + 90 * DAY
    extended_key_usage: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    alternative_names: tuple[GeneralName, ...] = ()
    ca: bool = False
    path_length: int | None = None
    digital_signature: bool = True
    key_identifiers: bool = True
    more: tuple[tuple[x509.ExtensionType, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs: a name and a key."""

    subject: x509.Name
    key: PrivateKey


def certificate(profile: Profile, key: PrivateKey, issuer: Issuer, serial: int) -> x509.Certificate:
    """Return the certificate for ``key`` that ``issuer`` signs with SHA-256."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(profile.subject)
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(profile.not_before)
        .not_valid_after(profile.not_after)
    )
    for extension, critical in _extensions(profile, key, issuer):
        builder = builder.add_extension(extension, critical)
    return builder.sign(issuer.key, hashes.SHA256())


def _extensions(
    profile: Profile, key: PrivateKey, issuer: Issuer
) -> list[tuple[x509.ExtensionType, bool]]:
    """Return the extensions of RFC 5280, section 4.2.1, that the profile asks for."""
    found: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=profile.ca, path_length=profile.path_length), True),
        (_key_usage(profile), True),
    ]
    if profile.extended_key_usage:
        found.append((x509.ExtendedKeyUsage(profile.extended_key_usage), False))
    if profile.alternative_names:
        found.append((x509.SubjectAlternativeName(profile.alternative_names), False))
    if profile.key_identifiers:
        authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        found.append((x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False))
        found.append((authority, False))
    return [*found, *profile.more]


def _key_usage(profile: Profile) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=profile.digital_signature,
        content_commitment=False,
        key_encipherment=not profile.digital_signature,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=profile.ca,
        crl_sign=profile.ca,
        encipher_only=False,
        decipher_only=False,
    )


def tampered(genuine: x509.Certificate) -> x509.Certificate:
    """Return the certificate with one bit of its signature turned over; it still parses."""
    der = bytearray(genuine.public_bytes(Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_certificate(bytes(der))


_ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")
_ECDSA_SHA1 = bytes.fromhex("300906072a8648ce3d0401")


def signed_with_sha1(
    genuine: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """Return the certificate signed anew by its issuer's key, with SHA-1.

    ``cryptography`` rightly refuses to build one, so the DER is put together here (X.690: the
    outer lengths change because the algorithm identifier is one byte shorter).
    """
    fields = _content(genuine.tbs_certificate_bytes).replace(_ECDSA_SHA256, _ECDSA_SHA1, 1)
    to_be_signed = _tlv(0x30, fields)
    digest = hashlib.sha1(to_be_signed, usedforsecurity=False).digest()
    signature = key.sign(digest, ec.ECDSA(utils.Prehashed(hashes.SHA1())))  # noqa: S303  the point
    der = _tlv(0x30, to_be_signed + _ECDSA_SHA1 + _tlv(0x03, b"\0" + signature))
    return x509.load_der_x509_certificate(der)


def with_bit_string_name(
    genuine: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> x509.Certificate:
    """Return the certificate of ``alice``, signed anew, with her common name as a BIT STRING.

    That is no DirectoryString (RFC 5280, appendix A.1), and OpenSSL's check of name constraints
    gives up at it without asking the callback.
    """
    text, bits = b"\x0c\x05alice", b"\x03\x05\x00lice"
    to_be_signed = genuine.tbs_certificate_bytes.replace(text, bits, 1)
    assert to_be_signed != genuine.tbs_certificate_bytes
    signature = key.sign(to_be_signed, ec.ECDSA(hashes.SHA256()))
    der = _tlv(0x30, to_be_signed + _ECDSA_SHA256 + _tlv(0x03, b"\0" + signature))
    return x509.load_der_x509_certificate(der)


def _tlv(tag: int, content: bytes) -> bytes:
    """Return one DER value of less than 64 KiB."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes(1 if size < 0x100 else 2, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _content(der: bytes) -> bytes:
    """Return the content of one DER value, without tag and length."""
    size_bytes = der[1] & 0x7F if der[1] & 0x80 else 0
    return der[2 + size_bytes :]
