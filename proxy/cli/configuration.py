"""``-c FILE``, or the environment: how every command finds its configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from proxy.config.environment import config_from_environment
from proxy.config.load import load_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.config.model import Config


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


def read_config(config_file: Path | None) -> Config:
    """Return the configuration that the command was given.

    Raises:
        ConfigError: with every problem that was found.
    """
    if config_file is not None:
        return load_config(config_file, os.environ)
    return config_from_environment(os.environ)
