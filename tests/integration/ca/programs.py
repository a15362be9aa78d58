"""Programs of others, and files for them, made as ``certgate ca issue`` makes them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from proxy.ca.delivery import Target, issue_files
from proxy.ca.keys import KeyType
from proxy.ca.p12 import Encoding
from tests.authorities import client
from tests.gate import require

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.authority import Authority

PASSWORD = "k7mq-3fhz-9wtp"


def run(tool: str, *arguments: object) -> str:
    """Run a program that must succeed; return what it prints."""
    done = subprocess.run(
        [require(tool), *map(str, arguments)],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def bundle(
    authority: Authority,
    folder: Path,
    encoding: Encoding = Encoding.LEGACY,
    key_type: KeyType = KeyType.P256,
) -> Path:
    """Issue ``alice`` into a folder; return the path of her bundle."""
    target = Target(folder, "alice", PASSWORD, encoding)
    issue_files(authority, client(key_type=key_type), target)
    return folder / "alice.p12"
