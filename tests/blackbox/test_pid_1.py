"""As PID 1 of a container: the kernel gives it no default signal handlers, it must have its own."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.gate import Gate, connect, missing, require, settings, write
from tests.gate.process import children
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture
def namespace() -> Sequence[str]:
    """A command that makes what follows it PID 1 of a new PID namespace."""
    command = [require("unshare"), "--pid", "--fork", "--kill-child", "--map-root-user"]
    tried = subprocess.run([*command, "true"], capture_output=True, check=False, text=True)
    if tried.returncode:
        missing(f"this machine allows no PID namespaces: {tried.stderr.strip()}")
    return command


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)
def test_pid_1_stops_on_a_signal_with_exit_code_0(
    namespace: Sequence[str], tmp_path: Path, number: signal.Signals
):
    """``docker stop`` must not have to wait for its SIGKILL."""
    with Recorder() as upstream:
        path = write(tmp_path, settings(tmp_path, upstream.url))
        gate = Gate(["serve", "-c", path], launcher=namespace)
        try:
            with connect(gate.port) as connection:
                assert connection.get().status == 200
            import os

            [first] = children(gate.pid)
            os.kill(first, number)
            assert gate.wait() == 0
        finally:
            gate.kill()
