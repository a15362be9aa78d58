"""Revoking, and the CRL that says so.

A revocation and the CRL's new number are one transaction. The list is signed inside it and lies
on the disk under a temporary name before it ends; then it takes its place. So a full disk changes
nothing, and a crash in between leaves an older list, which every verb reports. The folder's lock
keeps two commands from putting their lists in place in the wrong order.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.ca.clock import from_epoch, to_epoch
from proxy.ca.crl import DEFAULT_LIFETIME, HOLD, crl_end, number_of, pem_of, sign_crl
from proxy.ca.files import StagedFile, locked_folder
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta

    from cryptography import x509

    from proxy.ca.issuance import Signer
    from proxy.ca.registry import Registry
    from proxy.ca.store.changes import Writing
    from proxy.ca.store.records import CertificateRecord


@dataclass(frozen=True, slots=True)
class RevocationDesk:
    """A CA's folder and key, for revoking."""

    registry: Registry
    signer: Signer

    def revoke(self, records: Iterable[CertificateRecord], reason: str) -> None:
        """Revoke certificates and publish a new CRL.

        Args:
            records: certificates of this CA.
            reason: a key of ``proxy.ca.crl.REASONS``.

        Raises:
            CertgateError: one of them is revoked already; then none is revoked now.
        """
        revoked_at = to_epoch(self.registry.now())
        with self._publishing(DEFAULT_LIFETIME) as change:
            for record in records:
                self._check_unrevoked(change, record.serial)
                change.revoke(record.id, reason, revoked_at)
                change.note(self.registry.audited("revoke", record.serial, reason))

    def unrevoke(self, record: CertificateRecord) -> None:
        """Take back a revocation that was only a hold, and publish a new CRL.

        Raises:
            CertgateError: not revoked, or for good (RFC 5280 section 5.3.1).
        """
        with self._publishing(DEFAULT_LIFETIME) as change:
            current = change.by_serial(self.registry.issuer_id, record.serial)
            if current is None or current.reason is None:
                raise CertgateError(f"serial {record.serial} is not revoked")
            if current.reason != HOLD:
                raise CertgateError(
                    f"serial {record.serial} was revoked for good ({current.reason}); only "
                    f"{HOLD} can be taken back: issue a new certificate"
                )
            change.unrevoke(record.id)
            change.note(self.registry.audited("unrevoke", record.serial))

    def publish(self, lifetime: timedelta = DEFAULT_LIFETIME) -> x509.CertificateRevocationList:
        """Sign the list again, with a higher number, and put it in its place.

        Raises:
            CertgateError: the store or the disk refuses.
        """
        with self._publishing(lifetime) as change:
            change.note(self.registry.audited("crl"))
        return self.registry.crl()

    @contextlib.contextmanager
    def _publishing(self, lifetime: timedelta) -> Iterator[Writing]:
        """Run the block in a transaction whose result is a new CRL."""
        with locked_folder(self.registry.folder.path), contextlib.ExitStack() as files:
            with self.registry.store.writing() as change:
                yield change
                staged = files.enter_context(self._stage(change, lifetime))
            staged.rename()

    def _stage(self, change: Writing, lifetime: timedelta) -> StagedFile:
        now = self.registry.now()
        until = crl_end(self.signer.certificate, lifetime, now)
        number = change.take_crl_number(self.registry.issuer_id, self._published_number())
        crl = sign_crl(
            change.revoked(self.registry.issuer_id, to_epoch(now)),
            number=number,
            now=now,
            until=until,
            signer=self.signer,
        )
        pem = pem_of(crl)
        staged = StagedFile.reserve(self.registry.folder.crl, len(pem))
        staged.fill(pem)
        return staged

    def _published_number(self) -> int:
        """Return the number on the disk: a store from a backup may be behind it."""
        try:
            return number_of(self.registry.crl())
        except CertgateError:
            return 0  # missing or damaged: the store's number is all there is

    def _check_unrevoked(self, change: Writing, serial: int) -> None:
        """Look again inside the transaction: somebody else may have been faster."""
        record = change.by_serial(self.registry.issuer_id, serial)
        if record is not None and record.revoked_at is not None:
            raise CertgateError(
                f"serial {serial} was revoked already, "
                f"on {from_epoch(record.revoked_at):%Y-%m-%d} ({record.reason})"
            )
