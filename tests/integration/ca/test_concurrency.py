"""Many processes, one store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from proxy.ca.authority import Authority
from proxy.ca.crl import number_of
from proxy.ca.issuance import fingerprint
from tests.authorities import PASSPHRASE, client, make_authority, new_authority, records_of
from tests.authorities.processes import issue_many, revoke_each, warm_context

if TYPE_CHECKING:
    from pathlib import Path

WORKERS, EACH = 8, 125


def test_a_thousand_certificates_from_eight_processes_have_each_serial_once(tmp_path: Path):
    """Serials 1 to 1000, each once, all in the store, all verified."""
    directory, output = tmp_path / "ca", tmp_path / "out"
    output.mkdir()
    make_authority(directory).close()
    context = warm_context()
    workers = [
        context.Process(target=issue_many, args=(directory, output, worker, EACH))
        for worker in range(WORKERS)
    ]
    for process in workers:
        process.start()
    for process in workers:
        process.join(timeout=90)
    assert [process.exitcode for process in workers] == [0] * WORKERS
    with Authority.open(directory, PASSPHRASE) as authority:
        stored = {record.serial: record.fingerprint_sha256 for record in records_of(authority)}
        handed_out = [
            x509.load_pem_x509_certificate(path.read_bytes()) for path in output.iterdir()
        ]
        assert sorted(stored) == list(range(1, WORKERS * EACH + 1))
        assert len(handed_out) == WORKERS * EACH
        for certificate in handed_out:
            assert stored[certificate.serial_number] == fingerprint(certificate)
            certificate.verify_directly_issued_by(authority.registry.certificate)


def test_lists_signed_at_once_end_with_everybody_in_the_last_one(tmp_path: Path):
    """The CRL in place is the newest: no slower process may put an older one over it."""
    directory = tmp_path / "ca"
    with make_authority(directory) as authority:
        for number in range(40):
            authority.issue(client(f"c{number}"))
    context = warm_context()
    workers = [
        context.Process(target=revoke_each, args=(directory, list(range(first, 41, 4))))
        for first in range(1, 5)
    ]
    for process in workers:
        process.start()
    for process in workers:
        process.join(timeout=60)
    assert [process.exitcode for process in workers] == [0] * 4
    with Authority.open(directory, PASSPHRASE) as authority:
        crl = authority.registry.crl()
        assert number_of(crl) == authority.registry.crl_number() == 41
        assert {entry.serial_number for entry in crl} == set(range(1, 41))


def test_of_two_that_make_a_ca_at_once_one_is_refused(tmp_path: Path):
    """The loser must not leave its key beside the winner's certificate."""
    context = warm_context()
    racers = [
        context.Process(target=_create, args=(tmp_path / "ca", tmp_path / f"result{number}"))
        for number in range(4)
    ]
    for process in racers:
        process.start()
    for process in racers:
        process.join(timeout=60)
    results = sorted((tmp_path / f"result{number}").read_text() for number in range(4))
    assert results.count("made") == 1
    assert all("never overwrites" in result for result in results if result != "made")
    Authority.open(tmp_path / "ca", PASSPHRASE).close()


def _create(directory: Path, result: Path) -> None:
    from proxy.errors import CertgateError

    try:
        Authority.create(directory, new_authority(), PASSPHRASE).close()
    except CertgateError as error:
        result.write_text(str(error))
    else:
        result.write_text("made")
