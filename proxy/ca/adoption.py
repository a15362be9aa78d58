"""Taking over a CA that openssl (or anything else) made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509

from proxy.ca.authority import Authority
from proxy.ca.clock import system_clock, to_epoch
from proxy.ca.creation import Inheritance, Material, check_free, write_folder
from proxy.ca.crl import REASONS, load_crl, number_of
from proxy.ca.files import is_file, read_file
from proxy.ca.folder import load_certificates
from proxy.ca.issuance import Signer
from proxy.ca.keys import check_strength, is_same_key, load_private_key
from proxy.ca.store.records import RevocationRecord
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.clock import Clock
    from proxy.ca.keys import PublicKey

# Nobody knows which serials were used where no serial file lies beside the CA. A serial must
# never come twice, so counting starts far above what a person counts up by hand.
UNKNOWN_PAST = 1_000_001


@dataclass(frozen=True, slots=True)
class Adoption:
    """An existing CA.

    Attributes:
        certificate: its certificate, PEM (those above it may follow) or DER.
        key: its key, PEM, encrypted or not.
        crl: its newest CRL, whose entries are taken over; None where there is none.
        first_serial: the next serial; None for random ones.
    """

    certificate: Path
    key: Path
    crl: Path | None
    first_serial: int | None


def adopt(
    directory: Path, adoption: Adoption, passphrase: bytes, clock: Clock = system_clock
) -> Authority:
    """Make a CA's folder from an existing certificate and key.

    The files that are taken over are only read. The key is kept encrypted with the passphrase,
    also when it was not before.

    Raises:
        CertgateError: not a CA, expired, a key that is not its own, a wrong passphrase.
    """
    check_free(directory)
    chain = load_certificates(adoption.certificate)
    certificate, now = chain[0], clock()
    public_key = _check_authority(certificate, adoption.certificate)
    if certificate.not_valid_after_utc <= now:
        raise CertgateError(
            f"{adoption.certificate}: expired on {certificate.not_valid_after_utc:%Y-%m-%d}"
        )
    key = load_private_key(read_file(adoption.key), passphrase, adoption.key)
    if not is_same_key(key.public_key(), public_key):
        raise CertgateError(f"{adoption.key}: this is not the key of {adoption.certificate}")
    signer = Signer(certificate, key)
    inheritance = _inherit(adoption.crl, signer)
    material = Material(signer, chain[1:], adoption.first_serial, "adopted", inheritance)
    write_folder(directory, material, passphrase, now)
    return Authority.open(directory, passphrase, clock)


def _check_authority(certificate: x509.Certificate, path: Path) -> PublicKey:
    """Refuse what verifiers would not take as the issuer of certificates and CRLs."""
    extensions = certificate.extensions
    try:
        basic = extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound as error:
        raise CertgateError(f"{path}: not a CA certificate (it has no basicConstraints)") from error
    if not basic.ca:
        raise CertgateError(f"{path}: not a CA certificate (basicConstraints say CA:FALSE)")
    try:
        usage = extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None  # no restriction
    if usage is not None and not (usage.key_cert_sign and usage.crl_sign):
        raise CertgateError(
            f"{path}: its keyUsage must allow keyCertSign and cRLSign: "
            "otherwise no verifier takes its certificates, or its CRL"
        )
    return check_strength(certificate.public_key(), str(path))


def _inherit(path: Path | None, signer: Signer) -> Inheritance:
    """Read what the old CRL says: a new one without it would let the revoked in again."""
    if path is None:
        return Inheritance()
    crl = load_crl(read_file(path), path)
    public_key = signer.key.public_key()
    if crl.issuer != signer.certificate.subject or not crl.is_signature_valid(public_key):
        raise CertgateError(f"{path}: this CRL was not signed by the CA that is taken over")
    return Inheritance(tuple(_record(entry) for entry in crl), number_of(crl))


def _record(entry: x509.RevokedCertificate) -> RevocationRecord:
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value
    except x509.ExtensionNotFound:
        reason = x509.ReasonFlags.unspecified.value
    if reason not in REASONS:
        reason = x509.ReasonFlags.unspecified.value
    return RevocationRecord(entry.serial_number, reason, to_epoch(entry.revocation_date_utc))


def following_serial(certificate: Path) -> int | None:
    """Return the serial after the last one that openssl noted beside a CA; None if it did not.

    ``openssl x509 -CA`` keeps ``<name>.srl``, ``openssl ca`` and easy-rsa keep ``serial``; both
    are hexadecimal. One says the last serial, the other the next: one further is right for both.
    """
    for path in (certificate.with_suffix(".srl"), certificate.with_name("serial")):
        if is_file(path):
            try:
                return int(read_file(path).split()[0], 16) + 1
            except (ValueError, IndexError) as error:
                raise CertgateError(f"{path}: not a serial file; say --next-serial N") from error
    return None
