"""``certgate serve``: the proxy itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from proxy import app
from proxy.cli.configuration import config_option, read_config
from proxy.observe.error_log import configure_logging

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.observe.error_log import Level


@click.command()
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
    app.serve(lambda: read_config(config_file), app.announce)
