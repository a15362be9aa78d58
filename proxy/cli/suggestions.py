"""Groups of commands that know which one a mistyped word was meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the one that was most likely meant, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 -- for mistyped words alone

    return next(iter(get_close_matches(word.lower(), list(known), n=1)), "")


class SuggestingGroup(click.Group):
    """A group that answers an unknown command with the nearest one.

    Newer releases of click do so for commands that are loaded already, which ours are not.
    """

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names."""
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchOption:
            raise
        except click.UsageError:
            meant = self.meant_by(ctx, args[0])
            advice = f" Did you mean '{meant}'?" if meant else ""
            raise click.UsageError(f"No such command '{args[0]}'.{advice}", ctx) from None

    def meant_by(self, ctx: click.Context, word: str) -> str:
        """Return the command that was most likely meant, or nothing."""
        return nearest(word, self.list_commands(ctx))
