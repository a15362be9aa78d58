"""Sockets that are bound before the gate starts: systemd's socket activation, or a shell's."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.gate import (
    Gate,
    child_environment,
    connect,
    curl,
    free_port,
    missing,
    run,
    settings,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.upstreams import Recorder

# What systemd does: the sockets are moved to 3 and on, the process that will run has this number.
ACTIVATE = """
import fcntl, os, sys
names, *numbers, end = sys.argv[1:sys.argv.index("--") + 1]
saved = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 50) for number in numbers]
for to, number in enumerate(saved, 3):
    os.dup2(number, to)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(numbers)), LISTEN_FDNAMES=names)
rest = sys.argv[sys.argv.index("--") + 1:]
os.execv(rest[0], rest)
"""


@pytest.fixture
def passed() -> Iterator[socket.socket]:
    """A listening socket that will be passed."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        sock.set_inheritable(True)
        yield sock


def start(folder: Path, upstream: str, names: str, *socks: socket.socket, listen: object) -> Gate:
    path = write(folder, settings(folder, upstream, listen=listen))
    numbers = [str(sock.fileno()) for sock in socks]
    launcher = [sys.executable, "-c", ACTIVATE, names, *numbers, "--"]
    return Gate(["serve", "-c", path], launcher=launcher, pass_fds=[s.fileno() for s in socks])


@pytest.mark.parametrize("address", ["systemd:web", "fd:3"])
def test_a_client_that_came_before_the_gate_is_served(
    recorder: Recorder, passed: socket.socket, tmp_path: Path, address: str
):
    """That is what socket activation is for: nobody meets a closed port."""
    port = passed.getsockname()[1]
    early = socket.create_connection(("127.0.0.1", port), 20)
    gate = start(tmp_path, recorder.url, "web", passed, listen=address)
    assert gate.port == port
    from tests.gate import Client, context

    tls = context("good").wrap_socket(early, server_hostname="localhost")
    with Client.over(tls) as connection:
        assert connection.get().status == 200
    gate.close()
    socket.create_connection(("127.0.0.1", port), 20).close()  # systemd's copy listens on


def test_a_unix_socket_of_systemds_stays(recorder: Recorder, tmp_path: Path):
    """It is systemd's to remove."""
    path = tmp_path / "systemd.sock"
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))
        sock.listen()
        gate = start(tmp_path, recorder.url, "web", sock, listen="systemd:web")
        assert curl(tmp_path, "--unix-socket", path, "https://localhost/")[1].endswith("200")
        gate.close()
        assert path.is_socket()


def test_what_nobody_takes_is_told(recorder: Recorder, passed: socket.socket, tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        gate = start(tmp_path, recorder.url, "web:more", passed, other, listen="systemd:web")
        gate.stderr.wait_for("systemd has passed a socket that no listener takes.*name=more")
        gate.close()


def test_a_reload_keeps_it_and_cannot_get_another(
    recorder: Recorder, passed: socket.socket, tmp_path: Path
):
    """A number means something only at the start."""
    gate = start(tmp_path, recorder.url, "web", passed, listen="systemd:web")
    gate.reload()
    with connect(gate.port) as connection:
        assert connection.get().status == 200
    write(tmp_path, settings(tmp_path, recorder.url, listen=["systemd:web", "fd:7"]))
    gate.reload(expect="reload refused.*fd:7.*at the start only")
    with connect(gate.port) as connection:
        assert connection.get().status == 200
    gate.close()


@pytest.mark.parametrize("address", ["systemd:web", "fd:77"])
def test_without_a_socket_there_is_no_gate(tmp_path: Path, address: str):
    done = run("serve", "-c", write(tmp_path, settings(tmp_path, listen=address)))
    assert done.returncode == 1
    assert f"cannot listen on {address}: " in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_health_check_says_what_it_cannot_know(tmp_path: Path):
    done = run("healthcheck", "-c", write(tmp_path, settings(tmp_path, listen="systemd:web")))
    assert done.returncode == 1
    assert "add an address to ask" in done.stderr


def test_systemds_own_tool_starts_it(recorder: Recorder, tmp_path: Path):
    program = shutil.which("systemd-socket-activate")
    if program is None:
        missing("systemd-socket-activate is not installed: sudo apt-get install systemd")
    port = free_port()
    path = write(tmp_path, settings(tmp_path, recorder.url, listen="systemd:gate"))
    # It starts the program with the first connection, and is that program from then on.
    process = subprocess.Popen(
        [
            *(program, "-l", f"127.0.0.1:{port}", "--fdname=gate", "-E", "PYTHONPATH"),
            *(sys.executable, "-m", "proxy", "serve", "-c", path),
        ],
        env=child_environment(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        assert process.stderr
        assert b"Listening on" in process.stderr.readline()
        with connect(port) as connection:
            assert connection.get().status == 200
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0
