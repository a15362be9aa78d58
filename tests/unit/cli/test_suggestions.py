"""Which command a mistyped word was meant to be."""

from __future__ import annotations

import click
import pytest

from proxy.cli.main import certgate
from proxy.cli.suggestions import SuggestingGroup, nearest


@pytest.mark.parametrize(
    ("word", "meant"), [("chek", "check"), ("CHECK", "check"), ("stpo", "stop"), ("x", "")]
)
def test_the_nearest_word(word: str, meant: str):
    assert nearest(word, ["check", "serve", "stop"]) == meant


def test_a_command_that_is_there_is_found():
    group = SuggestingGroup(commands=[click.Command("check")])
    name, command, rest = group.resolve_command(click.Context(group), ["check", "-c", "x"])
    assert (name, command, rest) == ("check", group.commands["check"], ["-c", "x"])


def test_an_option_is_no_command():
    group = SuggestingGroup(commands=[click.Command("check")])
    with pytest.raises(click.NoSuchOption):
        group.resolve_command(click.Context(group), ["--check"])


def test_a_verb_of_the_authority_is_found_there():
    assert certgate.meant_by(click.Context(certgate), "revoke") == "ca revoke"
    assert certgate.meant_by(click.Context(certgate), "nonsense") == ""
