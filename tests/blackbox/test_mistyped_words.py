"""A mistyped command or option: exit code 2, the near word, and nothing is done."""

from __future__ import annotations

import pytest

from tests.gate import run


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("chek", "Error: No such command 'chek'. Did you mean 'check'?"),
        ("Serve -c gate.yaml", "Error: No such command 'Serve'. Did you mean 'serve'?"),
        ("health-check", "Error: No such command 'health-check'. Did you mean 'healthcheck'?"),
        ("issue alice", "Error: No such command 'issue'. Did you mean 'ca issue'?"),
        ("fly", "Error: No such command 'fly'."),
        ("ca isue alice", "Error: No such command 'isue'. Did you mean 'issue'?"),
        ("ca revok alice", "Error: No such command 'revok'. Did you mean 'revoke'?"),
        ("ca fly", "Error: No such command 'fly'."),
    ],
)
def test_a_command(line: str, said: str):
    done = run(*line.split())
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == said
    assert done.stderr.startswith("Usage: certgate ")


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("check --confg gate.yaml", "--config"),
        ("serve --loglevel debug", "--log-level"),
        ("stop --pidfile gate.pid", "--pid-file"),
        ("ca --dri certs init", "--dir"),
        ("ca list --expring 30d", "--expiring"),
        ("--verson", "--version"),
    ],
)
def test_an_option(line: str, near: str):
    done = run(*line.split())
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert "No such option" in last
    assert near in last


def test_an_option_that_stands_before_its_command():
    done = run("-c", "gate.yaml", "check")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("Options of a command stand behind its name.")
