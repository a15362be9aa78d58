"""What certgate made, the programs of others take: NSS, Java, Python, curl, nginx."""

from __future__ import annotations

import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from proxy.ca.delivery import Target, issue_files
from proxy.ca.intermediate import create_with_root
from proxy.ca.keys import KeyType
from proxy.ca.names import SubjectFields
from proxy.ca.p12 import Encoding
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest
from tests.authorities import (
    PASSPHRASE,
    client,
    make_authority,
    new_authority,
    record_of,
)
from tests.gate.nginx import Nginx
from tests.gate.tools import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from proxy.ca.authority import Authority

PASSWORD = "k7mq-3fhz-9wtp"
SERVER = """
    ssl_certificate {out}/gate.crt; ssl_certificate_key {out}/gate.key;
    ssl_client_certificate {ca}; ssl_crl {crl}; ssl_verify_client on; ssl_verify_depth 2;
    server {{ listen 127.0.0.1:{{port}} ssl; location / {{ return 200 "$ssl_client_s_dn"; }} }}
"""


def run(tool: str, *arguments: object) -> str:
    done = subprocess.run(
        [require(tool), *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    with make_authority(tmp_path / "ca") as made:
        yield made


def bundle(
    authority: Authority, folder: Path, encoding: Encoding, key_type: KeyType = KeyType.P256
) -> Path:
    target = Target(folder, "alice", PASSWORD, encoding)
    issue_files(authority, client(key_type=key_type), target)
    return folder / "alice.p12"


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
    bundle(authority, tmp_path, Encoding.LEGACY)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_cert_chain(tmp_path / "alice.crt", tmp_path / "alice.key")


def start_nginx(authority: Authority, folder: Path, crl: Path) -> Nginx:
    request = LeafRequest(Profile.SERVER, SubjectFields("localhost"))
    issue_files(authority, request, Target(folder, "gate"))
    ca = authority.registry.folder.certificate
    return Nginx(folder, SERVER.format(out=folder, ca=ca, crl=crl))


def ask(nginx: Nginx, authority: Authority, folder: Path, *identity: object) -> str:
    ca = authority.registry.folder.certificate
    url = f"https://localhost:{nginx.port}/"
    return run("curl", "-s", "--cacert", ca, *identity, url)


def test_a_client_opens_nginx_and_the_list_shuts_it_out(authority: Authority, tmp_path: Path):
    """Curl goes in with the PEM files and with the bundle; once revoked, nginx refuses."""
    path = bundle(authority, tmp_path, Encoding.LEGACY)
    pem = ("--cert", tmp_path / "alice.crt", "--key", tmp_path / "alice.key")
    nginx = start_nginx(authority, tmp_path, authority.registry.folder.crl)
    try:
        assert ask(nginx, authority, tmp_path, *pem) == "CN=alice,O=Acme"
        p12 = ("--cert-type", "P12", "--cert", f"{path}:{PASSWORD}")
        assert ask(nginx, authority, tmp_path, *p12) == "CN=alice,O=Acme"
    finally:
        nginx.close()
    authority.revocation.revoke([record_of(authority, 1)], "keyCompromise")
    nginx = start_nginx(authority, tmp_path, authority.registry.folder.crl)
    try:
        assert "The SSL certificate error" in ask(nginx, authority, tmp_path, *pem)
    finally:
        nginx.close()


def test_a_client_of_an_intermediate_opens_nginx(tmp_path: Path):
    """Nginx checks the lists of the whole path: the root's goes behind ours."""
    with create_with_root(
        tmp_path / "ca", tmp_path / "root", new_authority("Acme"), PASSPHRASE
    ) as authority:
        bundle(authority, tmp_path, Encoding.LEGACY)
        lists = tmp_path / "lists.pem"
        root_list = (tmp_path / "root" / "crl.pem").read_bytes()
        lists.write_bytes(authority.registry.folder.crl.read_bytes() + root_list)
        nginx = start_nginx(authority, tmp_path, lists)
        pem = ("--cert", tmp_path / "alice.crt", "--key", tmp_path / "alice.key")
        try:
            assert ask(nginx, authority, tmp_path, *pem) == "CN=alice,O=Acme"
        finally:
            nginx.close()
