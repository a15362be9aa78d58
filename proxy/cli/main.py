"""``certgate``: the group of all commands, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

import proxy
from proxy.errors import CertgateError

# Loaded only when asked for: ``serve`` must not pay for the store of ``ca`` (memory, start-up).
_COMMANDS = {
    "up": "proxy.cli.up:up",
    "serve": "proxy.cli.serve:serve",
    "check": "proxy.cli.check:check",
    "schema": "proxy.cli.schema:schema",
    "reload": "proxy.cli.control:reload",
    "stop": "proxy.cli.control:stop",
    "healthcheck": "proxy.cli.healthcheck:healthcheck",
    "ca": "proxy.cli.ca:ca",
}


class _LazyGroup(click.Group):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which people need them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name."""
        del ctx
        where = _COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(proxy.__version__, prog_name="certgate")
def certgate() -> None:
    """Put any app behind TLS client certificates.

    `certgate up 3000` does everything for an app on port 3000; the other commands do one thing.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run a command line; exit 0 done, 1 refused or failed with a reason, 2 wrong usage."""
    try:
        outcome: Any = certgate.main(args=arguments, prog_name="certgate", standalone_mode=False)
    except click.exceptions.Abort:
        print("certgate: stopped", file=sys.stderr)
        sys.exit(1)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except CertgateError as error:
        for line in str(error).splitlines() or [type(error).__name__]:
            print(f"certgate: {line}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        # Who read our output went away (``certgate ca list | head``): no reason to complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    sys.exit(outcome if isinstance(outcome, int) else 0)
