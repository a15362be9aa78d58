"""What can be asked of the store inside a transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, select, union_all

from proxy.ca.store.records import (
    AuditRecord,
    CertificateRecord,
    Filter,
    IssuerRecord,
    RevocationRecord,
)
from proxy.ca.store.schema import (
    audit,
    certificates,
    inherited_revocations,
    issuers,
    revocations,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from sqlalchemy import ColumnElement, Connection, Select

_RECORD = (
    certificates.c.id,
    certificates.c.serial,
    certificates.c.profile,
    certificates.c.common_name,
    certificates.c.subject,
    certificates.c.not_before,
    certificates.c.not_after,
    certificates.c.fingerprint_sha256,
    certificates.c.key_file,
    revocations.c.revoked_at,
    revocations.c.reason,
)
_BATCH = 1000
_WITH_REVOCATION = certificates.outerjoin(
    revocations, revocations.c.certificate_id == certificates.c.id
)


class Reading:
    """Queries within one transaction; an object lives as long as its transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def issuer(self, fingerprint_sha256: str) -> IssuerRecord | None:
        """Return the CA with this certificate."""
        row = self._connection.execute(
            select(
                issuers.c.id,
                issuers.c.fingerprint_sha256,
                issuers.c.next_serial,
                issuers.c.crl_number,
            ).where(issuers.c.fingerprint_sha256 == fingerprint_sha256)
        ).one_or_none()
        if row is None:
            return None
        next_serial = None if row.next_serial is None else int(row.next_serial)
        return IssuerRecord(row.id, row.fingerprint_sha256, next_serial, row.crl_number)

    def by_serial(self, issuer_id: int, serial: int) -> CertificateRecord | None:
        """Return the certificate with this serial."""
        found = self._records(issuer_id, certificates.c.serial == str(serial))
        return next(found, None)

    def by_common_name(self, issuer_id: int, common_name: str) -> list[CertificateRecord]:
        """Return the certificates whose subject has exactly this common name, oldest first."""
        return list(self._records(issuer_id, certificates.c.common_name == common_name))

    def by_fingerprint(self, issuer_id: int, fingerprint: str) -> CertificateRecord | None:
        """Return the certificate with this SHA-256 fingerprint."""
        found = self._records(issuer_id, certificates.c.fingerprint_sha256 == fingerprint)
        return next(found, None)

    def by_key(self, issuer_id: int, spki_sha256: str) -> list[CertificateRecord]:
        """Return the certificates of one public key."""
        return list(self._records(issuer_id, certificates.c.spki_sha256 == spki_sha256))

    def by_key_file(self, issuer_id: int, key_file: str) -> list[CertificateRecord]:
        """Return the certificates whose private key was written to this file."""
        return list(self._records(issuer_id, certificates.c.key_file == key_file))

    def certificates(self, issuer_id: int, wanted: Filter, now: int) -> Iterator[CertificateRecord]:
        """Yield what the filter lets through, oldest first."""
        return self._records(issuer_id, *_conditions(wanted, now))

    def common_names(self, issuer_id: int, beginning: str, limit: int) -> list[str]:
        """Return names that begin like this, for completion."""
        column = certificates.c.common_name
        rows = self._connection.execute(
            select(column)
            .distinct()
            .where(certificates.c.issuer_id == issuer_id)
            .where(column.startswith(beginning, autoescape=True))
            .order_by(column)
            .limit(limit)
        )
        return [row[0] for row in rows]

    def revoked(self, issuer_id: int, now: int) -> list[RevocationRecord]:
        """Return what belongs into a CRL: revoked and not yet expired.

        When an inherited one expires is not known: it stays.
        """
        own = (
            select(certificates.c.serial, revocations.c.reason, revocations.c.revoked_at)
            .join_from(revocations, certificates)
            .where(certificates.c.issuer_id == issuer_id, certificates.c.not_after > now)
        )
        inherited = select(
            inherited_revocations.c.serial,
            inherited_revocations.c.reason,
            inherited_revocations.c.revoked_at,
        ).where(inherited_revocations.c.issuer_id == issuer_id)
        rows = self._connection.execute(union_all(own, inherited))
        return [RevocationRecord(int(serial), reason, at) for serial, reason, at in rows]

    def certificate_der(self, certificate_id: int) -> bytes:
        """Return the certificate itself."""
        der: bytes = self._connection.execute(
            select(certificates.c.certificate).where(certificates.c.id == certificate_id)
        ).scalar_one()
        return der

    def history(self, serial: int) -> list[AuditRecord]:
        """Return the audit records of one serial, oldest first."""
        rows = self._connection.execute(
            select(audit.c.at, audit.c.actor, audit.c.verb, audit.c.serial, audit.c.detail)
            .where(audit.c.serial == str(serial))
            .order_by(audit.c.id)
        )
        return [
            AuditRecord(at, actor, verb, None if text is None else int(text), detail)
            for at, actor, verb, text, detail in rows
        ]

    def _records(
        self, issuer_id: int, *conditions: ColumnElement[bool]
    ) -> Iterator[CertificateRecord]:
        query: Select[Any] = (
            select(*_RECORD)
            .select_from(_WITH_REVOCATION)
            .where(certificates.c.issuer_id == issuer_id, *conditions)
            .order_by(certificates.c.id)
        )
        # In batches: a row at a time costs twice as much.
        for batch in self._connection.execute(query).partitions(_BATCH):
            for number, serial, *rest in batch:
                yield CertificateRecord(number, int(serial), *rest)


def _conditions(wanted: Filter, now: int) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.search:
        conditions.append(
            certificates.c.subject.icontains(wanted.search, autoescape=True)
            | certificates.c.common_name.icontains(wanted.search, autoescape=True)
            | certificates.c.alternative_names.icontains(wanted.search, autoescape=True)
        )
    if wanted.expiring_before is not None:
        conditions.append(
            and_(
                certificates.c.not_after > now,
                certificates.c.not_after <= wanted.expiring_before,
                revocations.c.revoked_at.is_(None),
            )
        )
    if wanted.revoked:
        conditions.append(revocations.c.revoked_at.is_not(None))
    return conditions
