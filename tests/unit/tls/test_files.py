"""Files that cannot be used say so, with their name and the remedy."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import Certificate

from proxy.errors import CertgateError
from proxy.tls.files import (
    load_certificates,
    load_crls,
    load_passphrase,
    load_private_key,
    load_server_certificate,
    read_file,
)
from tests.gate import require
from tests.pki import Files, certificate_pem, ec_key, key_pem, server, trust

WEB = trust().web


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Return a good server certificate and its key."""
    return server().write(tmp_path, "server")


def test_everything_is_found(files: Files, tmp_path: Path):
    bundle, crl = tmp_path / "ca.crt", tmp_path / "crl.pem"
    bundle.write_bytes(trust().ca_pem)
    crl.write_bytes(trust().crl_pem)
    assert load_certificates(bundle) == (trust().root.certificate,)
    assert len(load_crls(crl)) == len(trust().crls)
    loaded = load_server_certificate(files.certificate, files.key)
    assert loaded.private_key.public_key() == load_private_key(files.key, None).public_key()
    assert loaded.chain == ()


@pytest.mark.parametrize("load", [load_certificates, load_crls, load_passphrase, read_file])
def test_a_missing_file_is_named(load: Callable[[Path], Any], tmp_path: Path):
    with pytest.raises(CertgateError, match=r"nowhere: no such file; check the path"):
        load(tmp_path / "nowhere")


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(CertgateError, match="is a directory; name a file"):
        read_file(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n\n  \n"])
@pytest.mark.parametrize("load", [load_certificates, load_crls, load_passphrase])
def test_an_empty_file_is_an_error(load: Callable[[Path], Any], content: bytes, tmp_path: Path):
    path = tmp_path / "empty"
    path.write_bytes(content)
    with pytest.raises(CertgateError, match="empty: the file is empty"):
        load(path)


def test_an_unreadable_file_names_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def refuse(_path: Path) -> bytes:
        raise PermissionError

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CertgateError, match=rf"permission denied; .*\(uid {os.geteuid()}\)"):
        read_file(tmp_path / "key")


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_an_impossible_path_is_an_error(name: str, tmp_path: Path):
    with pytest.raises(CertgateError, match="cannot be read"):
        read_file(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "passphrase"),
    [(b"secret\nignored\n", b"secret"), (b"secret", b"secret"), (b" s \r\n", b" s ")],
)
def test_a_passphrase_is_the_first_line(content: bytes, passphrase: bytes, tmp_path: Path):
    path = tmp_path / "passphrase"
    path.write_bytes(content)
    assert load_passphrase(path) == passphrase


def test_a_passphrase_file_whose_first_line_is_empty_is_an_error(tmp_path: Path):
    path = tmp_path / "passphrase"
    path.write_bytes(b"\nsecret\n")
    with pytest.raises(CertgateError, match="the first line is empty"):
        load_passphrase(path)


def test_an_encrypted_server_key_is_opened_with_its_passphrase_file(tmp_path: Path):
    files = server().write(tmp_path, "server", passphrase=b"open sesame")
    (tmp_path / "passphrase").write_bytes(b"open sesame\n")
    assert load_server_certificate(files.certificate, files.key, tmp_path / "passphrase")
    with pytest.raises(CertgateError, match=r"server\.key: the private key is encrypted"):
        load_server_certificate(files.certificate, files.key)


def test_certificate_and_key_may_be_one_file(files: Files):
    files.certificate.write_bytes(files.key.read_bytes() + files.certificate.read_bytes())
    assert load_server_certificate(files.certificate, files.certificate)


def test_another_certificate_s_key_is_an_error(files: Files):
    files.key.write_bytes(key_pem(ec_key()))
    with pytest.raises(CertgateError, match=r"server\.key: this private key does not belong to"):
        load_server_certificate(files.certificate, files.key)


def test_certificate_and_key_exchanged_are_an_error_that_says_so(files: Files):
    with pytest.raises(CertgateError, match=r"server\.key: line 1: expected a certificate, found"):
        load_certificates(files.key)
    with pytest.raises(CertgateError, match=r"server\.crt: line 1: expected a private key, found"):
        load_server_certificate(files.certificate, files.certificate)


CHAIN = WEB.intermediate("certgate test web sub").server("localhost")
SUB = CHAIN.certificates[1]


@pytest.mark.parametrize("behind", [(), (SUB,), (SUB, WEB.certificate)])
def test_a_chain_in_order_is_taken(behind: tuple[Certificate, ...], tmp_path: Path):
    files = CHAIN.sending(*behind).write(tmp_path, "server")
    assert load_server_certificate(files.certificate, files.key).chain == behind


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ((SUB, CHAIN.leaf), "the server's own certificate must come first"),
        ((CHAIN.leaf, WEB.certificate, SUB), r"certificate 2 \(CN=certgate test web root\) issued"),
        ((CHAIN.leaf, SUB, trust().root.certificate), "certificate 3"),
        ((CHAIN.leaf, CHAIN.leaf), "certificate 2"),
    ],
)
def test_a_chain_out_of_order_is_an_error(
    order: tuple[Certificate, ...], message: str, tmp_path: Path
):
    files = CHAIN.write(tmp_path, "server")
    files.certificate.write_bytes(certificate_pem(*order))
    with pytest.raises(CertgateError, match=message):
        load_server_certificate(files.certificate, files.key)


def test_a_certificate_for_rsa_pss_alone_is_named(tmp_path: Path):
    """OpenSSL says "no certificate assigned": its key is read as plain RSA, which it is not."""
    files = Files(tmp_path / "server.crt", tmp_path / "server.key")
    made = ["-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048", "-subj", "/CN=localhost"]
    written = ["-noenc", "-keyout", str(files.key), "-out", str(files.certificate)]
    command = [require("openssl"), "req", "-x509", *made, *written]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.raises(CertgateError, match=r"server\.crt: a key for RSA-PSS alone"):
        load_server_certificate(files.certificate, files.key)
