"""Certificates are put together here and nowhere else: pure functions, time is an argument.

The issuer of a certificate is a ``Signer``: a CA certificate with its private key. Everything
that is in an end-entity certificate comes from a ``Leaf``, whose fields have passed the policy;
extensions come from the profile alone, so that no request can become a CA or a server.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from proxy.ca.keys import PrivateKey, PublicKey, signature_hash
from proxy.ca.profiles import RULES, SHORTEST_LIFETIME, Profile, authority_key_usage, key_usage
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from datetime import datetime

# A client whose clock is a little slow must be able to use a certificate at once.
BACKDATE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Signer:
    """A CA certificate with its private key."""

    certificate: x509.Certificate
    key: PrivateKey


@dataclass(frozen=True, slots=True)
class Validity:
    """From when until when; aware times in whole seconds."""

    not_before: datetime
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Leaf:
    """What an end-entity certificate will say, apart from the serial number."""

    profile: Profile
    subject: x509.Name
    public_key: PublicKey
    alternative_names: tuple[x509.GeneralName, ...]
    validity: Validity


def leaf_validity(
    issuer: x509.Certificate, profile: Profile, lifetime: timedelta | None, now: datetime
) -> Validity:
    """Return the validity of a new certificate.

    Args:
        issuer: the CA's certificate; nothing outlives it.
        profile: gives the default lifetime and the longest one.
        lifetime: as the operator asked; None for the default, which is cut to the CA's end.
        now: the current time.

    Raises:
        CertgateError: the CA has expired, or the lifetime asked for is too short or too long.
    """
    if issuer.not_valid_after_utc <= now:
        raise CertgateError(
            f"the CA expired on {issuer.not_valid_after_utc:%Y-%m-%d}: make a new one"
        )
    rules = RULES[profile]
    if lifetime is None:
        not_after = min(now + rules.default_lifetime, issuer.not_valid_after_utc)
    else:
        not_after = _asked_end(issuer, profile, lifetime, now)
    return Validity(max(now - BACKDATE, issuer.not_valid_before_utc), not_after)


def _asked_end(
    issuer: x509.Certificate, profile: Profile, lifetime: timedelta, now: datetime
) -> datetime:
    longest = RULES[profile].longest_lifetime
    if lifetime < SHORTEST_LIFETIME:
        raise CertgateError("the lifetime is shorter than an hour")
    if longest is not None and lifetime > longest:
        raise CertgateError(
            f"the lifetime of {lifetime.days} days is too long for a {profile} certificate: "
            f"at most {longest.days} days"
        )
    # Compared as a duration: adding an absurd number of days to a date would overflow.
    if lifetime > issuer.not_valid_after_utc - now:
        raise CertgateError(
            f"the lifetime is longer than the CA's own, which ends on "
            f"{issuer.not_valid_after_utc:%Y-%m-%d}; ask for fewer days"
        )
    return now + lifetime


def sign_leaf(leaf: Leaf, serial: int, signer: Signer) -> x509.Certificate:
    """Sign an end-entity certificate (RFC 5280 section 4.2)."""
    rules = RULES[leaf.profile]
    builder = (
        _builder(leaf.subject, leaf.public_key, serial, leaf.validity)
        .issuer_name(signer.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage(), critical=True)
        .add_extension(x509.ExtendedKeyUsage([rules.purpose]), critical=False)
        .add_extension(authority_key_identifier(signer.certificate), critical=False)
    )
    if leaf.alternative_names:
        names = x509.SubjectAlternativeName(leaf.alternative_names)
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer.key, signature_hash(signer.key))


def sign_authority(
    subject: x509.Name,
    key: PrivateKey,
    serial: int,
    validity: Validity,
    *,
    path_length: int,
    signer: Signer | None = None,
) -> x509.Certificate:
    """Sign a CA certificate: self-signed without a signer, else an intermediate."""
    builder = (
        _builder(subject, key.public_key(), serial, validity)
        .issuer_name(signer.certificate.subject if signer else subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(authority_key_usage(), critical=True)
    )
    if signer is None:
        return builder.sign(key, signature_hash(key))
    builder = builder.add_extension(authority_key_identifier(signer.certificate), critical=False)
    return builder.sign(signer.key, signature_hash(signer.key))


def _builder(
    subject: x509.Name, public_key: PublicKey, serial: int, validity: Validity
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .serial_number(serial)
        .not_valid_before(validity.not_before)
        .not_valid_after(validity.not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def authority_key_identifier(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """Return the issuer's key identifier, taken from its certificate where it names one."""
    try:
        own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        # An adopted CA may come without one.
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(
            issuer.public_key()  # type: ignore[arg-type]  # a CA's key was checked when it opened
        )
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own.value)


def fingerprint(certificate: x509.Certificate) -> str:
    """Return the SHA-256 of the certificate in lower-case hex without colons."""
    return certificate.fingerprint(hashes.SHA256()).hex()
