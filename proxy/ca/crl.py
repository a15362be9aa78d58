"""Certificate revocation lists (RFC 5280 section 5): made, read, judged by date."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from proxy.ca.clock import from_epoch
from proxy.ca.issuance import authority_key_identifier
from proxy.ca.keys import signature_hash
from proxy.errors import CertgateError
from proxy.identity.crl_due import due_by

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from proxy.ca.issuance import Signer
    from proxy.ca.store.records import RevocationRecord

# The CA's key is encrypted, so a person must be there to sign: a short-lived CRL would shut
# everybody out at its nextUpdate. A year, and warnings beforehand.
DEFAULT_LIFETIME = timedelta(days=365)
SHORTEST_LIFETIME = timedelta(hours=1)

# What may be given as a reason (RFC 5280 section 5.3.1). removeFromCRL belongs to delta CRLs, and
# aACompromise to attribute certificates.
REASONS = {
    reason.value: reason
    for reason in (
        x509.ReasonFlags.unspecified,
        x509.ReasonFlags.key_compromise,
        x509.ReasonFlags.ca_compromise,
        x509.ReasonFlags.affiliation_changed,
        x509.ReasonFlags.superseded,
        x509.ReasonFlags.cessation_of_operation,
        x509.ReasonFlags.certificate_hold,
        x509.ReasonFlags.privilege_withdrawn,
    )
}
HOLD = x509.ReasonFlags.certificate_hold.value
KEY_COMPROMISE = x509.ReasonFlags.key_compromise.value


def crl_end(issuer: x509.Certificate, lifetime: timedelta, now: datetime) -> datetime:
    """Return nextUpdate: after the lifetime, or where the CA itself ends.

    Raises:
        CertgateError: the CA has expired, or the lifetime is not even an hour.
    """
    left = issuer.not_valid_after_utc - now
    if left <= timedelta(0):
        raise CertgateError(
            f"the CA expired on {issuer.not_valid_after_utc:%Y-%m-%d}: nobody takes a CRL from it"
        )
    if lifetime < SHORTEST_LIFETIME:
        raise CertgateError("a CRL must live for an hour at least")
    # The shorter span first: an absurd lifetime would overflow a date.
    return now + min(lifetime, left)


def sign_crl(
    revocations: Iterable[RevocationRecord],
    *,
    number: int,
    now: datetime,
    until: datetime,
    signer: Signer,
) -> x509.CertificateRevocationList:
    """Sign a list with its number (RFC 5280 section 5.2.3) and the signer's key identifier."""
    issuer = signer.certificate
    # The whole list at once: add_revoked_certificate() copies it for each entry.
    builder = x509.CertificateRevocationListBuilder(
        revoked_certificates=[_entry(revocation) for revocation in revocations]
    )
    return (
        builder.issuer_name(issuer.subject)
        .last_update(now)
        .next_update(until)
        .add_extension(authority_key_identifier(issuer), critical=False)
        .add_extension(x509.CRLNumber(number), critical=False)
        .sign(signer.key, signature_hash(signer.key))
    )


def _entry(revocation: RevocationRecord) -> x509.RevokedCertificate:
    builder = (
        x509.RevokedCertificateBuilder()
        .serial_number(revocation.serial)
        .revocation_date(from_epoch(revocation.revoked_at))
    )
    reason = REASONS[revocation.reason]
    # "unspecified" should be absent rather than written (RFC 5280 section 5.3.1).
    if reason is not x509.ReasonFlags.unspecified:
        builder = builder.add_extension(x509.CRLReason(reason), critical=False)
    return builder.build()


def pem_of(crl: x509.CertificateRevocationList) -> bytes:
    """Return the list in PEM."""
    return crl.public_bytes(serialization.Encoding.PEM)


def load_crl(data: bytes, path: Path) -> x509.CertificateRevocationList:
    """Read one list in PEM or DER.

    Raises:
        CertgateError: it is neither.
    """
    load = x509.load_pem_x509_crl if b"-----BEGIN" in data else x509.load_der_x509_crl
    try:
        return load(data)
    except (ValueError, x509.InvalidVersion) as error:
        raise CertgateError(f"{path}: not a certificate revocation list") from error


def number_of(crl: x509.CertificateRevocationList) -> int:
    """Return the CRL number; 0 for a list without one."""
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0


def due_warning(crl: x509.CertificateRevocationList, now: datetime) -> str | None:
    """Say that a list must be signed again, from 30 days before its nextUpdate.

    Returns:
        One sentence for the operator, or None while there is nothing to do.
    """
    until = due_by(crl, now)
    if until is None:
        return None
    if until <= now:
        return (
            f"the CRL is stale since {until:%Y-%m-%d}: a proxy that checks it refuses everybody; "
            "whoever knows the CA's passphrase must run: certgate ca crl"
        )
    return (
        f"the CRL ends on {until:%Y-%m-%d}, in {(until - now).days} days: "
        "whoever knows the CA's passphrase must run before then: certgate ca crl"
    )
