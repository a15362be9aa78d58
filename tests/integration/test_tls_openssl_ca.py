"""CAs and clients as the openssl command makes them, the way that a hundred blog posts show."""

from __future__ import annotations

import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from proxy.tls import ClientCertContext, load_server_certificate, read_peer
from tests.unit.tls.memory import join, server_certificate

if TYPE_CHECKING:
    from pathlib import Path

MAKE_KEY = "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out"
V3_CA = "req -x509 -new -key ca.key -subj /CN=blog -out ca.crt"
V1_CA = "x509 -req -in ca.csr -signkey ca.key -out ca.crt"
CLIENT = "x509 -req -in client.csr -CA ca.crt -CAkey ca.key -set_serial 01 -out client.crt"


def openssl(folder: Path, *commands: str) -> None:
    """Run openssl commands in a folder."""
    for command in commands:
        arguments = ["openssl", *command.split()]
        subprocess.run(arguments, cwd=folder, check=True, capture_output=True)


def client_and_context(folder: Path, make_ca: str) -> tuple[ssl.SSLContext, ClientCertContext]:
    """Return a client certificate of such a CA, and a gate that trusts it."""
    openssl(
        folder,
        f"{MAKE_KEY} ca.key",
        "req -new -key ca.key -subj /CN=blog -out ca.csr",
        f"{make_ca} -days 30",
        f"{MAKE_KEY} client.key",
        "req -new -key client.key -subj /CN=alice -out client.csr",
        f"{CLIENT} -days 30",
    )
    browser = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    browser.check_hostname, browser.verify_mode = False, ssl.CERT_NONE
    browser.load_cert_chain(folder / "client.crt", folder / "client.key")
    context = ClientCertContext()
    context.set_server_certificate(server_certificate())
    context.load_verify_locations(folder / "ca.crt")
    return browser, context


@pytest.mark.parametrize("make_ca", [V3_CA, V1_CA], ids=["req -x509", "version 1"])
def test_a_ca_of_the_openssl_command_is_good_enough(tmp_path: Path, make_ca: str):
    browser, context = client_and_context(tmp_path, make_ca)
    identity = read_peer(join(context, client=browser).server)
    assert identity.judged
    assert identity.errors == ()


@pytest.mark.parametrize("make_ca", [V3_CA, V1_CA], ids=["req -x509", "version 1"])
def test_x509_strict_would_refuse_it(tmp_path: Path, make_ca: str):
    """This is why X509_STRICT is off by default."""
    browser, context = client_and_context(tmp_path, make_ca)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert read_peer(join(context, client=browser).server).errors


def test_keys_and_parameters_in_one_file_are_read(tmp_path: Path):
    """``openssl ecparam -genkey`` writes EC PARAMETERS before the key."""
    openssl(
        tmp_path,
        "ecparam -name prime256v1 -genkey -out server.key",
        "req -x509 -new -key server.key -subj /CN=localhost -days 30 -out server.crt",
    )
    assert load_server_certificate(tmp_path / "server.crt", tmp_path / "server.key")


@pytest.mark.parametrize("cipher", ["-aes256", "-des3"])
def test_traditional_encrypted_keys_are_read(tmp_path: Path, cipher: str):
    openssl(
        tmp_path,
        f"genrsa -traditional {cipher} -passout pass:secret -out server.key 2048",
        "req -x509 -new -key server.key -passin pass:secret -subj /CN=a -days 30 -out server.crt",
    )
    (tmp_path / "passphrase").write_text("secret\n")
    files = (tmp_path / name for name in ("server.crt", "server.key", "passphrase"))
    assert load_server_certificate(*files)
