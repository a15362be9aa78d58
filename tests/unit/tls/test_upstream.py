"""TLS to the servers: what is asked of them, and what is said when it fails."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from proxy.errors import CertgateError
from proxy.tls.upstream import build_upstream_context, tls_failure_reason
from tests.pki import client, server, stranger, trust

if TYPE_CHECKING:
    from pathlib import Path


def test_everything_is_verified_unless_somebody_says_otherwise():
    context = build_upstream_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_verification_can_be_switched_off():
    context = build_upstream_context(verify=False)
    assert context.verify_mode is ssl.CERT_NONE
    assert not context.check_hostname


def test_the_given_cas_are_the_only_ones(tmp_path: Path):
    """The system's are not trusted beside them."""
    (tmp_path / "one.crt").write_bytes(trust().root.pem)
    (tmp_path / "two.crt").write_bytes(stranger().pem)
    context = build_upstream_context([tmp_path / "one.crt", tmp_path / "two.crt"])
    assert len(context.get_ca_certs()) == 2


def test_a_ca_file_without_a_certificate_is_an_error(tmp_path: Path):
    """Not an empty set of anchors, and not the system's in its place."""
    (tmp_path / "ca.crt").write_text("nothing")
    with pytest.raises(CertgateError, match=r"ca\.crt"):
        build_upstream_context([tmp_path / "ca.crt"])


@pytest.mark.parametrize("passphrase", [None, b"secret"])
def test_a_client_certificate_is_taken_with_its_key(tmp_path: Path, passphrase: bytes | None):
    """Encrypted or not; no terminal is ever asked."""
    certificate, key, file = write_pair(tmp_path, passphrase)
    build_upstream_context(certificate=certificate, private_key=key, passphrase_file=file)


def test_a_key_of_another_certificate_is_an_error(tmp_path: Path):
    certificate, _, _ = write_pair(tmp_path, None)
    other = server().write(tmp_path, "other")
    with pytest.raises(CertgateError, match="does not belong"):
        build_upstream_context(certificate=certificate, private_key=other.key)


def test_an_encrypted_key_without_its_passphrase_is_an_error(tmp_path: Path):
    certificate, key, _ = write_pair(tmp_path, b"secret")
    with pytest.raises(CertgateError, match="passphrase"):
        build_upstream_context(certificate=certificate, private_key=key)


def test_a_key_that_ssl_cannot_take_is_an_error(tmp_path: Path):
    """DER is fine elsewhere."""
    certificate, key, _ = write_pair(tmp_path, None)
    key.write_bytes(
        client("good").key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    )
    with pytest.raises(CertgateError, match="cannot be used for TLS"):
        build_upstream_context(certificate=certificate, private_key=key)


def write_pair(folder: Path, passphrase: bytes | None) -> tuple[Path, Path, Path | None]:
    files = client("good").write(folder, "client")
    if passphrase is None:
        return files.certificate, files.key, None
    files.key.write_bytes(
        client("good").key.private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase)
        )
    )
    (folder / "passphrase.txt").write_bytes(passphrase + b"\n")
    return files.certificate, files.key, folder / "passphrase.txt"


def refused(message: str) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = message
    return error


def broken(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "…")
    error.reason = reason
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (refused("unknown CA."), "its certificate is not accepted: unknown CA"),
        (broken("WRONG_VERSION_NUMBER"), "wrong version number"),
        (ConnectionResetError(104, "Connection reset by peer"), "Connection reset by peer"),
        (ConnectionResetError(), "the connection ended in the handshake"),
    ],
)
def test_a_failure_is_told_in_words(error: OSError, reason: str):
    assert tls_failure_reason(error) == reason
