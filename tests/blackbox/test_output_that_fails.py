"""Standard output that is full, closed, or poor in letters: a reason or less, no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.gate import Gate, run
from tests.gate.process import child_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

FULL = Path("/dev/full")


def printing_to(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    with path.open("w") as file:
        return subprocess.run(
            [sys.executable, "-m", "proxy", *arguments],
            check=False,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.PIPE,
            text=True,
            timeout=30,
        )


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize("command", ["schema", "--help", "--version"])
def test_a_full_disk_is_the_reason(command: str):
    done = printing_to(FULL, command)
    assert done.returncode == 1
    assert done.stderr == "certgate: no space left on device\n"


def test_a_closed_output_is_no_traceback():
    shell = 'exec "$0" -m proxy schema >&-'
    done = subprocess.run(
        ["/bin/sh", "-c", shell, sys.executable],
        capture_output=True,
        check=False,
        env=child_environment(),
        text=True,
        timeout=30,
    )
    assert done.stderr == ""


@pytest.mark.parametrize("env", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}])
def test_a_name_that_the_terminal_cannot_show_stops_nothing(tmp_path: Path, env: Mapping[str, str]):
    arguments = ["up", "--client", "Łukasz", "--listen", "127.0.0.1:0"]
    gate = Gate(arguments, cwd=tmp_path, env=env)
    gate.stdout.wait_for("^Stop with")
    gate.close()
    schema = run("schema", env=env)
    assert json.loads(schema.stdout)["properties"]
