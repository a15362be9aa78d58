"""A running ``certgate up`` with its demo app, and the people who visit it."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.chromium import Home, choosing_certificates_for
from tests.gate import Gate, run

if TYPE_CHECKING:
    from collections.abc import Iterator


class House:
    """The gate, its folder, and homes for browsers."""

    def __init__(self, folder: Path, gate: Gate) -> None:
        self.folder = folder
        self.gate = gate
        self.url = gate.url()
        self._homes = 0

    def visitor(self, name: str | None = None) -> Home:
        """Return the home of somebody who trusts the site and has, if named, a certificate."""
        self._homes += 1
        folder = self.folder / f"home{self._homes}"
        folder.mkdir()
        home = Home(folder)
        home.trust(self.folder / "certs" / "ca" / "ca.crt")
        if name is not None:
            home.install(*self.issue(name))
        return home

    def issue(self, name: str) -> tuple[Path, str]:
        """Let certgate make a .p12; return its path and its password."""
        password = self.folder / f"{name}.password"
        password.write_text("correct horse\n", encoding="utf-8")
        done = run(
            *("ca", "issue", name, "--dir", "certs/ca", "-o", name),
            *("--passphrase-file", "certs/ca.passphrase", "--p12-password-file", password),
            cwd=self.folder,
        )
        assert done.returncode == 0, done
        return self.folder / name / f"{name}.p12", "correct horse"

    def revoke(self, name: str) -> None:
        """Shut somebody out, and wait until the gate knows."""
        seen = len(self.gate.stderr.lines)
        done = run(
            *("ca", "revoke", name, "--dir", "certs/ca"),
            *("--passphrase-file", "certs/ca.passphrase"),
            cwd=self.folder,
        )
        assert done.returncode == 0, done
        self.gate.stderr.wait_for("(?i)crl", after=seen)


@contextlib.contextmanager
def open_house() -> Iterator[House]:
    """Start ``certgate up`` in an empty folder, and let browsers choose certificates for it."""
    with tempfile.TemporaryDirectory(prefix="certgate-") as name:
        folder = Path(name)
        gate = Gate(["up", "--listen", "127.0.0.1:0", "--client", "alice"], cwd=folder)
        try:
            gate.stdout.wait_for("^curl ")
            with choosing_certificates_for(gate.url()):
                yield House(folder, gate)
        finally:
            gate.close()
