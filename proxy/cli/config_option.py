"""``-c FILE``: how every command is told its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable

# Without click's own checks: what cannot be read is refused by whoever reads it, with exit 1.
PATH: Final = click.Path(path_type=Path, readable=False)


def config_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-c/--config`` to a command."""
    return click.option(
        "-c",
        "--config",
        "config_file",
        type=PATH,
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
