"""Revocation lists, good ones and those that must not be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from tests.pki import DAY, START

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.pki import Authority

URL = x509.UniformResourceIdentifier("http://crl.example/1")


def entry(serial: int, *extensions: tuple[x509.ExtensionType, bool]) -> x509.RevokedCertificate:
    """Return one revoked serial number."""
    builder = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(START - DAY)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.build()


def crl_of(
    authority: Authority,
    *extensions: x509.ExtensionType,
    entries: Iterable[x509.RevokedCertificate] = (),
    number: int | None = None,
    age_days: int = 1,
    days_left: int = 30,
    issuer: x509.Name | None = None,
    critical: bool = True,
) -> x509.CertificateRevocationList:
    """Return a CRL that the authority's key signed."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer or authority.certificate.subject)
        .last_update(START - age_days * DAY)
        .next_update(START + days_left * DAY)
    )
    if number is not None:
        builder = builder.add_extension(x509.CRLNumber(number), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical)
    for item in entries:
        builder = builder.add_revoked_certificate(item)
    return builder.sign(authority.key, hashes.SHA256())


def scope(
    *,
    urls: list[x509.GeneralName] | None = None,
    relative_name: x509.RelativeDistinguishedName | None = None,
    user: bool = False,
    ca: bool = False,
    attribute: bool = False,
    indirect: bool = False,
    reasons: frozenset[x509.ReasonFlags] | None = None,
) -> x509.IssuingDistributionPoint:
    """Return an issuingDistributionPoint."""
    return x509.IssuingDistributionPoint(
        urls, relative_name, user, ca, reasons, indirect, attribute
    )


def ca_with(key_usage: x509.ExtensionType | None, authority: Authority) -> x509.Certificate:
    """Return another certificate of this CA: same name, same key, this keyUsage."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(authority.subject)
        .issuer_name(authority.subject)
        .public_key(authority.key.public_key())
        .serial_number(1)
        .not_valid_before(START)
        .not_valid_after(START + 3650 * DAY)
    )
    if key_usage:
        builder = builder.add_extension(key_usage, critical=True)
    return builder.sign(authority.key, hashes.SHA256())


SIGNS_CERTIFICATES_ONLY = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)
