"""``certgate ca`` in processes of its own, with and without a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import subprocess
import sys
import termios
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.gate.process import child_environment, run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PASSPHRASE = "correct horse battery staple"
_SECONDS = 30


def ca(folder: Path, *arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
    """Run one verb in a folder, with the passphrase in the environment."""
    env = {"CERTGATE_CA_PASSPHRASE": PASSPHRASE}
    done = run("ca", *map(str, arguments), env=env, cwd=folder)
    assert done.returncode == code, done.stdout + done.stderr
    return done


@dataclass(slots=True)
class Terminal:
    """One command with a terminal of its own, typed at by the test."""

    process: subprocess.Popen[bytes]
    master: int
    text: str = ""

    def expect(self, words: str) -> None:
        """Wait until the words are on the screen."""
        while words not in self.text:
            ready, _, _ = select.select([self.master], [], [], _SECONDS)
            assert ready, self.text
            data = self._read()
            assert data, self.text
            self.text += data.decode()

    def type(self, line: str) -> None:
        """Type a line."""
        os.write(self.master, f"{line}\n".encode())

    def end(self) -> int:
        """Read what is left, wait for the end and return the exit code."""
        while data := self._read():
            self.text += data.decode()
        os.close(self.master)
        return self.process.wait(_SECONDS)

    def _read(self) -> bytes:
        try:
            return os.read(self.master, 65536)
        except OSError:  # Linux says EIO when the other side has closed
            return b""


def on_a_terminal(
    folder: Path,
    *arguments: object,
    env: Mapping[str, str] | None = None,
    stdout: int | None = None,
) -> Terminal:
    """Start one verb as somebody at a terminal does, without a passphrase in the environment.

    Args:
        folder: the working directory.
        arguments: the verb and what follows it.
        env: further variables.
        stdout: where standard output goes instead, e.g. into a file.
    """
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "proxy", "ca", *map(str, arguments)],
        stdin=slave,
        stdout=slave if stdout is None else stdout,
        stderr=slave,
        cwd=folder,
        env=child_environment({"TERM": "dumb", **(env or {})}),
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no threads here
    )
    os.close(slave)
    return Terminal(process, master)
