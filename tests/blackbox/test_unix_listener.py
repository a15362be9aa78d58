"""A gate on a Unix socket: for a proxy of the same machine, or for curl."""

from __future__ import annotations

import signal
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from tests.gate import curl, run, settings, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate
    from tests.upstreams import Recorder

URL = "https://localhost/"


def test_curl_gets_through(start_gate: StartGate, recorder: Recorder, tmp_path: Path):
    """The client has no address: the app is told none, the log says unix: as nginx does."""
    path = tmp_path / "gate.sock"
    gate = start_gate(
        recorder.url, listen=f"unix:{path}", access_log={"format": "[$remote_addr] $status"}
    )
    assert gate.addresses[0].host == f"unix:{path}"
    assert curl(tmp_path, "--unix-socket", path, URL) == (0, "hello from the app\n200")
    request = recorder.received()
    for name in ("x-forwarded-for", "x-real-ip", "x-forwarded-port"):
        assert request.header(name) is None
    assert request.header("x-forwarded-proto") == "https"
    code, output = curl(tmp_path, "--unix-socket", path, URL, who=None)
    assert (code, output[-3:]) == (0, "403")
    gate.stdout.wait_for(r"\[unix:\] 403")


def test_it_is_for_the_user_and_the_group(start_gate: StartGate, tmp_path: Path):
    start_gate(listen=f"unix:{tmp_path}/gate.sock")
    assert stat.S_IMODE((tmp_path / "gate.sock").stat().st_mode) == 0o660


def test_it_is_gone_with_the_gate(start_gate: StartGate, tmp_path: Path):
    path = tmp_path / "gate.sock"
    gate = start_gate(listen=f"unix:{path}")
    assert path.is_socket()
    assert gate.stop() == 0
    assert not path.exists()


def test_what_a_killed_gate_left_is_replaced(
    start_gate: StartGate, recorder: Recorder, tmp_path: Path
):
    path = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as dead:  # what SIGKILL leaves
        dead.bind(str(path))
        dead.listen()
    start_gate(recorder.url, listen=f"unix:{path}")
    assert curl(tmp_path, "--unix-socket", path, URL)[1].endswith("200")


def test_a_living_gate_keeps_its_socket(start_gate: StartGate, recorder: Recorder, tmp_path: Path):
    path = tmp_path / "gate.sock"
    start_gate(recorder.url, listen=f"unix:{path}")
    values = settings(tmp_path, listen=f"unix:{path}")
    done = run("serve", "-c", write(tmp_path, values, "second.yaml"))
    assert done.returncode == 1
    assert f"cannot listen on unix:{path}: it is in use by another program" in done.stderr
    assert curl(tmp_path, "--unix-socket", path, URL)[1].endswith("200")


def test_a_reload_adds_and_removes_it(start_gate: StartGate, recorder: Recorder, tmp_path: Path):
    path = tmp_path / "gate.sock"
    gate = start_gate(recorder.url)
    listen = ["127.0.0.1:0", f"unix:{path}"]
    write(tmp_path, settings(tmp_path, recorder.url, listen=listen))
    gate.reload()
    assert curl(tmp_path, "--unix-socket", path, URL)[1].endswith("200")
    write(tmp_path, settings(tmp_path, recorder.url))
    gate.reload()
    assert not path.exists()


def test_health_check_and_check(start_gate: StartGate, tmp_path: Path):
    path = tmp_path / "gate.sock"
    gate = start_gate(listen=f"unix:{path}")
    config = tmp_path / "gate.yaml"
    assert run("healthcheck", "-c", config).stdout == "ok\n"
    assert f"https on unix:{path};" in run("check", "-c", config).stdout
    gate.stop(signal.SIGTERM)
    done = run("healthcheck", "-c", config)
    assert done.returncode == 1
    assert f"unix:{path}: the proxy does not answer: no such file" in done.stderr


@pytest.mark.parametrize("path", ["nowhere/gate.sock", "gate.yaml"])
def test_check_says_of_a_socket_what_serve_would_say(tmp_path: Path, path: str):
    """And where it stands in the file."""
    file = write(tmp_path, settings(tmp_path, listen=f"unix:{tmp_path}/{path}"))
    checked, served = run("check", "-c", file), run("serve", "-c", file)
    assert (checked.returncode, served.returncode) == (1, 1)
    (complaint,) = (line for line in served.stderr.splitlines() if "cannot listen" in line)
    assert f"{file}:1: listen: {complaint.removeprefix('certgate: ')}" in checked.stderr
    assert "OK" not in checked.stdout
