"""From what is typed to what is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from proxy.ca.folder import pem_of
from proxy.ca.reference import select
from proxy.errors import CertgateError
from tests.authorities import client, make_authority, record_of

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.authority import Authority


def serials(authority: Authority, text: str, *, take_all: bool = False) -> list[int]:
    found = select(authority.registry, text, take_all=take_all)
    return [record.serial for record in found]


def test_a_serial_a_name_and_a_file_mean_the_same(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    issued = authority.issue(client())
    (tmp_path / "alice.crt").write_bytes(pem_of(issued.certificate, *issued.chain))
    (tmp_path / "alice.bin").write_bytes(issued.certificate.public_bytes(Encoding.DER))
    monkeypatch.chdir(tmp_path)
    for text in ("1", "001", "alice", "alice.crt", "alice.bin", "./alice.crt"):
        assert serials(authority, text) == [1]


def test_several_valid_ones_are_listed_and_all_takes_all(authority: Authority):
    for _ in range(3):
        authority.issue(client())
    with pytest.raises(CertgateError, match="'alice' has 3 certificates: serials 1, 2, 3"):
        serials(authority, "alice")
    assert serials(authority, "alice", take_all=True) == [1, 2, 3]


def test_the_valid_one_is_meant_where_others_are_revoked(authority: Authority):
    for _ in range(2):
        authority.issue(client())
    authority.revocation.revoke([record_of(authority, 1)], "superseded")
    assert serials(authority, "alice") == [2]
    authority.revocation.revoke([record_of(authority, 2)], "superseded")
    with pytest.raises(CertgateError, match="serials 1, 2"):
        serials(authority, "alice")


def test_a_name_that_is_also_a_serial_has_to_be_told_apart(authority: Authority):
    """Revoking the wrong one of the two would be worse than a question."""
    authority.issue(client("2"))
    authority.issue(client("bob"))
    with pytest.raises(CertgateError, match="say serial:2 or name:2"):
        serials(authority, "2")
    assert serials(authority, "serial:2") == [2]
    assert serials(authority, "name:2") == [1]
    assert serials(authority, "1") == [1]


@pytest.mark.parametrize("text", ["99", "nobody", "serial:x", "name:x", "", "9" * 5000, "²"])
def test_what_is_not_there_is_said(authority: Authority, text: str):
    with pytest.raises(CertgateError, match="no certificate with the serial or name"):
        serials(authority, text)


def test_a_certificate_of_another_authority_is_not_ours(authority: Authority, tmp_path: Path):
    """Same name, same serial, another CA: it must not touch ours."""
    authority.issue(client())
    with make_authority(tmp_path / "other") as other:
        path = tmp_path / "theirs.crt"
        path.write_bytes(pem_of(other.issue(client()).certificate))
    with pytest.raises(CertgateError, match="was not issued by the CA in"):
        serials(authority, str(path))


def test_files_that_are_missing_or_garbage_are_named(authority: Authority, tmp_path: Path):
    with pytest.raises(CertgateError, match="cannot read: no such file"):
        serials(authority, str(tmp_path / "gone.crt"))
    (tmp_path / "bad.crt").write_text("garbage")
    with pytest.raises(CertgateError, match="not a certificate in PEM or DER"):
        serials(authority, str(tmp_path / "bad.crt"))
