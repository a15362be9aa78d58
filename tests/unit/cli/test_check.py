"""``certgate check``: problems with their lines, warnings, and what OK looks like."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from proxy.cli import inspection
from proxy.cli.check import check
from tests.pki import DAY, Authority, Profile, certificate_pem, crl_pem
from tests.pki.issue import signed_with_sha1

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = dt.datetime.now(dt.UTC)
LONG = NOW + 300 * DAY


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("check root", profile=Profile(not_after=LONG))


@pytest.fixture
def app_port() -> Iterator[int]:
    """Give the port of an app that accepts connections."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


@pytest.fixture
def gate(tmp_path: Path, authority: Authority, app_port: int) -> Path:
    """Give a configuration without a fault."""
    authority.server(not_after=LONG).write(tmp_path, "server")
    (tmp_path / "ca.crt").write_bytes(authority.pem)
    (tmp_path / "crl.pem").write_bytes(crl_pem(authority.crl(next_update=LONG)))
    path = tmp_path / "gate.yaml"
    path.write_text(
        "listen: 127.0.0.1:8443\n"
        "tls: {certificate: server.crt, private_key: server.key}\n"
        "client_auth: {ca: ca.crt, crl: crl.pem}\n"
        f"upstream: http://127.0.0.1:{app_port}\n"
    )
    return path


def run(gate: Path) -> Result:
    return CliRunner().invoke(check, ["-c", str(gate)])


def told(gate: Path) -> list[str]:
    """Return what stands on stderr, without the folder and the date."""
    return run(gate).stderr.replace(f"{gate.parent}/", "").splitlines()


def test_a_good_configuration_is_summed_up(gate: Path):
    result = run(gate)
    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout == (
        "OK: https on 127.0.0.1:8443; clients of 1 CA; 1 app; routes: 1 verified\n"
    )


def test_the_summary_shows_who_is_let_in_without_a_certificate(gate: Path):
    gate.write_text(gate.read_text() + "routes: [{path: /}, {path: /healthz, access: public}]\n")
    assert run(gate).stdout.endswith("routes: 1 verified, 1 public\n")


def test_folders_are_counted_beside_the_apps(gate: Path):
    (gate.parent / "public").mkdir()
    text = gate.read_text()
    routes = "routes: [{path: /}, {path: /a, static: public}, {path: /b, static: public}]\n"
    gate.write_text(text + routes)
    assert "; 1 app, 1 folder; routes" in run(gate).stdout
    without_app = text.partition("upstream:")[0] + routes.replace("{path: /}, ", "")
    gate.write_text(without_app)
    assert "; clients of 1 CA; 1 folder; routes: 2 verified" in run(gate).stdout


def test_all_problems_of_the_file_are_told(gate: Path):
    gate.write_text("lisen: 1\n" + gate.read_text().replace("ca.crt", "nope.crt"))
    result = run(gate)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.replace(f"{gate.parent}/", "") == (
        "gate.yaml:1: lisen: is not a key; did you mean listen?\n"
        "gate.yaml:4: client_auth.ca: “nope.crt” does not exist\n"
    )


def test_problems_of_the_files_have_the_line_of_their_key(gate: Path, authority: Authority):
    (gate.parent / "crl.pem").write_text("rubbish")
    authority.server().write(gate.parent, "other")
    gate.write_text(gate.read_text().replace("server.key", "other.key"))
    result = run(gate)
    assert result.exit_code == 1
    lines = result.stderr.replace(f"{gate.parent}/", "").splitlines()
    assert len(lines) == 2
    assert any(
        line.startswith("gate.yaml:2: tls.private_key: other.key: this private") for line in lines
    )
    assert any(line.startswith("gate.yaml:3: client_auth.crl: crl.pem: ") for line in lines)


def test_the_environment_alone_can_be_checked(gate: Path, app_port: int):
    folder = gate.parent
    environ = {
        "CERTGATE_UPSTREAM": str(app_port),
        "CERTGATE_CERTIFICATE": str(folder / "server.crt"),
        "CERTGATE_PRIVATE_KEY": str(folder / "server.key"),
        "CERTGATE_CLIENT_CA": str(folder / "ca.crt"),
    }
    result = CliRunner().invoke(check, [], env=environ)
    assert result.exit_code == 0, result.stderr
    (folder / "ca.crt").write_text("rubbish")
    result = CliRunner().invoke(check, [], env=environ)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"CERTGATE_CLIENT_CA: {folder}/ca.crt: ")


def test_a_ca_without_a_usable_list_is_named_beforehand(gate: Path):
    """Nobody is to be locked out by surprise."""
    other = Authority("other root", profile=Profile(not_after=LONG))
    with (gate.parent / "ca.crt").open("ab") as file:
        file.write(other.pem)
    assert told(gate) == [
        (
            "gate.yaml:3: client_auth.crl: warning: has no usable list of “CN=other root”: "
            "clients that it issued are refused (crl_missing)"
        )
    ]


def test_a_server_certificate_that_is_signed_with_sha_1_is_a_warning(
    gate: Path, authority: Authority
):
    """Whether the server's own or the one above it; a root's signature counts for nobody."""
    middle = authority.intermediate("middle", Profile(not_after=LONG))
    server = middle.server("gate.example", not_after=LONG)
    assert isinstance(authority.key, EllipticCurvePrivateKey)
    assert isinstance(middle.key, EllipticCurvePrivateKey)
    leaf = signed_with_sha1(server.leaf, middle.key)
    above = signed_with_sha1(middle.certificate, authority.key)
    root = signed_with_sha1(authority.certificate, authority.key)
    replace(server, certificates=(leaf, above, root)).write(gate.parent, "server")
    assert told(gate) == [
        f"gate.yaml:2: tls.certificate: warning: “CN={name}” is signed with SHA-1: "
        "browsers refuse it; have it renewed"
        for name in ("gate.example", "middle")
    ]


def test_a_list_that_does_not_count_is_named_with_the_reason(gate: Path):
    foreign = Authority("check root").crl(next_update=LONG)  # the same name, another key
    (gate.parent / "crl.pem").write_bytes(crl_pem(foreign))
    first, second = told(gate)
    assert "client_auth.crl: warning: has no usable list of “CN=check root”" in first
    assert "client_auth.crl: warning: the list of “CN=check root” does not count: its" in second


def test_a_list_of_a_ca_that_is_not_configured_is_named(gate: Path):
    """An intermediate's, or the wrong file: only who gave it can tell."""
    other = Authority("other root").crl(next_update=LONG)
    with (gate.parent / "crl.pem").open("ab") as file:
        file.write(crl_pem(other))
    assert told(gate) == [
        (
            "gate.yaml:3: client_auth.crl: warning: the list of “CN=other root” counts only for "
            "clients that send this CA's certificate"
        )
    ]


def test_without_lists_nothing_is_said_about_revocation(gate: Path):
    gate.write_text(gate.read_text().replace(", crl: crl.pem", ""))
    assert told(gate) == []


@pytest.mark.parametrize(
    ("stale", "consequence"),
    [("refuse", "its clients are refused"), ("warn", "revocations since then are unknown")],
)
def test_a_stale_list_is_a_warning(gate: Path, authority: Authority, stale: str, consequence: str):
    crl = authority.crl(last_update=NOW - 9 * DAY, next_update=NOW - DAY)
    (gate.parent / "crl.pem").write_bytes(crl_pem(crl))
    gate.write_text(gate.read_text().replace("crl.pem}", f"crl.pem, crl_stale: {stale}}}"))
    assert told(gate) == [
        (
            "gate.yaml:3: client_auth.crl: warning: the list of “CN=check root” expired on "
            f"{NOW - DAY:%Y-%m-%d}: {consequence}"
        )
    ]


@pytest.mark.parametrize("stale", ["refuse", "warn"])
def test_a_list_of_the_future_locks_out_whatever_crl_stale_says(
    gate: Path, authority: Authority, stale: str
):
    """``crl_stale`` is about a list's end: `check` must not promise what the gate does not do."""
    crl = authority.crl(last_update=NOW + DAY, next_update=LONG)
    (gate.parent / "crl.pem").write_bytes(crl_pem(crl))
    gate.write_text(gate.read_text().replace("crl.pem}", f"crl.pem, crl_stale: {stale}}}"))
    assert told(gate) == [
        (
            "gate.yaml:3: client_auth.crl: warning: the list of “CN=check root” is not valid "
            f"before {NOW + DAY:%Y-%m-%d}: until then its clients are refused"
        )
    ]


def test_a_list_about_cas_alone_locks_clients_out(gate: Path, authority: Authority):
    point = x509.IssuingDistributionPoint(None, None, False, True, None, False, False)
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(NOW - DAY)
        .next_update(LONG)
        .add_extension(point, critical=True)
        .sign(authority.key, hashes.SHA256())
    )
    (gate.parent / "crl.pem").write_bytes(crl_pem(crl))
    assert told(gate) == [
        (
            "gate.yaml:3: client_auth.crl: warning: the list of “CN=check root” is about CAs "
            "alone: clients that it issued are refused (crl_missing)"
        )
    ]


def test_what_expires_soon_is_a_warning_for_thirty_days(gate: Path, authority: Authority):
    ends = NOW + 12 * DAY + dt.timedelta(hours=1)
    authority.server(not_after=ends).write(gate.parent, "server")
    assert told(gate) == [
        (
            "gate.yaml:2: tls.certificate: warning: “CN=localhost” expires in 12 days, "
            f"on {ends:%Y-%m-%d}; renew it"
        )
    ]


def test_expired_and_future_certificates_are_warnings(gate: Path, authority: Authority):
    """`serve` starts with them as well."""
    old = Authority("old", profile=Profile(not_before=NOW - 9 * DAY, not_after=NOW - DAY))
    new = Authority("new", profile=Profile(not_before=NOW + DAY, not_after=LONG))
    (gate.parent / "ca.crt").write_bytes(
        certificate_pem(authority.certificate, old.certificate, new.certificate)
    )
    gate.write_text(gate.read_text().replace(", crl: crl.pem", ""))
    assert told(gate) == [
        (
            f"gate.yaml:3: client_auth.ca: warning: “CN=old” expired on {NOW - DAY:%Y-%m-%d}: "
            "its clients are refused"
        ),
        (
            f"gate.yaml:3: client_auth.ca: warning: “CN=new” is not valid before "
            f"{NOW + DAY:%Y-%m-%d}: until then its clients are refused"
        ),
    ]
    assert run(gate).exit_code == 0


def test_certificates_of_other_names_are_looked_at_too(gate: Path, authority: Authority):
    authority.server("b.test", not_after=NOW + 5 * DAY).write(gate.parent, "b")
    names = "server_names: [{name: b.test, certificate: b.crt, private_key: b.key}]"
    gate.write_text(gate.read_text().replace("server.key}", f"server.key, {names}}}"))
    [line] = told(gate)
    assert line.startswith("gate.yaml:2: tls.server_names[0].certificate: warning: “CN=b.test”")


def test_a_key_that_everyone_may_read_is_a_warning(gate: Path):
    (gate.parent / "server.key").chmod(0o644)
    assert told(gate) == [
        "gate.yaml:2: tls.private_key: warning: every user of this machine may read it; chmod 600"
    ]


def test_an_app_that_is_down_is_a_warning(gate: Path, app_port: int):
    """A sidecar may start before its app."""
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))  # nothing listens: connections are refused
        port = unused.getsockname()[1]
        gate.write_text(gate.read_text().replace(str(app_port), str(port)))
        result = run(gate)
    assert result.exit_code == 0
    assert result.stderr == (
        f"{gate}:4: upstream: warning: http://127.0.0.1:{port} is not reachable "
        "(connection refused): requests get 502 until it is\n"
    )


def test_an_app_without_an_address_is_a_warning(gate: Path, app_port: int):
    servers = f"upstreams: {{app: {{servers: ['127.0.0.1:{app_port}', http://app.invalid]}}}}"
    gate.write_text(gate.read_text().replace(f"upstream: http://127.0.0.1:{app_port}", servers))
    assert told(gate) == [
        (
            "gate.yaml:4: upstreams.app.servers[1]: warning: app.invalid does not resolve: "
            "requests get 502 until it does"
        )
    ]


def test_an_app_that_does_not_answer_is_a_warning(gate: Path, monkeypatch: pytest.MonkeyPatch):
    def silent(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(inspection.socket, "create_connection", silent)
    [line] = told(gate)
    assert line.endswith("does not answer: requests get 502 or 504 until it does")


def test_an_app_that_is_reachable_past_the_gate_is_a_warning(
    gate: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(inspection, "exposure_warning", lambda _: "anyone gets past the gate")
    assert told(gate) == ["gate.yaml:4: upstream: warning: anyone gets past the gate"]


def test_warnings_of_the_configuration_are_told(gate: Path):
    gate.write_text(gate.read_text() + "limits: {head: 0}\n")
    assert told(gate) == [
        "gate.yaml:5: limits.head: warning: without a limit one client can fill the memory"
    ]


def test_a_client_certificate_in_the_place_of_the_servers_is_a_warning(
    gate: Path, authority: Authority
):
    """Nobody verifies it until a browser does."""
    authority.client("alice").write(gate.parent, "server")
    [line] = told(gate)
    assert line.startswith("gate.yaml:2: tls.certificate: warning: “CN=alice”")
    assert line.endswith("is a certificate for clients: browsers refuse it as a server's")


def test_a_certificate_that_is_no_ca_among_the_cas_is_a_warning(gate: Path, authority: Authority):
    """The server's own file, mostly."""
    with (gate.parent / "ca.crt").open("ab") as file:
        file.write(certificate_pem(authority.server("gate.test").leaf))
    assert told(gate) == [
        "gate.yaml:3: client_auth.ca: warning: “CN=gate.test” is not a CA: it vouches for no client"
    ]
