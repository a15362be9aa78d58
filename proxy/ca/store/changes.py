"""What can be changed in the store, inside a writing transaction."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from proxy.ca.store.queries import Reading
from proxy.ca.store.schema import (
    audit,
    certificates,
    inherited_revocations,
    issuers,
    revocations,
)
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.ca.store.records import AuditRecord, NewCertificate, RevocationRecord

# 20 octets, the first bit of which is the sign (RFC 5280 section 4.1.2.2).
LARGEST_SERIAL = 2**159 - 1


class Writing(Reading):
    """Changes within one transaction; all of them take effect at its end, or none."""

    def add_issuer(
        self,
        *,
        subject: str,
        fingerprint_sha256: str,
        certificate: bytes,
        next_serial: int | None,
        crl_number: int,
        created_at: int,
    ) -> int:
        """Enter a CA and return its row; without ``next_serial`` its serials are random."""
        new = insert(issuers).values(
            subject=subject,
            fingerprint_sha256=fingerprint_sha256,
            certificate=certificate,
            next_serial=None if next_serial is None else str(next_serial),
            crl_number=crl_number,
            created_at=created_at,
        )
        row: int = self._connection.execute(new.returning(issuers.c.id)).scalar_one()
        return row

    def inherit(self, issuer_id: int, entries: Iterable[RevocationRecord]) -> None:
        """Enter the revocations that an adopted CA brings along."""
        rows = [
            asdict(entry) | {"issuer_id": issuer_id, "serial": str(entry.serial)}
            for entry in entries
        ]
        if rows:
            self._connection.execute(insert(inherited_revocations), rows)

    def take_serial(self, issuer_id: int) -> int | None:
        """Return the next serial and count on; None where the CA's serials are random.

        SQLite holds its write lock since BEGIN IMMEDIATE; PostgreSQL locks the row.

        Raises:
            CertgateError: the serials have used up their 20 octets.
        """
        text: str | None = self._connection.execute(
            select(issuers.c.next_serial).where(issuers.c.id == issuer_id).with_for_update()
        ).scalar_one()
        if text is None:
            return None
        serial = int(text)
        while self._is_inherited(issuer_id, serial):
            serial += 1
        if serial > LARGEST_SERIAL:
            raise CertgateError("the serial numbers are used up: this CA cannot issue any more")
        self._connection.execute(
            update(issuers).where(issuers.c.id == issuer_id).values(next_serial=str(serial + 1))
        )
        return serial

    def _is_inherited(self, issuer_id: int, serial: int) -> bool:
        """Tell whether an adopted CA used, and revoked, this serial before."""
        column = inherited_revocations.c.serial
        found = self._connection.execute(
            select(column).where(
                inherited_revocations.c.issuer_id == issuer_id, column == str(serial)
            )
        )
        return found.first() is not None

    def take_crl_number(self, issuer_id: int, at_least: int) -> int:
        """Count the CRL number up, beyond ``at_least``, and return it."""
        current: int = self._connection.execute(
            select(issuers.c.crl_number).where(issuers.c.id == issuer_id).with_for_update()
        ).scalar_one()
        number = max(current, at_least) + 1
        self._connection.execute(
            update(issuers).where(issuers.c.id == issuer_id).values(crl_number=number)
        )
        return number

    def add_certificate(self, issuer_id: int, new: NewCertificate) -> None:
        """Enter a certificate."""
        values = asdict(new) | {"issuer_id": issuer_id, "serial": str(new.serial)}
        self._connection.execute(insert(certificates).values(values))

    def move_key(self, certificate_id: int, key_file: str) -> None:
        """Note that a private key lies somewhere else now."""
        self._connection.execute(
            update(certificates)
            .where(certificates.c.id == certificate_id)
            .values(key_file=key_file)
        )

    def revoke(self, certificate_id: int, reason: str, revoked_at: int) -> None:
        """Enter a revocation."""
        self._connection.execute(
            insert(revocations).values(
                certificate_id=certificate_id, reason=reason, revoked_at=revoked_at
            )
        )

    def unrevoke(self, certificate_id: int) -> None:
        """Take a revocation back."""
        self._connection.execute(
            delete(revocations).where(revocations.c.certificate_id == certificate_id)
        )

    def note(self, record: AuditRecord) -> None:
        """Add to the audit."""
        serial = None if record.serial is None else str(record.serial)
        self._connection.execute(insert(audit).values(asdict(record) | {"serial": serial}))
