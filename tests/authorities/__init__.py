"""Certificate authorities as the product makes them, quick ones, for tests of ``proxy.ca``."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from proxy.ca.authority import Authority
from proxy.ca.creation import NewAuthority
from proxy.ca.keys import KeyType
from proxy.ca.names import SubjectFields
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest
from proxy.ca.store.records import CertificateRecord, Filter

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = b"correct horse battery staple"


@dataclass(slots=True)
class Clock:
    """A clock that the test turns; it starts at the real time, so that OpenSSL agrees."""

    moment: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **span: float) -> None:
        """Move forward, e.g. ``days=3``."""
        self.moment += timedelta(**span)


def new_authority(name: str = "Test CA", **changes: object) -> NewAuthority:
    """Return the plan of a CA whose key is made in a millisecond."""
    return NewAuthority(**{"subject": SubjectFields(name), "key_type": KeyType.P256} | changes)  # type: ignore[arg-type]


def make_authority(directory: Path, clock: Clock | None = None, **changes: object) -> Authority:
    """Make a CA in a folder."""
    return Authority.create(directory, new_authority(**changes), PASSPHRASE, clock or Clock())  # type: ignore[arg-type]


def client(name: str = "alice", **changes: object) -> LeafRequest:
    """Return a request for a client certificate."""
    subject = SubjectFields(name, "Acme")
    return LeafRequest(**{"profile": Profile.CLIENT, "subject": subject} | changes)  # type: ignore[arg-type]


def record_of(authority: Authority, serial: int) -> CertificateRecord:
    """Return the store's record of a serial that must be there."""
    record = authority.registry.by_serial(serial)
    assert record is not None
    return record


def records_of(authority: Authority) -> list[CertificateRecord]:
    """Return everything that the CA issued."""
    return list(authority.registry.certificates(Filter()))


def openssl(*arguments: object, stdin: bytes = b"") -> str:
    """Run openssl and return what it says; fail when it fails."""
    done = subprocess.run(
        ["openssl", *map(str, arguments)], input=stdin, capture_output=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stderr.decode()
    return (done.stdout + done.stderr).decode()


def names_in(folder: Path) -> set[str]:
    """Return the names in a folder."""
    return {path.name for path in folder.iterdir()}
