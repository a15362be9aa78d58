"""How the CA's commands behave with 100,000 certificates in the store, 10,000 of them revoked.

Run:  python -m bench.ca_store [--certificates 100000] [--revoked 10000]

Each figure is a whole command in a process of its own, start-up and imports included, as an
operator feels it. The store is filled through its own interface; the rows share one real
certificate, because what is measured is the store. On one core of a busy four-core machine
(Python 3.11, SQLite 3.40), with the defaults:

    list --json              1.6 s
    list                     1.1 s
    list --expiring 30d      0.5 s
    list --search            0.7 s
    show                     0.5 s
    issue                    0.7 s
    revoke                   0.7 s
    crl                      0.7 s
    crl --show               0.5 s

Of each, 0.4 s are Python and SQLAlchemy starting.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import insert, update

from proxy.ca.authority import Authority
from proxy.ca.clock import to_epoch
from proxy.ca.creation import NewAuthority
from proxy.ca.folder import der_of
from proxy.ca.issuance import fingerprint
from proxy.ca.keys import KeyType, spki_sha256
from proxy.ca.names import SubjectFields
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest
from proxy.ca.store.records import NewCertificate
from proxy.ca.store.schema import certificates, issuers

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PASSPHRASE = "a passphrase for the bench"  # noqa: S105 - guards nothing
COMMANDS = (
    ("list --json", ["list", "--json"]),
    ("list", ["list"]),
    ("list --expiring 30d", ["list", "--expiring", "30d"]),
    ("list --search", ["list", "--search", "user{last}"]),
    ("show by name", ["show", "user{last}"]),
    ("show by serial", ["show", "{last}"]),
    ("issue", ["issue", "one-more", "-o", "{folder}/out"]),
    ("revoke", ["revoke", "{last}"]),
    ("crl", ["crl"]),
    ("crl --show", ["crl", "--show"]),
)


def main() -> None:
    """Fill a store, run the commands, print seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificates", type=int, default=100_000)
    parser.add_argument("--revoked", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder, "ca")
        started = time.perf_counter()
        fill(directory, options.certificates, options.revoked)
        size = (directory / "ca.db").stat().st_size / 2**20
        print(f"filled in {time.perf_counter() - started:.1f} s, {size:.0f} MiB")
        for name, arguments in COMMANDS:
            words = [word.format(folder=folder, last=options.certificates) for word in arguments]
            elapsed, busy = run(directory, words)
            print(f"{name:22} {elapsed:6.2f} s elapsed  {busy:6.2f} s CPU")


def fill(directory: Path, count: int, revoked: int) -> None:
    """Make a CA and enter ``count`` certificates, ``revoked`` of them revoked."""
    new = NewAuthority(SubjectFields("Bench CA"), KeyType.P256)
    with Authority.create(directory, new, PASSPHRASE.encode()) as authority:
        registry = authority.registry
        with registry.store.writing() as change:
            now = to_epoch(registry.now())
            connection = registry.store.connection
            values = [
                asdict(row) | {"issuer_id": registry.issuer_id} for row in rows(authority, count)
            ]
            connection.execute(insert(certificates), values)
            connection.execute(update(issuers).values(next_serial=str(count + 1)))
            for number in range(1, revoked + 1):
                change.revoke(number, "keyCompromise", now)
        authority.revocation.publish()


def rows(authority: Authority, count: int) -> Iterator[NewCertificate]:
    """Yield certificates that differ in what the store looks at."""
    subject = SubjectFields("template")
    with Authority.create(
        authority.registry.folder.path / "template",
        NewAuthority(SubjectFields("Template CA"), KeyType.P256),
        PASSPHRASE.encode(),
    ) as other:
        issued = other.issue(LeafRequest(Profile.CLIENT, subject))
    certificate = issued.certificate
    now = to_epoch(authority.registry.now())
    template = NewCertificate(
        serial=0,
        profile="client",
        common_name="",
        subject="",
        alternative_names="",
        not_before=now,
        not_after=now,
        fingerprint_sha256=fingerprint(certificate),
        spki_sha256=spki_sha256(authority.signer.key.public_key()),
        certificate=der_of(certificate),
        key_file="",
        created_at=now,
    )
    for serial in range(1, count + 1):
        digest = hashlib.sha256(str(serial).encode()).hexdigest()
        yield replace(
            template,
            serial=str(serial),  # type: ignore[arg-type]
            common_name=f"user{serial}",
            subject=f"CN=user{serial},OU=people,O=Bench",
            alternative_names=f"email:user{serial}@example.com",
            not_after=now + 3600 + serial * 300,
            fingerprint_sha256=digest,
            spki_sha256=digest,
        )


def run(directory: Path, arguments: list[str]) -> tuple[float, float]:
    """Return the seconds that a command takes on the wall clock and on the CPU."""
    line = [sys.executable, "-m", "proxy", "ca", "--dir", str(directory), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CERTGATE_CA_PASSPHRASE": PASSPHRASE}
    before, started = children_time(), time.perf_counter()
    subprocess.run(line, check=True, env=environment, capture_output=True)
    return time.perf_counter() - started, children_time() - before


def children_time() -> float:
    """Return the CPU seconds of all commands so far."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
