"""At a terminal ``certgate up`` asks nothing and shows each secret once, whatever happens next."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import termios
from typing import TYPE_CHECKING

from tests.authorities.shells import Terminal
from tests.gate import run
from tests.gate.process import child_environment

if TYPE_CHECKING:
    from pathlib import Path

SECRET = r"(?:\w{4}-){4}\w{4}"


def up(folder: Path, *arguments: str) -> Terminal:
    """Start ``certgate up`` as somebody at a terminal does."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "proxy", "up", "--client", "alice", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=folder,
        env=child_environment({"TERM": "dumb"}),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
    )
    os.close(slave)
    return Terminal(process, master)


def test_from_nothing_to_a_gate_without_a_question(tmp_path: Path):
    """Both secrets are on the screen and in no file; a second run shows none."""
    terminal = up(tmp_path, "--listen", "127.0.0.1:0")
    terminal.expect("Stop with Ctrl-C.")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 0
    found = re.search(f"its passphrase, shown this once, keep it: ({SECRET})", terminal.text)
    assert found, terminal.text
    assert re.search(f"its .p12 password, shown this once: {SECRET}", terminal.text)
    assert not [path for path in tmp_path.rglob("*") if "pass" in path.name]
    env = {"CERTGATE_CA_PASSPHRASE": found[1]}
    assert run("ca", "issue", "bob", cwd=tmp_path, env=env).returncode == 0

    again = up(tmp_path, "--listen", "127.0.0.1:0")
    again.expect("Stop with Ctrl-C.")
    again.process.send_signal(signal.SIGINT)
    assert again.end() == 0
    assert "shown this once" not in again.text


def test_the_secrets_are_shown_although_the_port_is_taken(tmp_path: Path):
    """The files are made by then, and nobody could ever use them."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        terminal = up(tmp_path, "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        assert terminal.end() == 1
    assert "the port is in use" in terminal.text
    assert len(re.findall(f"shown this once.*: {SECRET}", terminal.text)) == 2
