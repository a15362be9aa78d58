"""The page of openssl commands, verb for verb, ends at an open gate."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.authorities import openssl
from tests.authorities.shells import ca
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate


def curl(folder: Path, port: int, *options: object) -> tuple[str, str]:
    """Return the body and the status."""
    done = subprocess.run(
        [
            *("curl", "-s", "--cacert", "web.crt", "-w", "\n%{http_code}"),
            *("-H", "Accept: application/problem+json"),
            *map(str, options),
            f"https://localhost:{port}/",
        ],
        capture_output=True,
        check=True,
        cwd=folder,
        text=True,
        timeout=30,
    )
    body, _, status = done.stdout.rpartition("\n")
    return body, status


def test_a_request_signed_here_opens_the_gate_as_files_and_as_bundle(
    start_gate: StartGate, tmp_path: Path
):
    """CA key with passphrase, CA certificate, client key, CSR, signature, PKCS#12: curl gets in."""
    from tests.pki import trust

    (tmp_path / "web.crt").write_bytes(trust().web.pem)
    ca(tmp_path, "init", "--cn", "Walk CA")
    openssl("genrsa", "-out", tmp_path / "client.key", 2048)
    subject = ("-subj", "/O=Acme/CN=client")
    request, signed = tmp_path / "client.csr", tmp_path / "client.crt"
    openssl("req", "-new", "-key", tmp_path / "client.key", *subject, "-out", request)
    ca(tmp_path, "sign", "client.csr", "-o", "client.crt")
    openssl("verify", "-CAfile", tmp_path / "certs" / "ca" / "ca.crt", signed)
    ca(tmp_path, "export", "client", "--format", "p12", "--key", "client.key", "-o", "client.p12")
    authority = tmp_path / "certs" / "ca"
    trusted = {"ca": str(authority / "ca.crt"), "crl": [str(authority / "crl.pem")]}
    with Recorder() as upstream:
        gate = start_gate(upstream.url, client_auth=trusted)
        pem = ("--cert", "client.crt", "--key", "client.key")
        assert curl(tmp_path, gate.port, *pem)[1] == "200"
        password = (tmp_path / "client.p12.password").read_text().strip()
        p12 = ("--cert-type", "P12", "--cert", f"client.p12:{password}")
        assert curl(tmp_path, gate.port, *p12)[1] == "200"
        body, status = curl(tmp_path, gate.port)
        assert status == "403"
        assert "certificate_missing" in body


def test_a_client_of_a_ca_that_openssl_made_opens_the_gate(start_gate: StartGate, tmp_path: Path):
    """The page's own commands, without certgate's: who followed it can put the gate in front."""
    from tests.pki import trust

    (tmp_path / "web.crt").write_bytes(trust().web.pem)
    authority, key = tmp_path / "old.crt", tmp_path / "old.key"
    signed, own = tmp_path / "client.crt", tmp_path / "client.key"
    secret = ("-passout", "pass:1234", "-passin", "pass:1234")
    openssl("genrsa", "-aes256", "-passout", "pass:1234", "-out", key, 2048)
    openssl("req", "-x509", "-new", "-key", key, *secret, "-subj", "/CN=Old", "-out", authority)
    request = openssl(
        "req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", own, "-subj", "/CN=c"
    )
    issuer = ("-CA", authority, "-CAkey", key, "-passin", "pass:1234", "-set_serial", "01")
    openssl("x509", "-req", "-days", 30, *issuer, "-out", signed, stdin=request.encode())
    with Recorder() as upstream:
        gate = start_gate(upstream.url, client_auth={"ca": str(authority)})
        assert curl(tmp_path, gate.port, "--cert", signed, "--key", own)[1] == "200"
        assert upstream.received().header("x-ssl-client-s-dn") == "CN=c"
