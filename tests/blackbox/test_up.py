"""``certgate up``: from nothing to an authenticated app, and the printed line works as printed."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import stat
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.gate import Gate, require, run
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    StartUp = Callable[..., Gate]


@pytest.fixture
def up(tmp_path: Path) -> Iterator[StartUp]:
    """Run ``certgate up`` in an empty folder; all runs end with the test, with exit code 0."""
    started: list[Gate] = []

    def start(*arguments: str) -> Gate:
        command = ["up", *arguments, "--listen", "127.0.0.1:0", "--client", "alice"]
        started.append(Gate(command, cwd=tmp_path))
        return started[-1]

    yield start
    for gate in started:
        gate.close()


def curl_line(gate: Gate) -> list[str]:
    """Return the words of the printed line."""
    return shlex.split(gate.stdout.wait_for("^curl ").string)


def curl(folder: Path, *words: str) -> tuple[int, Any]:
    """Run curl in the folder; return the status and the body."""
    require("curl")
    done = subprocess.run(
        [*words, "--silent", "--show-error", "--write-out", "\n%{http_code}"],
        capture_output=True,
        check=True,
        cwd=folder,
        text=True,
        timeout=20,
    )
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def without_certificate(words: list[str]) -> list[str]:
    """Return the same command without ``--cert`` and ``--key``."""
    kept = []
    skip = False
    for word in words:
        if not skip and word not in {"--cert", "--key", "-E"}:
            kept.append(word)
        skip = word in {"--cert", "--key", "-E"}
    return kept


def test_the_printed_line_gets_the_app_and_the_same_without_certificate_a_403(
    up: StartUp, tmp_path: Path
):
    """The first thing that anybody tries."""
    with Recorder() as upstream:
        words = curl_line(up(str(upstream.port)))
        assert curl(tmp_path, *words) == (200, upstream.body.decode())
        status, body = curl(
            tmp_path, *without_certificate(words), "-H", "Accept: application/problem+json"
        )
        assert (status, json.loads(body)["code"]) == (403, "certificate_missing")


@pytest.mark.parametrize(
    "form", ["{port}", ":{port}", "127.0.0.1:{port}", "http://127.0.0.1:{port}"]
)
def test_every_form_of_upstream_is_understood(up: StartUp, tmp_path: Path, form: str):
    """A port, with and without a colon, host and port, a URL."""
    with Recorder() as upstream:
        words = curl_line(up(form.format(port=upstream.port)))
        assert curl(tmp_path, *words)[0] == 200


def test_without_an_upstream_a_demo_app_says_who_you_are(up: StartUp, tmp_path: Path):
    """It shows the name that stands in the certificate."""
    status, body = curl(tmp_path, *curl_line(up()))
    assert status == 200
    assert "alice" in body


def test_a_second_run_reuses_everything(up: StartUp, tmp_path: Path):
    """No file changes, and the old curl line's certificate still works."""
    with Recorder() as upstream:
        first = up(str(upstream.port))
        curl_line(first)
        files = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".db"]
        made = {path: path.read_bytes() for path in files}
        assert first.stop() == 0
        words = curl_line(up(str(upstream.port)))
        assert {path: path.read_bytes() for path in made} == made
        assert curl(tmp_path, *words)[0] == 200


def test_a_certificate_issued_beside_a_running_proxy_needs_no_restart(up: StartUp, tmp_path: Path):
    """``certgate ca issue bob`` as printed, then bob is in."""
    with Recorder() as upstream:
        gate = up(str(upstream.port))
        words = curl_line(gate)
        line = shlex.split(gate.stdout.wait_for(r"certgate ca issue bob.*").string)
        issue = line[line.index("certgate") + 1 :]
        assert run(*issue, "-o", "bob", cwd=tmp_path).returncode == 0
        words[words.index("--cert") + 1] = "bob/bob.crt"
        words[words.index("--key") + 1] = "bob/bob.key"
        assert curl(tmp_path, *words)[0] == 200
        assert upstream.received().header("X-SSL-Client-CN") == "bob"


def test_a_certificate_revoked_beside_a_running_proxy_is_shut_out_without_a_restart(
    up: StartUp, tmp_path: Path
):
    """``certgate ca revoke`` as printed: within a second or so, the new list is in force."""
    with Recorder() as upstream:
        gate = up(str(upstream.port))
        words = curl_line(gate)
        assert curl(tmp_path, *words)[0] == 200
        line = shlex.split(gate.stdout.wait_for(r"certgate ca revoke bob.*").string)
        revoke = [word.replace("bob", "alice") for word in line[line.index("certgate") + 1 :]]
        seen = len(gate.stderr.lines)
        assert run(*revoke, cwd=tmp_path).returncode == 0
        gate.stderr.wait_for("(?i)crl|revocation", after=seen)
        status, body = curl(tmp_path, *words, "-H", "Accept: application/problem+json")
        assert (status, json.loads(body)["code"]) == (403, "certificate_revoked")


def test_the_printed_line_for_a_bundle_that_is_gone_makes_it(up: StartUp, tmp_path: Path):
    """Somebody gave it away, or deleted it after installing it."""
    gate = up()
    gate.stdout.wait_for("^In a browser: install certs/clients/alice.p12 ")
    assert gate.stop() == 0
    bundle = tmp_path / "certs/clients/alice.p12"
    bundle.unlink()
    line = up().stdout.wait_for("^In a browser: certgate (ca export .*) makes the file")
    assert run(*shlex.split(line[1]), cwd=tmp_path).returncode == 0
    assert bundle.exists()


def test_secrets_go_to_files_that_only_the_owner_reads_never_into_a_pipe(
    up: StartUp, tmp_path: Path
):
    """Output that is not a terminal ends up in logs."""
    with Recorder() as upstream:
        gate = up(str(upstream.port))
        curl_line(gate)
        secrets = [path for path in tmp_path.rglob("*") if "pass" in path.name]
        assert len(secrets) == 2
        for path in (*secrets, *tmp_path.rglob("*.key"), *tmp_path.rglob("*.p12")):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        for path in secrets:
            assert path.read_text().strip() not in gate.stdout.text + gate.stderr.text


def test_it_warns_when_the_app_can_be_reached_past_the_gate(up: StartUp):
    """An app on every address of the machine makes the gate decoration."""
    with socket.create_server(("0.0.0.0", 0)) as exposed:
        gate = up(str(exposed.getsockname()[1]))
        gate.stderr.wait_for("(?i)warning.*reaches that port")


def test_ctrl_c_ends_it_with_exit_code_0(up: StartUp):
    """The demo app ends with it."""
    gate = up()
    curl_line(gate)
    assert gate.stop(signal.SIGINT) == 0


def test_an_app_that_is_not_up_yet_gets_a_page_that_says_so(up: StartUp, tmp_path: Path):
    """``certgate up`` may be started first."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    status, body = curl(tmp_path, *curl_line(up(str(port))))
    assert status == 502
    assert body
