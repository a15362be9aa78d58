"""``certgate``: the group of all commands, and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any

import click

import proxy
from proxy.cli.suggestions import SuggestingGroup
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Loaded only when asked for: ``serve`` must not pay for the store of ``ca`` (memory, start-up), nor
# help and completion, which show the words beside the names, for everything.
_COMMANDS = {
    "up": ("proxy.cli.up:up", "Put an app behind client certificates, in one go."),
    "serve": ("proxy.cli.serve:serve", "Run the proxy, as a configuration says."),
    "check": ("proxy.cli.check:check", "Check a configuration and the files that it names."),
    "schema": ("proxy.cli.schema:schema", "Print the JSON Schema of the configuration."),
    "reload": ("proxy.cli.control:reload", "Make the running proxy load its configuration anew."),
    "stop": ("proxy.cli.control:stop", "Stop the running proxy in order."),
    "healthcheck": ("proxy.cli.healthcheck:healthcheck", "Exit 0 when the proxy answers."),
    "ca": ("proxy.cli.ca:ca", "Make a certificate authority and give out certificates."),
}
# Of the design, and refused by name: what somebody read about is no mistyped word.
_LATER = frozenset({"doctor", "explain", "import"})
# Those that write the error log.
_LOGGING = frozenset({"serve", "up"})


def _import_structlog() -> None:
    """Import structlog as where there is no rich.

    It would load rich at once, for tracebacks that this log does not draw: more than all of
    structlog's own. None in ``sys.modules`` stands for a module that cannot be imported.
    """
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        importlib.import_module("structlog")
    finally:
        del sys.modules["rich"]


class _LazyGroup(SuggestingGroup):
    """A group that imports a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which people need them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of this name."""
        del ctx
        where, _ = _COMMANDS.get(cmd_name, ("", ""))
        if not where:
            return None
        module, _, name = where.partition(":")
        if cmd_name in _LOGGING:
            _import_structlog()
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names."""
        if args[0] in _LATER:
            raise click.UsageError(f"certgate {args[0]} is not in this version", ctx)
        return super().resolve_command(ctx, args)

    def meant_by(self, ctx: click.Context, word: str) -> str:
        """Return the command that was most likely meant; ``issue`` and others are of ``ca``."""
        meant = super().meant_by(ctx, word)
        authority = self.get_command(ctx, "ca")
        if not meant and isinstance(authority, SuggestingGroup):
            verb = authority.meant_by(ctx, word)
            return f"ca {verb}" if verb else ""
        return meant

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the words up to the command; what stands there may be an option of the command."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.possibilities:
                raise
            hint = f"{error.format_message()} Options of a command stand behind its name."
            raise click.UsageError(hint, ctx) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what each command does."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in _COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete names of commands, and options of our own."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 -- for the shell alone

        found = [
            CompletionItem(name, help=words)
            for name, (_, words) in _COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return found + click.Command.shell_complete(self, ctx, incomplete)


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
    # A name that the terminal's character set lacks is no reason to fail.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        outcome: Any = certgate.main(args=arguments, prog_name="certgate", standalone_mode=False)
        if sys.stdout is not None:  # closed before we began
            sys.stdout.flush()
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
    except OSError as error:
        _tell(error)
        sys.exit(1)
    sys.exit(outcome if isinstance(outcome, int) else 0)


def _tell(error: OSError) -> None:
    """Say what the system refused, where no command knew a better word: a full disk, mostly."""
    # Python flushes standard output once more at the end: that must not fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if isinstance(error, BrokenPipeError):
        return  # who read our output went away (``certgate ca list | head``): no complaint
    where = f"{error.filename}: " if error.filename is not None else ""
    print(f"certgate: {where}{(error.strerror or str(error)).lower()}", file=sys.stderr)
