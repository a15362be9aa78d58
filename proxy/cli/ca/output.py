"""What the verbs print: results on stdout, remarks on stderr, JSON when asked."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from proxy.ca.clock import rfc3339, rfc3339_epoch, to_epoch
from proxy.ca.p12 import Encoding
from proxy.errors import CertgateError
from proxy.identity.dn import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from proxy.ca.registry import Registry
    from proxy.ca.store.records import CertificateRecord


_LINES_IN_A_WRITE = 500


def say(text: str) -> None:
    """Print a line for people on stderr, so that stdout can be piped."""
    click.echo(text, err=True)


def warn(text: str) -> None:
    """Print a warning on stderr."""
    say(f"certgate: warning: {text}")


def warn_about(registry: Registry) -> None:
    """Print what the operator should know about this CA."""
    for text in registry.warnings():
        warn(text)


def say_encoding(encoding: Encoding) -> None:
    """Say what the default of ``--encoding`` is good for; who chose the other one knows."""
    if encoding is Encoding.LEGACY:
        say("The .p12 has the legacy encoding, which every device opens (see --encoding).")


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_lines(lines: Iterable[str]) -> None:
    """Print many lines, some hundred in one write."""
    remaining = iter(lines)
    while chunk := list(islice(remaining, _LINES_IN_A_WRITE)):
        click.echo("\n".join(chunk))


def print_json_array(values: Iterable[dict[str, str]]) -> None:
    """Print an array of flat objects, one a line, without ever holding all of it."""
    remaining = iter(values)
    before = "["
    while chunk := list(islice(remaining, _LINES_IN_A_WRITE)):
        # One call encodes many objects, three times as fast as one each. The line ends are put
        # in afterwards: inside a string a quotation mark has a backslash before it, so these
        # five characters stand between two objects only.
        text = json.dumps(chunk, ensure_ascii=False)[1:-1].replace('"}, {"', '"},\n{"')
        click.echo(f"{before}\n{text}", nl=False)
        before = ","
    click.echo("\n]" if before == "," else "[\n]")


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values in two columns, leaving out what is empty."""
    shown = {name: str(value) for name, value in fields.items() if value not in (None, "")}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        click.echo(f"{name:<{width}}  {visible(value)}")


def summary(record: CertificateRecord, now: int) -> dict[str, str]:
    """Return a certificate as ``list --json`` shows it; ``now`` in seconds since 1970."""
    return {
        "serial": str(record.serial),
        "subject": record.subject,
        "status": record.status(now).value,
        "not_before": rfc3339_epoch(record.not_before),
        "not_after": rfc3339_epoch(record.not_after),
        "fingerprint_sha256": record.fingerprint_sha256,
    }


def summary_of(registry: Registry, serial: int) -> dict[str, str]:
    """Return the summary of a certificate that was just issued."""
    record = registry.by_serial(serial)
    if record is None:
        raise CertgateError(f"serial {serial} is not in the store")
    return summary(record, to_epoch(registry.now()))


def until(moment: datetime, now: datetime) -> str:
    """Return a date with the days left, e.g. ``2027-01-31 (in 12 days)``."""
    days = (moment - now).days
    return f"{rfc3339(moment)} ({'expired' if moment <= now else f'in {days} days'})"


def join(values: Iterable[object]) -> str:
    """Return values with commas between."""
    return ", ".join(str(value) for value in values)
