"""A CA without its private key: what it issued, found and listed. No passphrase is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from cryptography import x509

from proxy.ca.audit import operator
from proxy.ca.clock import system_clock, to_epoch
from proxy.ca.crl import due_warning, load_crl, number_of
from proxy.ca.files import is_exposed, is_there, read_file
from proxy.ca.folder import Folder
from proxy.ca.issuance import fingerprint
from proxy.ca.names import subject_text
from proxy.ca.profiles import Profile
from proxy.ca.store import open_store
from proxy.ca.store.records import AuditRecord
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from proxy.ca.clock import Clock
    from proxy.ca.store.records import CertificateRecord, Filter
    from proxy.ca.store.store import Store

_MOST_COMPLETIONS = 100


@dataclass(frozen=True, slots=True)
class Registry:
    """An opened CA folder.

    Attributes:
        folder: where it is.
        chain: the CA's certificate first, then those above it.
        store: its store.
        issuer_id: the CA's row in the store.
        clock: tells the time.
    """

    folder: Folder
    chain: tuple[x509.Certificate, ...]
    store: Store
    issuer_id: int
    clock: Clock

    @classmethod
    def open(cls, directory: Path, clock: Clock = system_clock) -> Self:
        """Open a CA's folder.

        Raises:
            CertgateError: no CA there, or its certificate and its store do not belong together.
        """
        folder = Folder(directory)
        chain = folder.load_chain()
        store = open_store(folder.store)
        with store.reading() as query:
            issuer = query.issuer(fingerprint(chain[0]))
        if issuer is None:
            store.close()
            raise CertgateError(
                f"{folder.store}: the store does not know {folder.certificate}: "
                "the two belong to different CAs"
            )
        return cls(folder, chain, store, issuer.id, clock)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @property
    def certificate(self) -> x509.Certificate:
        """The CA's own certificate."""
        return self.chain[0]

    def now(self) -> datetime:
        """Return the current time."""
        return self.clock()

    def certificates(self, wanted: Filter) -> Iterator[CertificateRecord]:
        """Yield certificates, oldest first."""
        with self.store.reading() as query:
            yield from query.certificates(self.issuer_id, wanted, to_epoch(self.now()))

    def by_serial(self, serial: int) -> CertificateRecord | None:
        """Return the certificate with this serial."""
        with self.store.reading() as query:
            return query.by_serial(self.issuer_id, serial)

    def complete(self, beginning: str) -> list[str]:
        """Return names that begin like this, for the shell."""
        with self.store.reading() as query:
            return query.common_names(self.issuer_id, beginning, _MOST_COMPLETIONS)

    def load(self, record: CertificateRecord) -> x509.Certificate:
        """Return the certificate of a record."""
        with self.store.reading() as query:
            return x509.load_der_x509_certificate(query.certificate_der(record.id))

    def history(self, serial: int) -> list[AuditRecord]:
        """Return who did what with this serial."""
        with self.store.reading() as query:
            return query.history(serial)

    def chain_for(self, profile: Profile) -> tuple[x509.Certificate, ...]:
        """Return the CA certificates that are handed out with a certificate.

        Phones and browsers install the self-signed one from there; a server would only pay for it
        in each handshake.
        """
        if profile is not Profile.SERVER:
            return self.chain
        return tuple(issuer for issuer in self.chain if issuer.issuer != issuer.subject)

    def audited(self, verb: str, serial: int | None = None, detail: str = "") -> AuditRecord:
        """Return an audit record of what the operator does now."""
        return AuditRecord(to_epoch(self.now()), operator(), verb, serial, detail)

    def note(self, verb: str, serial: int, detail: str) -> None:
        """Add to the audit what needed no other change of the store."""
        with self.store.writing() as change:
            change.note(self.audited(verb, serial, detail))

    def crl(self) -> x509.CertificateRevocationList:
        """Return the CRL as it lies on the disk.

        Raises:
            CertgateError: it is missing or damaged.
        """
        return load_crl(read_file(self.folder.crl), self.folder.crl)

    def warnings(self) -> list[str]:
        """Return what the operator should know: a CRL, or a CA, that ends soon or is behind."""
        found = []
        key = self.folder.key
        if is_there(key) and is_exposed(key):
            found.append(f"{key} can be read by others; chmod 600 {key}")
        try:
            crl = self.crl()
        except CertgateError as error:
            return [*found, f"{error}; sign a new one: certgate ca crl"]
        due = due_warning(crl, self.now())
        if due:
            found.append(due)
        if number_of(crl) < self.crl_number():
            found.append(
                f"{self.folder.crl} is older than the store, revocations are missing in it; "
                "sign a new one: certgate ca crl"
            )
        return found

    def crl_number(self) -> int:
        """Return the number of the newest CRL that the store knows of."""
        with self.store.reading() as query:
            issuer = query.issuer(fingerprint(self.certificate))
        return issuer.crl_number if issuer else 0

    def issuer_names(self) -> tuple[x509.Name, ...]:
        """Return the names that no certificate may have: the CA's and those above it."""
        return tuple(certificate.subject for certificate in self.chain)

    def describe(self) -> str:
        """Return the CA's subject as text."""
        return subject_text(self.certificate.subject)
