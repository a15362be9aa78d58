"""``certgate up``: what it starts, what it says, what it refuses."""

from __future__ import annotations

import datetime as dt
import shlex
import socket
import sys
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from structlog.testing import capture_logs

from proxy import app
from proxy.cli.up.command import up
from proxy.errors import CertgateError
from tests.pki import server, stranger, trust

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from proxy.app import Build
    from proxy.snapshot import Snapshot


class Started:
    """Stands in for ``app.serve``: builds twice and says that it is ready."""

    def __init__(self) -> None:
        self.snapshots: list[Snapshot] = []
        self.while_up: Callable[[], None] = int

    def __call__(self, build: Build, ready: Callable[[list[str]], None]) -> None:
        self.snapshots.append(build(None))
        self.snapshots.append(build(self.snapshots[0]))
        ready(["https://127.0.0.1:8443/"])
        self.while_up()


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Started:
    made = Started()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CERTGATE_CA_PASSPHRASE", raising=False)
    monkeypatch.setattr(app, "serve", made)
    monkeypatch.setattr("proxy.cli.up.command.configure_logging", lambda _: None)
    return made


def run(*arguments: str) -> Result:
    return CliRunner().invoke(up, [*arguments, "--client", "alice"])


def reason(result: Result) -> str:
    assert isinstance(result.exception, CertgateError), result.output
    return str(result.exception)


def curl_line(result: Result) -> list[str]:
    [line] = [line for line in result.stdout.splitlines() if line.startswith("curl ")]
    return shlex.split(line)


@pytest.mark.parametrize("upstream", ["3000", ":3000", "127.0.0.1:3000", "http://127.0.0.1:3000"])
def test_an_app_of_ones_own(started: Started, upstream: str):
    result = run(upstream)
    assert result.exception is None, result.output
    [member] = started.snapshots[0].upstreams["app"].members
    assert str(member.endpoint.server) == "http://127.0.0.1:3000"
    listener = started.snapshots[0].config.listen[0].address
    assert (listener.host, listener.port) == ("0.0.0.0", 8443)
    assert started.snapshots[0].revocation.check == "leaf"
    assert started.snapshots[1] is not started.snapshots[0]


def test_the_printed_line_names_the_files_that_were_made(tmp_path: Path):
    result = run("3000")
    assert curl_line(result) == [
        "curl",
        "--cacert",
        "certs/ca/ca.crt",
        "--cert",
        "certs/clients/alice.crt",
        "--key",
        "certs/clients/alice.key",
        "https://127.0.0.1:8443/",
    ]
    assert all((tmp_path / word).exists() for word in curl_line(result) if word.startswith("certs"))
    assert "certgate ca issue bob --passphrase-file certs/ca.passphrase" in (result.stdout)
    assert "install certs/ca/ca.crt as an authority" in result.stdout


def test_without_an_app_a_demo_runs_for_as_long_as_the_gate(started: Started):
    ports: list[int] = []

    def ask() -> None:
        ports.append(started.snapshots[0].upstreams["app"].members[0].endpoint.server.port)
        connection = HTTPConnection("127.0.0.1", ports[0], timeout=10)
        connection.request("GET", "/", headers={"Connection": "close"})
        assert connection.getresponse().read()

    started.while_up = ask
    result = run()
    assert result.exception is None, result.output
    assert "warning" not in result.stderr
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", ports[0]), timeout=10)


def test_an_app_that_is_not_there_yet_is_a_warning():
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert "nothing listens" not in run(str(port)).stderr
    assert f"nothing listens on http://127.0.0.1:{port} yet" in run(str(port)).stderr


def test_an_app_that_can_be_reached_past_the_gate_is_a_warning():
    with socket.create_server(("0.0.0.0", 0)) as other:
        assert "goes past the gate" in run(str(other.getsockname()[1])).stderr


def test_a_host_is_in_the_certificate_and_in_the_address():
    result = run("3000", "--host", "gate.example.com")
    assert curl_line(result)[-1] == "https://gate.example.com:8443/"
    assert "made a server certificate for gate.example.com" in result.stdout


def test_the_line_with_a_host_works_before_the_name_leads_here():
    words = curl_line(run("3000", "--host", "gate.example.com"))
    assert words[1:3] == ["--resolve", "gate.example.com:8443:127.0.0.1"]


@pytest.mark.parametrize(
    ("host", "shown", "tried"),
    [
        ("*.example.com", "https://127.0.0.1:8443/", "https://127.0.0.1:8443/"),
        ("192.0.2.9", "https://192.0.2.9:8443/", "https://127.0.0.1:8443/"),
        ("2001:db8::9", "https://[2001:db8::9]:8443/", "https://127.0.0.1:8443/"),
    ],
)
def test_a_host_that_cannot_be_tried_here_is_not_in_the_line(host: str, shown: str, tried: str):
    result = run("3000", "--host", host)
    assert f"Your app is at {shown}, " in result.stdout
    assert curl_line(result)[-1] == tried


def test_the_address_where_it_listens_is_in_the_certificate():
    result = run("3000", "--listen", "192.0.2.7:8443")
    assert "made a server certificate for localhost, 127.0.0.1, 192.0.2.7" in result.stdout


def test_the_name_of_a_certificate_of_ones_own_is_what_people_use(tmp_path: Path):
    files = server("gate.example.com").write(tmp_path, "own")
    result = run("3000", "--certificate", str(files.certificate), "--private-key", str(files.key))
    assert "Your app is at https://gate.example.com:8443/, " in result.stdout


def test_a_certificate_of_ones_own_that_ends_is_in_the_log(tmp_path: Path):
    ends = dt.datetime.now(dt.UTC) + dt.timedelta(days=9)
    files = trust().web.server("gate.example.com", not_after=ends).write(tmp_path, "own")
    with capture_logs() as logs:
        run("3000", "--certificate", str(files.certificate), "--private-key", str(files.key))
    assert "tls.certificate: “CN=gate.example.com” expires in 8 days" in logs[0]["problem"]


def test_a_bundle_that_is_gone_is_not_recommended(tmp_path: Path):
    run("3000")
    (tmp_path / "certs/clients/alice.p12").unlink()
    assert (
        "In a browser: certgate ca export alice --format p12 -o certs/clients/alice.p12 "
        "makes the file to install."
    ) in run("3000").stdout


def test_the_command_is_named_as_it_was_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """`make run` installs it where PATH does not look."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/certgate").write_text("#!/bin/sh\n")
    (tmp_path / "bin/certgate").chmod(0o755)
    monkeypatch.setattr(sys, "argv", ["bin/certgate", "up"])
    monkeypatch.setenv("PATH", "/nowhere")
    assert "One more person:  bin/certgate ca issue bob" in run("3000").stdout
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert "One more person:  certgate ca issue bob" in run("3000").stdout


def test_a_certificate_of_ones_own_needs_no_authority(tmp_path: Path):
    files = server("gate.example.com").write(tmp_path, "own")
    result = run("3000", "--certificate", str(files.certificate), "--private-key", str(files.key))
    assert result.exception is None, result.output
    assert "--cacert" not in curl_line(result)
    assert "as an authority" not in result.stdout


def test_a_folder_with_a_space_is_quoted():
    result = run("3000", "--dir", "my certs")
    assert "--dir 'my certs/ca' --passphrase-file 'my certs/ca.passphrase'" in result.stdout
    assert curl_line(result)[2] == "my certs/ca/ca.crt"


def test_a_passphrase_that_somebody_knows_is_not_in_the_hints(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CERTGATE_CA_PASSPHRASE", "correct horse battery staple")
    assert "--passphrase-file" not in run("3000").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["ftp://127.0.0.1"], "UPSTREAM: "),
        (["3000", "--listen", "nowhere"], "--listen: "),
        (["3000", "--certificate", "x.crt"], "go together"),
        (["127.0.0.1:0"], "UPSTREAM: "),
        (["8443"], "UPSTREAM: http://127.0.0.1:8443 is where certgate listens itself"),
        (["3000", "--certificate", "x.crt", "--private-key", "x.key"], "x.crt: no such file"),
        (["3000", "--host", "bad name"], "--host: “bad name” is neither a host name nor"),
        (["3000", "--host", "https://gate.example.com"], "write it without https:// and port"),
        (["3000", "--host", "gate.example.com:8443"], "write it without https:// and port"),
        (["3000", "--host", "256.1.1.1"], "--host: “256.1.1.1” is neither"),
        (["3000", "--host", ""], "--host: “” is neither"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, arguments: list[str], words: str
):
    assert words in reason(run(*arguments))
    assert list(tmp_path.iterdir()) == []


def test_files_that_do_not_fit_are_one_error(tmp_path: Path):
    result = run("3000", "--certificate", "no.crt", "--private-key", "no.key")
    assert reason(result).startswith("--certificate: no.crt: no such file")


def test_a_key_of_another_certificate_is_one_error(tmp_path: Path):
    own, other = server().write(tmp_path, "own"), stranger().server().write(tmp_path, "other")
    result = run("3000", "--certificate", str(own.certificate), "--private-key", str(other.key))
    assert reason(result).startswith(f"--private-key: {other.key}: this private key")
