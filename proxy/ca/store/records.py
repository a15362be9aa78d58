"""Rows of the store as values, free of SQLAlchemy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Status(StrEnum):
    """What a certificate is worth today; revoked wins over expired."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class IssuerRecord:
    """A CA: ``next_serial`` is None where serials are random."""

    id: int
    fingerprint_sha256: str
    next_serial: int | None
    crl_number: int


class CertificateRecord(NamedTuple):
    """A certificate as ``list`` shows it. Times are seconds since 1970.

    A NamedTuple because a hundred thousand frozen dataclasses take a second to make.

    Attributes:
        key_file: where ``issue`` wrote the private key; empty when the key never was here.
        reason: why it was revoked, in RFC 5280's words; None while it is not.
    """

    id: int
    serial: int
    profile: str
    common_name: str
    subject: str
    not_before: int
    not_after: int
    fingerprint_sha256: str
    key_file: str
    revoked_at: int | None
    reason: str | None

    def status(self, now: int) -> Status:
        """Return the status at a time in seconds since 1970."""
        if self.revoked_at is not None:
            return Status.REVOKED
        return Status.EXPIRED if self.not_after <= now else Status.VALID


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """What enters the store, in one row, before the certificate is handed out."""

    serial: int
    profile: str
    common_name: str
    subject: str
    alternative_names: str
    not_before: int
    not_after: int
    fingerprint_sha256: str
    spki_sha256: str
    certificate: bytes
    key_file: str
    created_at: int


@dataclass(frozen=True, slots=True)
class RevocationRecord:
    """An entry of a CRL; ``revoked_at`` is in seconds since 1970."""

    serial: int
    reason: str
    revoked_at: int


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """Who did what, and when (seconds since 1970)."""

    at: int
    actor: str
    verb: str
    serial: int | None
    detail: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which certificates ``list`` shows; every condition given must hold.

    Attributes:
        search: a part of the subject or of an alternative name, letter case does not count.
        expiring_before: valid ones that end before this time, in seconds since 1970.
        revoked: revoked ones only.
    """

    search: str = ""
    expiring_before: int | None = None
    revoked: bool = False
