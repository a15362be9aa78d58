"""``reload`` and ``stop`` find the running proxy by its pid file and signal it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from proxy.cli.control import reload, stop
from proxy.errors import CertgateError, ConfigError
from tests.gate import settings, write

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterator
    from pathlib import Path

    import click

_HOLDER = """
import fcntl, os, signal, sys
file = open(sys.argv[1], "w")
fcntl.flock(file, fcntl.LOCK_EX)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP, signal.SIGTERM})
print(os.getpid(), file=file, flush=True)
print("ready", flush=True)
while True:
    got = signal.sigwait({signal.SIGHUP, signal.SIGTERM})
    print(got.name, flush=True)
    if got == signal.SIGTERM:
        break
"""


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    return tmp_path / "pid"


@pytest.fixture
def holder(pid_file: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the pid file as a proxy does and prints the signals that it gets."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(pid_file)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def told(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def run(command: click.Command, *arguments: object) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments])


def reason(result: Result) -> str:
    assert isinstance(result.exception, CertgateError), result
    return str(result.exception)


def test_reload_by_pid_file(holder: subprocess.Popen[str], pid_file: Path):
    result = run(reload, "--pid-file", pid_file)
    assert f"told process {holder.pid} to reload" in result.output
    assert told(holder) == "SIGHUP"


def test_reload_by_configuration_checks_it_first(
    holder: subprocess.Popen[str], pid_file: Path, tmp_path: Path
):
    path = write(tmp_path, settings(tmp_path, pid_file="pid"))
    (tmp_path / "ca.crt").write_text("rubbish")
    result = run(reload, "-c", path, "--pid-file", pid_file)
    assert isinstance(result.exception, ConfigError)
    assert run(reload, "-c", write(tmp_path, settings(tmp_path, pid_file="pid"))).exit_code == 0
    assert told(holder) == "SIGHUP"  # the first that it got


def test_stop_waits_for_the_end(holder: subprocess.Popen[str], pid_file: Path):
    result = run(stop, "--pid-file", pid_file)
    assert result.output == f"process {holder.pid} has stopped\n"
    assert told(holder) == "SIGTERM"


def test_stop_by_configuration(holder: subprocess.Popen[str], tmp_path: Path):
    path = write(tmp_path, settings(tmp_path, pid_file="pid"))
    assert run(stop, "-c", path).exit_code == 0
    assert told(holder) == "SIGTERM"


@pytest.mark.parametrize("command", [reload, stop])
def test_nothing_runs(command: click.Command, pid_file: Path):
    assert "no proxy is running" in reason(run(command, "--pid-file", pid_file))


@pytest.mark.parametrize("command", [reload, stop])
def test_a_configuration_without_a_pid_file_says_what_to_do(command: click.Command, tmp_path: Path):
    path = write(tmp_path, settings(tmp_path))
    assert "has no pid_file; add one" in reason(run(command, "-c", path))


@pytest.mark.parametrize(
    ("error", "words"),
    [(PermissionError(), "belongs to another user"), (ProcessLookupError(), "has just ended")],
)
def test_a_signal_that_cannot_be_sent_is_explained(
    monkeypatch: pytest.MonkeyPatch, error: OSError, words: str, pid_file: Path
):
    def fail(_pid: int, _number: signal.Signals) -> None:
        raise error

    monkeypatch.setattr("proxy.cli.control.read_running_pid", lambda _: os.getpid())
    monkeypatch.setattr(os, "kill", fail)
    for command in (reload, stop):
        assert words in reason(run(command, "--pid-file", pid_file))
