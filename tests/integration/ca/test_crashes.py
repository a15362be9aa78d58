"""``kill -9`` at any moment: nothing exists that the store does not know."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import pytest
from cryptography import x509

from proxy.ca.authority import Authority
from proxy.ca.crl import number_of
from proxy.ca.files import read_file
from proxy.ca.issuance import fingerprint
from tests.authorities import PASSPHRASE, make_authority, records_of
from tests.authorities.processes import issue_until_killed, warm_context

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext
    from pathlib import Path

KILLS = 200
# An issue takes some milliseconds: the moments are spread over several of them. Every fourth
# process dies while it opens the store and issues for the first time.
LONGEST_LIFE, LONGEST_YOUTH, DIES_YOUNG = 0.04, 0.15, 4


@pytest.mark.slow
def test_two_hundred_kills_leave_no_certificate_outside_the_store(tmp_path: Path):
    """No stranger, no serial twice, no half file, no CRL number that goes back."""
    directory, output = tmp_path / "ca", tmp_path / "out"
    make_authority(directory).close()
    context, moments = warm_context(), random.Random(20)
    numbers = []
    for life in range(KILLS):
        is_young = life % DIES_YOUNG == 0
        span = moments.uniform(0, LONGEST_YOUTH if is_young else LONGEST_LIFE)
        _live_and_die(context, directory, output, life, span, is_young=is_young)
        numbers.append(_crl_number(directory))
    assert numbers == sorted(numbers)
    with Authority.open(directory, PASSPHRASE) as authority:
        records = records_of(authority)
        known = {record.fingerprint_sha256 for record in records}
        assert [record.serial for record in records] == list(range(1, len(records) + 1))
        assert len(records) > KILLS / 4, "the processes died before they issued anything"
        assert {fingerprint(certificate) for certificate in _on_disk(output)} <= known
        with authority.registry.store.reading() as query:
            told = query._connection.exec_driver_sql("PRAGMA integrity_check").scalar_one()
        assert told == "ok"
        authority.revocation.publish()
        revoked = {record.serial for record in records if record.revoked_at is not None}
        assert {entry.serial_number for entry in authority.registry.crl()} == revoked


def _live_and_die(
    context: ForkServerContext,
    directory: Path,
    output: Path,
    life: int,
    span: float,
    *,
    is_young: bool,
) -> None:
    mine, theirs = context.Pipe()
    process = context.Process(target=issue_until_killed, args=(directory, output, life, theirs))
    process.start()
    theirs.close()
    for _ in range(1 if is_young else 2):
        mine.recv_bytes()
    time.sleep(span)  # the moment of the blow is the subject of the test
    process.kill()
    process.join()
    mine.close()
    process.close()


def _crl_number(directory: Path) -> int:
    """Read the list as the proxy would; a half one would not load."""
    return number_of(x509.load_pem_x509_crl(read_file(directory / "crl.pem")))


def _on_disk(output: Path) -> list[x509.Certificate]:
    """Return every certificate on the disk, those in temporary files too."""
    found = []
    for path in output.iterdir():
        data = path.read_bytes().rstrip(b"\0")
        if b"BEGIN CERTIFICATE" in data:
            found.append(x509.load_pem_x509_certificates(data)[0])
    return found
