"""Build load.c and run it."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("load.c")
IDENTITY = "client"


class BenchError(Exception):
    """The bench cannot go on; the text says why."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the load generator saw; every answer was a complete 2xx."""

    requests: int
    body_bytes: int
    seconds: float
    p50: float
    p99: float
    max: float


def build(folder: Path) -> Path:
    """Compile the load generator into the folder."""
    program = folder / "load"
    if shutil.which("cc") is None:
        raise BenchError("no C compiler: sudo apt-get install gcc libc6-dev libssl-dev")
    done = subprocess.run(
        ["cc", "-O2", "-o", program, SOURCE, "-lssl", "-lcrypto"],
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode:
        raise BenchError(f"load.c does not build (is libssl-dev installed?):\n{done.stderr}")
    return program


def _command(program: Path, port: int, flags: tuple[str, ...]) -> list[str]:
    stem = str(program.parent / IDENTITY)
    identity = ["-C", f"{stem}.crt", "-K", f"{stem}.key"]
    return [str(program), *identity, *flags, str(port)]


def run(program: Path, port: int, *flags: str) -> Result:
    """Run the load generator to its end; a single failed request ends the bench."""
    done = subprocess.run(
        _command(program, port, flags), capture_output=True, check=False, text=True, timeout=300
    )
    if done.returncode:
        shown = f"{done.stdout}{done.stderr[:2000]}"
        raise BenchError(f"port {port}, {' '.join(flags)}: not every answer was a 2xx:\n{shown}")
    return _result(json.loads(done.stdout))


def _result(told: dict[str, Any]) -> Result:
    if told.pop("failed"):
        raise BenchError("a request failed")
    return Result(**told)


class Held:
    """Idle connections, each after one good answer, for as long as the ``with`` block lasts."""

    def __init__(self, program: Path, port: int, connections: int) -> None:
        flags = ("-m", "hold", "-c", str(connections))
        self._process = subprocess.Popen(
            _command(program, port, flags), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Result:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise BenchError("the idle connections were not served")
        return _result(json.loads(line))

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=60)
