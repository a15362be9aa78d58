"""How a command is told its configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.testing import CliRunner

from proxy.cli.config_option import ConfiguredCommand, config_option

if TYPE_CHECKING:
    from pathlib import Path


def test_the_option_has_a_short_and_a_long_form():
    @click.command(cls=ConfiguredCommand)
    @config_option
    def show(config_file: Path | None) -> None:
        click.echo(str(config_file))

    for arguments in (["-c", "x"], ["--config", "x"]):
        assert CliRunner().invoke(show, arguments).output == "x\n"
    assert CliRunner().invoke(show, []).output == "None\n"


def test_a_file_without_the_option_is_told_about_it():
    @click.command(cls=ConfiguredCommand)
    @config_option
    def show(config_file: Path | None) -> None:
        click.echo(str(config_file))

    result = CliRunner().invoke(show, ["gate.yaml"])
    assert result.exit_code == 2
    assert "(gate.yaml); a configuration is named with -c FILE" in result.output
