"""Docker asks every few seconds whether a gate lives: that must cost next to nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.gate import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate

# Libraries, and those modules of Python's own that take longest.
HEAVY = {
    *("pydantic", "pydantic_core", "cryptography", "OpenSSL", "structlog", "rich", "jinja2"),
    *("httptools", "uvloop", "aiohttp", "sqlalchemy", "alembic", "asyncio", "logging", "email"),
}


def loaded(stderr: str) -> set[str]:
    """Return the packages whose import was logged."""
    lines = [line for line in stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_a_gate_that_lives_is_asked_without_the_libraries_of_the_gate(
    start_gate: StartGate, tmp_path: Path
):
    start_gate(listen=f"unix:{tmp_path}/gate.sock")
    done = run("healthcheck", "-c", tmp_path / "gate.yaml", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert (done.returncode, done.stdout) == (0, "ok\n")
    packages = loaded(done.stderr)
    assert {"click", "yaml", "ssl"} <= packages
    assert packages.isdisjoint(HEAVY)


def test_a_file_that_broke_while_the_gate_runs_does_not_make_it_ill(
    start_gate: StartGate, tmp_path: Path
):
    """An orchestrator would replace a gate that lives by one that cannot start."""
    start_gate(listen=f"unix:{tmp_path}/gate.sock")
    path = tmp_path / "gate.yaml"
    path.write_text(f"{path.read_text()}\nlimitz: 1\n")
    done = run("healthcheck", "-c", path)
    assert (done.returncode, done.stdout) == (0, "ok\n")


def test_a_gate_that_does_not_answer_is_explained_by_its_broken_file(tmp_path: Path):
    path = tmp_path / "gate.yaml"
    path.write_text(f"listen: unix:{tmp_path}/gate.sock\nlimitz: 1\n")
    done = run("healthcheck", "-c", path)
    assert done.returncode == 1
    assert f"{path}:2: limitz: is not a key; did you mean limits?" in done.stderr
