"""A CA that openssl made goes on here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.ca.adoption import Adoption, adopt, following_serial
from proxy.ca.crl import number_of
from proxy.errors import CertgateError
from tests.authorities import (
    PASSPHRASE,
    Clock,
    client,
    make_authority,
    openssl,
    record_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proxy.ca.authority import Authority

SECRET = f"pass:{PASSPHRASE.decode()}"


def openssl_ca(folder: Path, *extensions: str, days: int = 10) -> tuple[Path, Path]:
    """Make a CA as the openssl page does: a key with a passphrase, a self-signed certificate."""
    key, certificate = folder / "old.key", folder / "old.crt"
    openssl("genrsa", "-aes256", "-traditional", "-passout", SECRET, "-out", key, 2048)
    options = [word for text in extensions for word in ("-addext", text)]
    openssl(
        *("req", "-x509", "-new", "-key", key, "-passin", SECRET, "-days", days),
        *("-subj", "/O=Acme/CN=Old CA", "-out", certificate, *options),
    )
    return certificate, key


@pytest.fixture
def adopted(tmp_path: Path) -> Iterator[Authority]:
    certificate, key = openssl_ca(tmp_path)
    with adopt(tmp_path / "ca", Adoption(certificate, key, None, 100), PASSPHRASE) as authority:
        yield authority


def test_an_openssl_authority_issues_and_revokes(adopted: Authority, tmp_path: Path):
    issued = adopted.issue(client())
    assert issued.serial == 100
    issued.certificate.verify_directly_issued_by(adopted.registry.certificate)
    adopted.revocation.revoke([record_of(adopted, 100)], "superseded")
    options = ("-CAfile", tmp_path / "old.crt", "-noout", "-text")
    told = openssl("crl", "-in", adopted.registry.folder.crl, *options)
    assert "verify OK" in told
    assert "Serial Number: 64" in told


def test_the_key_is_encrypted_anew(adopted: Authority):
    pem = adopted.registry.folder.key.read_bytes()
    assert b"BEGIN ENCRYPTED PRIVATE KEY" in pem
    assert adopted.registry.folder.key.stat().st_mode & 0o777 == 0o600


def test_who_was_revoked_stays_revoked(tmp_path: Path, clock: Clock):
    """The CRL goes on where the old one ended, and a revoked serial is never used again."""
    with make_authority(tmp_path / "old", clock) as old:
        serials = [old.issue(client(f"c{number}")).serial for number in range(3)]
        old.revocation.revoke([record_of(old, serials[0])], "keyCompromise")
        old.revocation.revoke([record_of(old, serials[2])], "unspecified")
        folder = old.registry.folder
    adoption = Adoption(folder.certificate, folder.key, folder.crl, 3)
    with adopt(tmp_path / "new", adoption, PASSPHRASE, clock) as new:
        crl = new.registry.crl()
        assert number_of(crl) == 4
        assert {entry.serial_number for entry in crl} == {1, 3}
        assert new.issue(client()).serial == 4
        new.revocation.publish()
        assert {entry.serial_number for entry in new.registry.crl()} == {1, 3}


@pytest.mark.parametrize(
    ("extension", "reason"),
    [
        ("basicConstraints=critical,CA:FALSE", "basicConstraints say CA:FALSE"),
        ("keyUsage=critical,keyCertSign", "must allow keyCertSign and cRLSign"),
    ],
)
def test_what_verifiers_would_not_take_is_refused(tmp_path: Path, extension: str, reason: str):
    certificate, key = openssl_ca(tmp_path, extension)
    with pytest.raises(CertgateError, match=reason):
        adopt(tmp_path / "ca", Adoption(certificate, key, None, 1), PASSPHRASE)
    assert not (tmp_path / "ca").exists()


def test_a_certificate_without_constraints_is_not_a_ca(tmp_path: Path):
    key, certificate = tmp_path / "k", tmp_path / "c"
    empty = tmp_path / "empty.cnf"
    empty.write_text("[req]\ndistinguished_name=dn\n[dn]\n")
    options = ("-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/CN=x", "-config", empty)
    openssl("req", "-x509", *options, "-out", certificate)
    with pytest.raises(CertgateError, match="has no basicConstraints"):
        adopt(tmp_path / "ca", Adoption(certificate, key, None, 1), PASSPHRASE)


def test_a_key_of_another_certificate_is_refused(tmp_path: Path, authority: Authority):
    certificate, _ = openssl_ca(tmp_path)
    adoption = Adoption(certificate, authority.registry.folder.key, None, 1)
    with pytest.raises(CertgateError, match="this is not the key of"):
        adopt(tmp_path / "new", adoption, PASSPHRASE)


def test_a_wrong_passphrase_is_one_clear_line(tmp_path: Path):
    certificate, key = openssl_ca(tmp_path)
    with pytest.raises(CertgateError, match=r"old\.key: wrong passphrase"):
        adopt(tmp_path / "ca", Adoption(certificate, key, None, 1), b"wrong")


def test_an_expired_authority_is_not_taken_over(tmp_path: Path, clock: Clock):
    certificate, key = openssl_ca(tmp_path)
    clock.advance(days=11)
    with pytest.raises(CertgateError, match="expired on"):
        adopt(tmp_path / "ca", Adoption(certificate, key, None, 1), PASSPHRASE, clock)


def test_a_list_of_another_authority_is_refused(tmp_path: Path, authority: Authority):
    certificate, key = openssl_ca(tmp_path)
    adoption = Adoption(certificate, key, authority.registry.folder.crl, 1)
    with pytest.raises(CertgateError, match="not signed by the CA that is taken over"):
        adopt(tmp_path / "new", adoption, PASSPHRASE)


def test_the_serial_after_openssl_is_known(tmp_path: Path):
    """``openssl x509 -CAcreateserial`` notes the last serial beside the certificate."""
    certificate, key = openssl_ca(tmp_path)
    assert following_serial(certificate) is None
    request, signed = tmp_path / "r.csr", tmp_path / "r.crt"
    new_key = ("-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "r.key")
    openssl("req", "-new", *new_key, "-subj", "/CN=r", "-out", request)
    ca = ("-CA", certificate, "-CAkey", key, "-passin", SECRET, "-CAcreateserial")
    openssl("x509", "-req", "-in", request, *ca, "-out", signed)
    last = int(openssl("x509", "-in", signed, "-noout", "-serial").strip().partition("=")[2], 16)
    following = following_serial(certificate)
    assert following is not None
    assert following > last


@pytest.mark.parametrize("content", ["", "not hex"])
def test_a_broken_serial_file_is_named(tmp_path: Path, content: str):
    (tmp_path / "serial").write_text(content)
    with pytest.raises(CertgateError, match="serial: not a serial file"):
        following_serial(tmp_path / "ca.crt")
