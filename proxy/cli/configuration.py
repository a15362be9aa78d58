"""``-c FILE``, or the environment: how every command finds its configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.config.environment import load_from_environment
from proxy.config.load import Loaded, load
from proxy.config.source import place_of
from proxy.errors import ConfigError, Problem
from proxy.snapshot import Snapshot, build_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.config.model import Config
    from proxy.config.source import Source


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-c/--config`` to a command."""
    return click.option(
        "-c",
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        help="The configuration file. Without it CERTGATE_CONFIG names one, or the variables "
        "CERTGATE_LISTEN, _UPSTREAM, _CERTIFICATE, _PRIVATE_KEY, _CLIENT_CA and _CRL are it.",
    )(command)


class ConfiguredCommand(click.Command):
    """A command that takes ``-c FILE`` and says so to whoever leaves the ``-c`` out."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words of the command line."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if "unexpected extra argument" not in error.message:
                raise
            hint = f"{error.message}; a configuration is named with -c FILE"
            raise click.UsageError(hint, ctx) from error


def load_configuration(config_file: Path | None) -> Loaded:
    """Return the configuration that the command was given, with its warnings and lines.

    Raises:
        ConfigError: with every problem that was found.
    """
    if config_file is not None:
        return load(config_file, os.environ)
    return load_from_environment(os.environ)


def read_config(config_file: Path | None) -> Config:
    """Return the configuration alone.

    Raises:
        ConfigError: with every problem that was found.
    """
    return load_configuration(config_file).config


def compile_configuration(loaded: Loaded, previous: Snapshot | None = None) -> Snapshot:
    """Compile a configuration; problems get the lines that only its file knows.

    Args:
        loaded: the configuration.
        previous: as ``build_snapshot``.

    Raises:
        ConfigError: with every problem of the files that it names.
    """
    try:
        return build_snapshot(loaded.config, previous)
    except ConfigError as error:
        problems = [_located(problem, loaded.source) for problem in error.problems]
        raise ConfigError(problems) from None


def _located(problem: Problem, source: Source) -> Problem:
    return problem if problem.where else source.problem(place_of(problem.key), problem.message)
