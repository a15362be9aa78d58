"""From ``-c FILE``, or from the environment, to a configuration that can be used."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from proxy.config.environment import load_from_environment
from proxy.config.load import Loaded, load
from proxy.config.source import place_of
from proxy.errors import ConfigError, Problem
from proxy.snapshot import Snapshot, build_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.config.model import Config
    from proxy.config.source import Source


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
