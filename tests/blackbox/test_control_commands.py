"""``certgate healthcheck``, ``reload`` and ``stop``, as containers and scripts use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, free_port, run, settings, write
from tests.upstreams import Recorder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate


def test_healthcheck_succeeds_while_the_proxy_answers_and_fails_afterwards(
    start_gate: StartGate, tmp_path: Path
):
    """It needs no client certificate, and no app that is up."""
    address = f"127.0.0.1:{free_port()}"
    gate = start_gate(listen=address)
    assert run("healthcheck", "-c", tmp_path / "gate.yaml").returncode == 0
    assert gate.stop() == 0
    done = run("healthcheck", "-c", tmp_path / "gate.yaml")
    assert done.returncode == 1
    assert address in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_healthcheck_fails_when_something_else_listens_there(tmp_path: Path):
    """An open port is not enough: it must be certgate that answers."""
    with Recorder() as stranger:
        path = write(tmp_path, settings(tmp_path, listen=f"127.0.0.1:{stranger.port}"))
        assert run("healthcheck", "-c", path, timeout=60).returncode == 1


@pytest.mark.parametrize("seconds", ["0", "-1", "1e99", "soon"])
def test_a_time_that_nobody_waits_is_wrong_usage(tmp_path: Path, seconds: str):
    path = write(tmp_path, settings(tmp_path))
    done = run("healthcheck", "-c", path, "--timeout", seconds)
    assert done.returncode == 2
    assert "--timeout" in done.stderr


@pytest.mark.parametrize("how", ["configuration", "option"])
def test_reload_and_stop_find_the_process_by_its_pid_file(
    start_gate: StartGate, tmp_path: Path, how: str
):
    """Named by the configuration or by --pid-file."""
    pid_file = tmp_path / "gate.pid"
    where = ["-c", tmp_path / "gate.yaml"] if how == "configuration" else ["--pid-file", pid_file]
    with Recorder(b"old") as old, Recorder(b"new") as new:
        gate = start_gate(old.url, pid_file="gate.pid")
        assert int(pid_file.read_text()) == gate.pid
        write(tmp_path, settings(tmp_path, new.url, pid_file="gate.pid"))
        seen = len(gate.stderr.lines)
        done = run("reload", *where)
        assert done.returncode == 0, done
        gate.stderr.wait_for("(?i)reloaded", after=seen)
        with connect(gate.port) as connection:
            assert connection.get().body == b"new"
        done = run("stop", *where)
        assert done.returncode == 0, done
        assert gate.wait() == 0
    assert not pid_file.exists()


@pytest.mark.parametrize("command", ["reload", "stop"])
def test_without_a_running_proxy_they_fail_with_one_line(tmp_path: Path, command: str):
    """No pid file, and one that is stale."""
    for content in (None, "", "0\n", "-1\n", "999999999\n", "nonsense\n"):
        pid_file = tmp_path / "gate.pid"
        if content is not None:
            pid_file.write_text(content)
        done = run(command, "--pid-file", pid_file)
        assert done.returncode == 1, (content, done)
        assert len(done.stderr.splitlines()) == 1
        assert "gate.pid" in done.stderr


def test_schema_is_a_json_schema_that_knows_the_keys():
    """Editors read it."""
    import json

    done = run("schema")
    assert done.returncode == 0
    schema = json.loads(done.stdout)
    assert {"listen", "tls", "client_auth", "upstream"} <= schema["properties"].keys()
