"""``certgate reload`` and ``certgate stop``: signals to the running proxy, through its pid file."""

from __future__ import annotations

import os
import select
import signal
from typing import TYPE_CHECKING

import click

from proxy.cli.config_option import PATH, ConfiguredCommand, config_option
from proxy.cli.configuration import compile_configuration, load_configuration, read_config
from proxy.errors import CertgateError
from proxy.pid_file import read_running_pid

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.config.model import Config

_pid_file_option = click.option(
    "--pid-file",
    type=PATH,
    help="The proxy's pid file.  [default: pid_file of the configuration]",
)


@click.command(cls=ConfiguredCommand)
@config_option
@_pid_file_option
def reload(config_file: Path | None, pid_file: Path | None) -> None:
    """Load the configuration anew, without losing a connection.

    It is checked first: with an error the proxy is not told, and goes on as before.
    """
    config = None
    if pid_file is None or config_file is not None:
        loaded = load_configuration(config_file)
        compile_configuration(loaded)
        config = loaded.config
    pid = _running_pid(pid_file, config)
    _signal(pid, signal.SIGHUP)
    click.echo(f"told process {pid} to reload; its error log says how it went")


@click.command(cls=ConfiguredCommand)
@config_option
@_pid_file_option
def stop(config_file: Path | None, pid_file: Path | None) -> None:
    """Stop the proxy in order: requests under way are answered first."""
    config = read_config(config_file) if pid_file is None else None
    pid = _running_pid(pid_file, config)
    descriptor = os.pidfd_open(pid)
    try:
        _signal(pid, signal.SIGTERM)
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)  # readable when the process has ended
        poll.poll()
    finally:
        os.close(descriptor)
    click.echo(f"process {pid} has stopped")


def _running_pid(pid_file: Path | None, config: Config | None) -> int:
    path = pid_file or (config.pid_file if config is not None else None)
    if path is None:
        raise CertgateError(
            "the configuration has no pid_file; add one, name it with --pid-file, "
            "or send the signal yourself (SIGHUP, SIGTERM)"
        )
    return read_running_pid(path)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except PermissionError as error:
        raise CertgateError(
            f"process {pid} belongs to another user; run this as that user or as root"
        ) from error
    except ProcessLookupError as error:
        raise CertgateError(f"process {pid} has just ended") from error
