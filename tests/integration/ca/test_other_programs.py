"""What certgate made, the programs of others take: NSS, Java, Python."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from proxy.ca.keys import KeyType
from proxy.ca.p12 import Encoding
from tests.integration.ca.programs import PASSWORD, bundle, run

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.authority import Authority


@pytest.mark.parametrize("encoding", Encoding)
@pytest.mark.parametrize("key_type", [KeyType.P256, KeyType.RSA_2048])
def test_nss_takes_the_bundle(
    authority: Authority, tmp_path: Path, encoding: Encoding, key_type: KeyType
):
    """Chrome and Firefox on Linux keep certificates in NSS databases."""
    path = bundle(authority, tmp_path, encoding, key_type)
    database = f"sql:{tmp_path}"
    run("certutil", "-N", "-d", database, "--empty-password")
    run("pk12util", "-i", path, "-d", database, "-W", PASSWORD)
    told = run("certutil", "-L", "-d", database)
    assert "alice" in told
    assert "u,u,u" in told


@pytest.mark.parametrize("encoding", Encoding)
def test_java_takes_the_bundle(authority: Authority, tmp_path: Path, encoding: Encoding):
    path = bundle(authority, tmp_path, encoding)
    told = run("keytool", "-list", "-v", "-keystore", path, "-storepass", PASSWORD)
    assert "Entry type: PrivateKeyEntry" in told
    assert "Certificate chain length: 2" in told


def test_python_takes_the_files(authority: Authority, tmp_path: Path):
    bundle(authority, tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(tmp_path / "alice.crt", tmp_path / "alice.key")
