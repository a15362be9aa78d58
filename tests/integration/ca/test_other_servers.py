"""nginx and HAProxy let the clients of our CA in, and its list shuts them out."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from proxy.ca.delivery import Target, issue_files
from proxy.ca.intermediate import create_with_root
from proxy.ca.names import SubjectFields
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest
from tests.authorities import PASSPHRASE, new_authority, record_of
from tests.gate import Haproxy, Nginx
from tests.integration.ca.programs import PASSWORD, bundle, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from proxy.ca.authority import Authority

    Start = Callable[[Authority, Path, Path], Nginx | Haproxy]

# Both go on after a failed verification and answer with OpenSSL's result, nginx in words.
NGINX = """
    ssl_certificate {out}/gate.crt; ssl_certificate_key {out}/gate.key;
    ssl_client_certificate {ca}; ssl_crl {crl}; ssl_verify_client optional; ssl_verify_depth 2;
    server {{
        listen 127.0.0.1:{{port}} ssl;
        error_page 495 =200 @verdict;
        location / {{ return 200 "$ssl_client_verify $ssl_client_s_dn"; }}
        location @verdict {{ return 200 "$ssl_client_verify"; }}
    }}
"""
HAPROXY_TLS = (
    "crt {out}/both.pem ca-file {ca} crl-file {crl} verify optional "
    "crt-ignore-err all ca-ignore-err all"
)
HAPROXY_ANSWER = (
    "http-request return status 200 content-type text/plain "
    'lf-string "%[ssl_c_verify] %[ssl_c_s_dn(,0,rfc2253)]"'
)
ADMITTED = {"SUCCESS CN=alice,O=Acme", "0 CN=alice,O=Acme"}
REVOKED = {"FAILED:certificate revoked", "23 CN=alice,O=Acme"}


def start_nginx(authority: Authority, folder: Path, crl: Path) -> Nginx:
    ca = authority.registry.folder.certificate
    return Nginx(folder, NGINX.format(out=folder, ca=ca, crl=crl))


def start_haproxy(authority: Authority, folder: Path, crl: Path) -> Haproxy:
    """HAProxy wants certificate and key in one file."""
    parts = [(folder / f"gate.{suffix}").read_bytes() for suffix in ("crt", "key")]
    (folder / "both.pem").write_bytes(b"".join(parts))
    ca = authority.registry.folder.certificate
    return Haproxy(folder, HAPROXY_TLS.format(out=folder, ca=ca, crl=crl), HAPROXY_ANSWER)


@pytest.fixture(params=[start_nginx, start_haproxy])
def start(request: pytest.FixtureRequest) -> Start:
    function: Start = request.param
    return function


def issue_gate(authority: Authority, folder: Path) -> None:
    """Issue the server's own certificate."""
    request = LeafRequest(Profile.SERVER, SubjectFields("localhost"))
    issue_files(authority, request, Target(folder, "gate"))


def ask(server: Nginx | Haproxy, authority: Authority, *identity: object) -> str:
    ca = authority.registry.folder.certificate
    url = f"https://localhost:{server.port}/"
    return run("curl", "-sS", "--cacert", ca, *identity, url)


def test_a_client_is_let_in_and_the_list_shuts_it_out(
    authority: Authority, tmp_path: Path, start: Start
):
    """Curl goes in with the PEM files and with the bundle; once revoked, the server knows."""
    path = bundle(authority, tmp_path)
    issue_gate(authority, tmp_path)
    crl = authority.registry.folder.crl
    pem = ("--cert", tmp_path / "alice.crt", "--key", tmp_path / "alice.key")
    p12 = ("--cert-type", "P12", "--cert", f"{path}:{PASSWORD}")
    with closing(start(authority, tmp_path, crl)) as server:
        for identity in (pem, p12):
            assert ask(server, authority, *identity) in ADMITTED
    authority.revocation.revoke([record_of(authority, 1)], "keyCompromise")
    with closing(start(authority, tmp_path, crl)) as server:
        assert ask(server, authority, *pem) in REVOKED


def test_a_client_of_an_intermediate_is_let_in_and_shut_out(tmp_path: Path, start: Start):
    """Both check the lists of the whole path: the root's goes behind ours."""
    root, lists = tmp_path / "root", tmp_path / "lists.pem"
    with create_with_root(tmp_path / "ca", root, new_authority("Acme"), PASSPHRASE) as authority:
        bundle(authority, tmp_path)
        issue_gate(authority, tmp_path)
        pem = ("--cert", tmp_path / "alice.crt", "--key", tmp_path / "alice.key")
        with closing(start(authority, tmp_path, joined(lists, authority, root))) as server:
            assert ask(server, authority, *pem) in ADMITTED
        authority.revocation.revoke([record_of(authority, 1)], "superseded")
        with closing(start(authority, tmp_path, joined(lists, authority, root))) as server:
            assert ask(server, authority, *pem) in REVOKED


def joined(path: Path, authority: Authority, root: Path) -> Path:
    """Write the CA's list and its root's into one file."""
    own = authority.registry.folder.crl
    path.write_bytes(own.read_bytes() + (root / "crl.pem").read_bytes())
    return path
