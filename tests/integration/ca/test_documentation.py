"""The commands in docs/certificates.md exist as they are written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from proxy.cli.ca import ca

PAGE = Path(__file__).parents[3] / "docs" / "certificates.md"
LINES = re.findall(r"^\$ certgate ca (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("line", dict.fromkeys(LINES))
def test_a_documented_command_is_understood(line: str):
    """Click raises on an option or a value that does not exist."""
    verb, *arguments = shlex.split(line)
    assert ca.commands[verb].make_context(verb, arguments).command.name == verb


def test_the_page_shows_every_verb():
    assert {line.split()[0] for line in LINES} == set(ca.commands)


@pytest.mark.parametrize("verb", ca.commands)
def test_every_help_has_an_example(verb: str):
    command = ca.commands[verb]
    assert f"certgate ca {verb}" in (command.help or "")


def test_defaults_are_shown_as_they_are_typed():
    words = ca.commands["issue"].get_help(click.Context(ca.commands["issue"]))
    for word in ("client", "p256", "legacy"):
        assert f"[default: {word}]" in words
