"""A real curl that trusts the gate's certificate."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.gate.tools import require
from tests.pki import client, trust

if TYPE_CHECKING:
    from pathlib import Path


def curl(folder: Path, *options: object, who: str | None = "good") -> tuple[int, str]:
    """Return curl's exit code, and what it printed: the content and then the status code.

    ``folder`` is where certificates are written.
    """
    (folder / "web.pem").write_bytes(trust().web.pem)
    words = [require("curl"), "-sS", "-m", "20", "--cacert", folder / "web.pem"]
    words += ["-w", "%{http_code}"]
    if who is not None:
        files = client(who).write(folder, f"curl-{who}")
        words += ["--cert", files.certificate, "--key", files.key]
    done = subprocess.run(
        [str(word) for word in (*words, *options)],
        capture_output=True,
        check=False,
        text=True,
        timeout=30,
    )
    return done.returncode, done.stdout
