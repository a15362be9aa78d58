"""``certgate serve``: the proxy itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click
import structlog

from proxy import app
from proxy.cli.config_option import ConfiguredCommand, config_option
from proxy.cli.configuration import compile_configuration, load_configuration
from proxy.cli.inspection import inspect_certificates
from proxy.observe.error_log import configure_logging

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.observe.error_log import Level
    from proxy.snapshot import Snapshot

_log = structlog.stdlib.get_logger()


@click.command(cls=ConfiguredCommand)
@config_option
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="How much the error log on stderr tells.",
)
def serve(config_file: Path | None, log_level: Level) -> None:
    """Run the proxy until it is told to stop (SIGTERM, Ctrl-C).

    SIGHUP loads the configuration anew; SIGUSR1 reopens the access log.
    """
    configure_logging(log_level)

    def build(previous: Snapshot | None) -> Snapshot:
        loaded = load_configuration(config_file)
        for warning in loaded.warnings:
            _log.warning("configuration", problem=str(warning))
        snapshot = compile_configuration(loaded, previous)
        for finding in inspect_certificates(snapshot, datetime.now(UTC)):
            _log.warning("configuration", problem=str(loaded.source.problem(*finding)))
        return snapshot

    app.serve(build, app.announce)
