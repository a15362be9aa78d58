"""``certgate ca list`` and ``show``: what was issued."""

from __future__ import annotations

import sys
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import click
from cryptography.hazmat.primitives import serialization

from proxy.ca.clock import from_epoch, rfc3339_epoch, to_epoch
from proxy.ca.keys import check_strength, describe_key
from proxy.ca.names import alternative_name_text, alternative_names_of, subject_text
from proxy.ca.reference import select
from proxy.ca.registry import Registry
from proxy.ca.store.records import Filter, Status
from proxy.cli.ca.options import Duration, Reference, directory_option, json_option
from proxy.cli.ca.output import (
    join,
    print_fields,
    print_json,
    print_json_array,
    print_lines,
    summary,
    until,
    warn_about,
)
from proxy.cli.ca.progress import Progress
from proxy.identity.dn import visible

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime, timedelta
    from pathlib import Path

    from proxy.ca.store.records import CertificateRecord

# rich measures every cell before it prints the first: beyond this, lines without a frame.
_MOST_ROWS_IN_A_TABLE = 500
_PIPE_WIDTH = 10_000
_STYLES = {Status.VALID: "green", Status.EXPIRED: "yellow", Status.REVOKED: "red"}


@click.command("list")
@directory_option
@click.option("--expiring", type=Duration(), metavar="30d", help="Valid ones that end within it.")
@click.option("--revoked", is_flag=True, help="Revoked ones only.")
@click.option("--search", default="", metavar="TEXT", help="In the subject or another name.")
@json_option
def list_certificates(
    *,
    directory: Path,
    expiring: timedelta | None,
    revoked: bool,
    search: str,
    as_json: bool,
) -> None:
    """List the certificates that this CA issued.

    \b
    certgate ca list
    certgate ca list --expiring 30d --json
    certgate ca list --search @example.com
    """  # noqa: D301 - click reads \b as "do not wrap"
    with Registry.open(directory) as registry:
        now = to_epoch(registry.now())
        before = None if expiring is None else now + int(expiring.total_seconds())
        records = registry.certificates(Filter(search, before, revoked))
        if as_json:
            print_json_array(summary(record, now) for record in records)
        else:
            with Progress("reading the store", quiet=False) as progress:
                _print_records(records, now, progress)
        warn_about(registry)


def _print_records(records: Iterable[CertificateRecord], now: int, progress: Progress) -> None:
    rest = progress.counting(records)
    first = list(islice(rest, _MOST_ROWS_IN_A_TABLE))
    following = next(rest, None)
    if sys.stdout.isatty():
        progress.stop()  # from here on the lines themselves show that it goes on
    if following is None:
        _print_table(first, now)
        return
    print_lines("  ".join(_cells(record, now)) for record in chain(first, [following], rest))


def _cells(record: CertificateRecord, now: int) -> tuple[str, str, str, str]:
    status = record.status(now)
    remark = f" ({record.reason})" if record.reason else ""
    return (
        str(record.serial),
        visible(record.subject),
        f"{status}{remark}",
        rfc3339_epoch(record.not_after),
    )


def _print_table(records: list[CertificateRecord], now: int) -> None:
    from rich.console import Console  # noqa: PLC0415 - 60 ms that --json need not pay
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    if not records:
        click.echo("no certificates")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("serial", justify="right")
    table.add_column("subject", overflow="fold")
    table.add_column("status")
    table.add_column("ends")
    for record in records:
        serial, subject, status, end = _cells(record, now)
        style = _STYLES[record.status(now)]
        # Text, not str: a subject with [brackets] is a name, not markup.
        table.add_row(serial, Text(subject), Text(status, style), end)
    console = Console()
    if not console.is_terminal:
        console.width = _PIPE_WIDTH  # a program that reads lines wants them whole
    console.print(table)


@click.command()
@click.argument("certificate", type=Reference(), metavar="SERIAL|NAME|FILE")
@directory_option
@click.option("--all", "take_all", is_flag=True, help="Every certificate of that name.")
@json_option
def show(*, certificate: str, directory: Path, take_all: bool, as_json: bool) -> None:
    """Show a certificate: names, dates, fingerprints, and what was done with it.

    \b
    certgate ca show alice
    certgate ca show 17 --json
    certgate ca show alice.crt
    """  # noqa: D301 - click reads \b as "do not wrap"
    with Registry.open(directory) as registry:
        prefer = (lambda _record: True) if take_all else None
        with Progress("reading the store", quiet=as_json):
            records = select(registry, certificate, take_all=take_all, prefer=prefer)
            details = [_details(registry, record) for record in records]
        warn_about(registry)
        if as_json:
            print_json(details if take_all else details[0])
            return
        for number, (record, detail) in enumerate(zip(records, details, strict=True)):
            if number:
                click.echo()
            _print_details(record, detail, registry.now())


def _details(registry: Registry, record: CertificateRecord) -> dict[str, Any]:
    certificate = registry.load(record)
    names = alternative_names_of(certificate)
    return {
        **summary(record, to_epoch(registry.now())),
        "issuer": subject_text(certificate.issuer),
        "profile": record.profile,
        "alternative_names": [alternative_name_text(name) for name in names],
        "key": describe_key(check_strength(certificate.public_key(), "the certificate")),
        "key_file": record.key_file,
        "revocation": _revocation(record),
        "history": [
            {"at": rfc3339_epoch(entry.at), "by": entry.actor, "verb": entry.verb}
            for entry in registry.history(record.serial)
        ],
        "certificate": certificate.public_bytes(serialization.Encoding.PEM).decode(),
    }


def _revocation(record: CertificateRecord) -> dict[str, str] | None:
    if record.revoked_at is None or record.reason is None:
        return None
    return {"at": rfc3339_epoch(record.revoked_at), "reason": record.reason}


def _print_details(record: CertificateRecord, detail: dict[str, Any], now: datetime) -> None:
    shown = {**detail, "not_after": until(from_epoch(record.not_after), now)}
    shown["alternative_names"] = join(detail["alternative_names"])
    revocation = detail["revocation"]
    shown["revocation"] = f"{revocation['at']} {revocation['reason']}" if revocation else ""
    del shown["history"], shown["certificate"]
    print_fields(shown)
    for entry in detail["history"]:
        click.echo(f"  {entry['at']}  {entry['verb']} by {visible(entry['by'])}")
