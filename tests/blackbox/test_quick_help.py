"""Help and completion answer at once: nothing is loaded that only a running command needs."""

from __future__ import annotations

import pytest

from tests.gate import run

HEAVY = ("sqlalchemy", "alembic", "aiohttp", "pydantic", "cryptography", "OpenSSL", "uvloop")
PROFILE = {"PYTHONPROFILEIMPORTTIME": "1"}


def loaded(stderr: str) -> set[str]:
    """Return the packages whose import was logged."""
    lines = [line for line in stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_help_names_every_command_in_one_line_each():
    done = run("--help", env=PROFILE)
    assert "..." not in done.stdout.partition("Commands:")[2]
    packages = loaded(done.stderr)
    assert "click" in packages
    assert packages.isdisjoint(HEAVY)


def test_completion_of_the_commands():
    words = {"COMP_WORDS": "certgate s", "COMP_CWORD": "1", "_CERTGATE_COMPLETE": "bash_complete"}
    done = run(env={**PROFILE, **words})
    assert done.stdout.splitlines() == ["plain,serve", "plain,schema", "plain,stop"]
    assert loaded(done.stderr).isdisjoint(HEAVY)


@pytest.mark.parametrize(
    ("command", "unused"),
    [
        ("serve", {"sqlalchemy", "alembic", "aiohttp"}),
        ("up", {"aiohttp"}),
        ("check", {"sqlalchemy", "alembic", "aiohttp"}),
        ("healthcheck", {"sqlalchemy", "alembic", "aiohttp", "jinja2"}),
    ],
)
def test_a_command_loads_no_library_of_another(command: str, unused: set[str]):
    assert loaded(run(command, "--help", env=PROFILE).stderr).isdisjoint(unused)
