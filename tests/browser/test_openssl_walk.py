"""The page of openssl commands, verb for verb, ends in a browser in front of the app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.authorities import openssl
from tests.authorities.shells import ca
from tests.browser.chromium import Home, choosing_certificates_for, chromium
from tests.gate import running_gate
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from pathlib import Path


def make_bundle(folder: Path) -> tuple[Path, str]:
    """Make a CA, sign a request that openssl made, bundle; return the .p12 and its password."""
    ca(folder, "init", "--cn", "Walk CA")
    ca(folder, "issue", "localhost", "--profile", "server", "-o", "web")
    key, request = folder / "client.key", folder / "client.csr"
    options = ("-newkey", "rsa:2048", "-nodes", "-subj", "/O=Acme/CN=wanda")
    openssl("req", "-new", *options, "-keyout", key, "-out", request)
    ca(folder, "sign", "client.csr", "-o", "client.crt")
    ca(folder, "export", "wanda", "--format", "p12", "--key", "client.key", "-o", "client.p12")
    password = (folder / "client.p12.password").read_text().strip()
    return folder / "client.p12", password


def test_a_request_of_openssl_signed_and_bundled_here_opens_the_gate_in_chromium(tmp_path: Path):
    """One CA for both sides; without the bundle the same browser is refused."""
    bundle, password = make_bundle(tmp_path)
    authority = tmp_path / "certs" / "ca"
    home, stranger = Home(tmp_path / "home"), Home(tmp_path / "stranger")
    for each in (home, stranger):
        each.trust(authority / "ca.crt")
    home.install(bundle, password)
    files = {"certificate": "web/localhost.crt", "private_key": "web/localhost.key"}
    trusted = {"ca": str(authority / "ca.crt"), "crl": [str(authority / "crl.pem")]}
    with (
        Recorder() as upstream,
        running_gate(tmp_path, upstream.url, tls=files, client_auth=trusted) as gate,
        choosing_certificates_for(gate.url()),
    ):
        assert visit(stranger, gate.url()) == 403
        assert visit(home, gate.url()) == 200
        assert upstream.received().header("x-ssl-client-s-dn") == "CN=wanda,O=Acme"


def visit(home: Home, url: str) -> int:
    """Return the status that a browser with this home gets."""
    with chromium(home) as browser:
        response = browser.pages[0].goto(url)
        assert response
        return response.status
