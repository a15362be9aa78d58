"""Options that several verbs share, and the types of their values."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from proxy.ca.keys import KeyType
from proxy.ca.names import parse_alternative_name
from proxy.ca.p12 import Encoding
from proxy.cli.config_option import PATH
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.shell_completion import CompletionItem
    from cryptography import x509

_Word = TypeVar("_Word", bound=StrEnum)

DEFAULT_DIRECTORY = Path("certs/ca")
_DIRECTORY = "certgate.ca.directory"
_DURATION = re.compile(r"(\d{1,9})\s*([hdwy]?)")
_UNITS = {
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "": timedelta(days=1),
    "w": timedelta(weeks=1),
    "y": timedelta(days=365),
}


class Duration(click.ParamType[timedelta]):
    """A time span: ``30d``, ``12h``, ``2w``, ``1y``, or a number of days."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read the text."""
        if isinstance(value, timedelta):
            return value
        match = _DURATION.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} is not a time span; write 30d, 12h, 2w or 1y", param, ctx)
        count, unit = match.groups()
        try:
            return int(count) * _UNITS[unit]
        except OverflowError:
            self.fail(f"{value!r} is too long", param, ctx)


class OneOf(click.Choice[_Word]):
    """One of an enum's values; click alone would ask for, and show, the names of its members.

    For the same reason defaults are given as values.
    """

    def normalize_choice(self, choice: Any, ctx: click.Context | None) -> str:
        """Return the word that is typed."""
        del ctx
        return choice.value if isinstance(choice, StrEnum) else str(choice)


class Reference(click.ParamType[str]):
    """A serial, a name, or a certificate file; completes the names of the CA in ``--dir``."""

    name = "serial|name|file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text as it is; what it means is for the store to say."""
        del param, ctx
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return common names that begin like this; none when there is no readable CA."""
        del param
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - for the shell only

        from proxy.ca.registry import Registry  # noqa: PLC0415

        directory = ctx.params.get("directory") or chosen_directory(ctx)
        try:
            with Registry.open(Path(directory)) as registry:
                names = registry.complete(incomplete)
        except CertgateError:
            return []
        return [CompletionItem(name) for name in names]


def chosen_directory(ctx: click.Context) -> Path:
    """Return the ``--dir`` of the group, or the default."""
    directory: Path = ctx.meta.get(_DIRECTORY, DEFAULT_DIRECTORY)
    return directory


def _keep_directory(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path:
    """Let ``--dir`` stand before or after the verb."""
    if value is not None:
        ctx.meta[_DIRECTORY] = value
    return chosen_directory(ctx)


directory_option = click.option(
    "--dir",
    "directory",
    type=PATH,
    callback=_keep_directory,
    is_eager=True,
    help="The CA's folder.  [default: certs/ca]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
passphrase_option = click.option(
    "--passphrase-file",
    type=PATH,
    help="Read the CA's passphrase from the first line of this file.",
)
password_option = click.option(
    "--p12-password-file",
    type=PATH,
    help="Read the bundle's password from the first line of this file instead of making one.",
)
encoding_option = click.option(
    "--encoding",
    type=OneOf(Encoding),
    default=Encoding.LEGACY.value,
    show_default=True,
    help="legacy (3DES, SHA-1) is opened by everything; modern (AES-256, SHA-256) is refused as "
    '"wrong password" by iPhones, Macs and many Androids.',
)


def key_type_option(default: KeyType) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return ``--key-type`` with this default."""
    return click.option(
        "--key-type",
        type=OneOf(KeyType),
        default=default.value,
        show_default=True,
        help="The kind of key to make. Browsers do not take ed25519.",
    )


def output_option(text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return ``-o`` with this help."""
    return click.option("-o", "--output", type=PATH, help=text)


def lifetime_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--days`` and ``--hours``; ``lifetime_of`` makes one of them."""
    days = click.option("--days", type=click.IntRange(min=1), help="How long it is valid.")
    hours = click.option(
        "--hours", type=click.IntRange(min=1), help="How long, for a short-lived one."
    )
    return days(hours(command))


def lifetime_of(days: int | None, hours: int | None) -> timedelta | None:
    """Return the lifetime asked for, None for the default.

    Raises:
        click.UsageError: both were given.
        CertgateError: longer than any clock runs.
    """
    if days is not None and hours is not None:
        raise click.UsageError("give --days or --hours, not both")
    try:
        if hours is not None:
            return timedelta(hours=hours)
        return None if days is None else timedelta(days=days)
    except OverflowError as error:
        raise CertgateError(
            "the lifetime is longer than the CA's own; ask for fewer days"
        ) from error


def alternative_names(
    sans: tuple[str, ...], emails: tuple[str, ...]
) -> tuple[x509.GeneralName, ...]:
    """Return what ``--san`` and ``--email`` name.

    Raises:
        CertgateError: a kind that does not exist, or a value that is not of its kind.
    """
    texts = [*sans, *(f"email:{email}" for email in emails)]
    return tuple(dict.fromkeys(parse_alternative_name(text) for text in texts))
