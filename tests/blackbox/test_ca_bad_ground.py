"""A full disk, a folder that takes nothing: one clear line, exit 1, nothing half-done."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.authorities import names_in
from tests.authorities.shells import PASSPHRASE, ca
from tests.gate.process import child_environment

if TYPE_CHECKING:
    from pathlib import Path


# Without bytecode files: those cannot be written either, and are not our subject.
ENVIRONMENT = {"CERTGATE_CA_PASSPHRASE": PASSPHRASE, "PYTHONDONTWRITEBYTECODE": "1"}


def on_a_full_disk(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a verb in a process whose files cannot grow: to it, that is a full disk."""
    return subprocess.run(
        [sys.executable, "-m", "proxy", "ca", *arguments],
        capture_output=True,
        check=False,
        cwd=folder,
        env=_without_coverage(
            child_environment(
                {"CERTGATE_CA_PASSPHRASE": PASSPHRASE, "PYTHONDONTWRITEBYTECODE": "1"}
            )
        ),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512)),
        text=True,
        timeout=30,
    )


def _without_coverage(environment: dict[str, str]) -> dict[str, str]:
    """Coverage could not write its data to the full disk either, and would say so on stderr."""
    return {name: value for name, value in environment.items() if not name.startswith("COVERAGE_")}


def state(folder: Path) -> tuple[object, bytes, set[str]]:
    """Return what the store says, the CRL, and the names of all files."""
    authority = folder / "certs" / "ca"
    listed = json.loads(ca(folder, "list", "--json").stdout)
    names = names_in(authority) | names_in(folder / "out")
    return listed, (authority / "crl.pem").read_bytes(), names


def test_a_full_disk_changes_nothing(tmp_path: Path):
    ca(tmp_path, "init", "--key-type", "p256")
    ca(tmp_path, "issue", "alice", "-o", "out")
    before = state(tmp_path)
    verbs = "issue bob -o out", "revoke alice", "crl", "renew alice", "export alice -o out/x.p12"
    for verb in verbs:
        done = on_a_full_disk(tmp_path, *verb.split())
        assert done.returncode == 1, done
        [line] = done.stderr.splitlines()
        assert line.startswith("certgate: ")
        assert "cannot write" in line or "nothing was changed" in line
        assert state(tmp_path) == before


def test_a_full_disk_makes_no_ca(tmp_path: Path):
    done = on_a_full_disk(tmp_path, "init", "--key-type", "p256")
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith("certgate: ")
    assert not (tmp_path / "certs" / "ca").exists()
    ca(tmp_path, "init", "--key-type", "p256")


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path):
    """/proc takes no files from anybody, not even from root."""
    told = ca(tmp_path, "--dir", "/proc/certgate", "init", "--key-type", "p256", code=1).stderr
    assert told.startswith("certgate: /proc/certgate: cannot make the folder: ")
    ca(tmp_path, "init", "--key-type", "p256")
    told = ca(tmp_path, "issue", "alice", "-o", "/proc", code=1).stderr
    assert told.startswith("certgate: /proc/alice.key: cannot write: ")
    assert json.loads(ca(tmp_path, "list", "--json").stdout) == []
