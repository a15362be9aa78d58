"""How a command is told its configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from proxy.cli.check import check
from proxy.cli.config_option import ConfiguredCommand, config_option
from proxy.cli.control import reload, stop
from proxy.cli.healthcheck import healthcheck
from proxy.cli.serve import serve
from proxy.cli.up import up
from tests.privileges import forbidden_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def own_logging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the logging of this process alone: ``serve`` would set it up for good."""
    monkeypatch.setattr("proxy.cli.serve.configure_logging", lambda _: None)


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


@pytest.mark.parametrize("command", [check, serve, reload, stop, healthcheck])
def test_a_file_that_may_not_be_read_is_one_line_about_it(command: click.Command):
    """And not wrong usage, as click would have it."""
    with forbidden_file() as path:
        result = CliRunner().invoke(command, ["-c", str(path)])
        told = str(result.exception) if command is not check else result.output.strip()
        assert (
            told == f"{path}: permission denied; make it readable for the user of this process"
            f" (uid {os.geteuid()})"
        )
    assert result.exit_code == 1


@pytest.mark.parametrize("command", [check, serve, reload, stop, healthcheck])
@pytest.mark.parametrize(
    ("name", "reason"),
    [(".", "is a folder; name a file"), ("none.yaml", "does not exist")],
)
def test_what_is_no_file_is_one_line_about_it(
    command: click.Command, name: str, reason: str, tmp_path: Path
):
    path = tmp_path / name
    result = CliRunner().invoke(command, ["-c", str(path)])
    told = str(result.exception) if command is not check else result.output.strip()
    assert (result.exit_code, told) == (1, f"{path}: {reason}")


def test_a_certificate_that_may_not_be_read_is_not_wrong_usage():
    with forbidden_file() as path:
        arguments = ["3000", "--certificate", str(path), "--private-key", str(path)]
        result = CliRunner().invoke(up, arguments)
        assert str(result.exception).startswith(f"--certificate: {path}: permission denied")
