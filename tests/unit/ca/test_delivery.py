"""Keys, certificates and bundles on the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12

from proxy.ca.delivery import Target, issue_files, issue_to_file, renew_files, stem_for
from proxy.ca.keys import is_same_key, load_private_key, plain_pem
from proxy.errors import CertgateError
from tests.authorities import client, names_in, record_of, records_of

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.authority import Authority


def target(folder: Path, **changes: object) -> Target:
    values = {"folder": folder, "stem": "alice", "password": "secret", "writes_password": True}
    return Target(**{**values, **changes})  # type: ignore[arg-type]


def test_the_files_belong_together(authority: Authority, tmp_path: Path):
    issued = issue_files(authority, client(), target(tmp_path / "out"))
    folder = tmp_path / "out"
    key = load_private_key((folder / "alice.key").read_bytes(), None, folder)
    first, *chain = x509.load_pem_x509_certificates((folder / "alice.crt").read_bytes())
    assert first == issued.certificate
    assert chain == list(issued.chain)
    assert is_same_key(key.public_key(), first.public_key())  # type: ignore[arg-type]
    bundle = pkcs12.load_pkcs12((folder / "alice.p12").read_bytes(), b"secret")
    assert bundle.cert is not None
    assert bundle.cert.certificate == first
    assert [extra.certificate for extra in bundle.additional_certs] == chain
    assert (folder / "alice.p12.password").read_text() == "secret\n"


def test_only_the_certificate_can_be_read_by_others(authority: Authority, tmp_path: Path):
    issue_files(authority, client(), target(tmp_path / "out"))
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()}
    assert modes == {
        "alice.key": 0o600,
        "alice.crt": 0o644,
        "alice.p12": 0o600,
        "alice.p12.password": 0o600,
    }
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700


def test_without_a_password_there_is_no_bundle(authority: Authority, tmp_path: Path):
    issue_files(authority, client(), target(tmp_path, password=""))
    assert {"alice.key", "alice.crt"} <= names_in(tmp_path)
    assert "alice.p12" not in names_in(tmp_path)


def test_an_older_key_is_kept_under_its_serial(authority: Authority, tmp_path: Path):
    """The older certificate stays valid: losing its key would be silent damage."""
    folder = tmp_path / "out"
    issue_files(authority, client(), target(folder))
    old_key = (folder / "alice.key").read_bytes()
    issue_files(authority, client(), target(folder))
    assert (folder / "alice-1.key").read_bytes() == old_key
    assert (folder / "alice.key").read_bytes() != old_key
    assert record_of(authority, 1).key_file == str(folder / "alice-1.key")
    assert record_of(authority, 2).key_file == str(folder / "alice.key")
    assert {"alice-1.crt", "alice-1.p12", "alice-1.p12.password"} <= names_in(folder)


def test_a_key_of_someone_else_is_not_touched(authority: Authority, tmp_path: Path):
    (tmp_path / "alice.key").write_text("mine")
    with pytest.raises(CertgateError, match=r"alice\.key: this key was not made here"):
        issue_files(authority, client(), target(tmp_path))
    assert (tmp_path / "alice.key").read_text() == "mine"
    assert records_of(authority) == []


def test_a_folder_that_cannot_be_written_stops_it_before_a_certificate_exists(
    authority: Authority, tmp_path: Path
):
    (tmp_path / "file").write_text("")
    with pytest.raises(CertgateError, match="cannot make the folder"):
        issue_files(authority, client(), target(tmp_path / "file" / "out"))
    assert records_of(authority) == []


def test_a_refused_request_leaves_no_files(authority: Authority, tmp_path: Path):
    with pytest.raises(CertgateError, match="CA's own name"):
        issue_files(authority, client("Test CA", subject=_ca_name()), target(tmp_path / "out"))
    assert names_in(tmp_path / "out") == set()


def _ca_name() -> object:
    from proxy.ca.names import SubjectFields

    return SubjectFields("Test CA")


def test_a_renewed_certificate_takes_the_place_of_the_old_one(authority: Authority, tmp_path: Path):
    issued = issue_files(authority, client(), target(tmp_path))
    record = record_of(authority, issued.serial)
    renewed = renew_files(target(tmp_path), lambda: authority.renew(record), issued.key)
    first = x509.load_pem_x509_certificates((tmp_path / "alice.crt").read_bytes())[0]
    assert first.serial_number == renewed.serial
    key = (tmp_path / "alice.key").read_bytes()
    assert issued.key
    assert key == plain_pem(issued.key)


def test_a_file_that_cannot_be_written_stops_it_before_a_certificate_exists(
    authority: Authority, tmp_path: Path
):
    with pytest.raises(CertgateError, match="cannot write: no such file"):
        issue_to_file(tmp_path / "none" / "x.crt", lambda: authority.issue(client()))
    assert records_of(authority) == []


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("alice", "alice"),
        ("Alice Smith", "Alice Smith"),
        ("../../etc/passwd", "_._.._etc_passwd"),
        (".hidden", "_hidden"),
        ("a\\b", "a_b"),
        ("x" * 300, "x" * 100),
    ],
)
def test_a_name_never_leaves_its_folder(name: str, stem: str):
    found = stem_for(name)
    assert "/" not in found
    assert not found.startswith(".")
    if not name.startswith(".."):
        assert found == stem
