"""Help and completion answer at once: nothing is loaded that only a running command needs."""

from __future__ import annotations

import pytest

from tests.gate import run

HEAVY = ("sqlalchemy", "alembic", "aiohttp", "pydantic", "cryptography", "OpenSSL", "uvloop")
PROFILE = {"PYTHONPROFILEIMPORTTIME": "1"}


def loaded(stderr: str) -> set[str]:
    """Return the modules whose import was logged, and the packages that they are of."""
    lines = [line for line in stderr.splitlines() if line.startswith("import time:")]
    modules = {line.rpartition("|")[2].strip() for line in lines}
    return modules | {module.partition(".")[0] for module in modules}


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
        ("serve", {"sqlalchemy", "alembic", "aiohttp", "rich.console"}),
        ("up", {"aiohttp", "rich.console"}),
        ("check", {"sqlalchemy", "alembic", "aiohttp", "asyncio", "structlog", "jinja2"}),
        ("reload", {"sqlalchemy", "alembic", "aiohttp", "asyncio", "structlog", "jinja2"}),
        ("schema", {"sqlalchemy", "aiohttp", "asyncio", "structlog", "jinja2"}),
        ("healthcheck", {*HEAVY, "asyncio", "structlog", "jinja2"}),
    ],
)
def test_a_command_loads_no_library_of_another(command: str, unused: set[str]):
    assert loaded(run(command, "--help", env=PROFILE).stderr).isdisjoint(unused)
