"""``certgate ca revoke``, ``unrevoke`` and ``crl``: who is shut out."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from proxy.ca.clock import from_epoch, rfc3339
from proxy.ca.crl import DEFAULT_LIFETIME, HOLD, REASONS, number_of
from proxy.ca.files import StagedFile, is_folder
from proxy.ca.reference import select
from proxy.ca.registry import Registry
from proxy.cli.ca.options import (
    Duration,
    Reference,
    directory_option,
    json_option,
    output_option,
    passphrase_option,
)
from proxy.cli.ca.output import print_fields, print_json, say, summary_of, until, warn_about
from proxy.cli.ca.passphrase import open_authority
from proxy.cli.ca.progress import Progress
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from datetime import timedelta
    from pathlib import Path

    from proxy.ca.store.records import CertificateRecord

_SIGNING = "signing the list"


@click.command()
@click.argument("certificate", type=Reference(), metavar="SERIAL|NAME|FILE")
@directory_option
@click.option(
    "--reason",
    type=click.Choice(list(REASONS), case_sensitive=False),
    default=x509.ReasonFlags.unspecified.value,
    show_default=True,
    help=f"{HOLD} can be taken back with unrevoke, the others cannot.",
)
@click.option("--all", "take_all", is_flag=True, help="Every valid certificate of that name.")
@passphrase_option
@json_option
def revoke(
    *,
    certificate: str,
    directory: Path,
    reason: str,
    take_all: bool,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Revoke a certificate and sign a new CRL.

    \b
    certgate ca revoke alice
    certgate ca revoke 17 --reason keyCompromise
    certgate ca revoke alice.crt --reason certificateHold

    A proxy whose configuration names this crl.pem refuses it within a second.
    """  # noqa: D301 - click reads \b as "do not wrap"
    with Registry.open(directory) as registry:
        # Looked up first: a mistyped name should not cost the typing of a passphrase.
        records = select(registry, certificate, take_all=take_all)
    if all(record.revoked_at is not None for record in records):
        raise CertgateError(_already(records[0]))
    with open_authority(directory, passphrase_file) as authority:
        with Progress(_SIGNING, quiet=as_json):
            authority.revocation.revoke(records, reason)
        _report(authority.registry, records, as_json=as_json)


def _already(record: CertificateRecord) -> str:
    day = from_epoch(record.revoked_at or 0)
    return f"serial {record.serial} was revoked already, on {day:%Y-%m-%d} ({record.reason})"


@click.command()
@click.argument("certificate", type=Reference(), metavar="SERIAL|NAME|FILE")
@directory_option
@passphrase_option
@json_option
def unrevoke(
    *, certificate: str, directory: Path, passphrase_file: Path | None, as_json: bool
) -> None:
    """Take back a revocation whose reason was certificateHold.

    \b
    certgate ca unrevoke alice
    """  # noqa: D301 - click reads \b as "do not wrap"
    with Registry.open(directory) as registry:
        [record] = select(registry, certificate, prefer=lambda found: found.reason == HOLD)
    with open_authority(directory, passphrase_file) as authority:
        with Progress(_SIGNING, quiet=as_json):
            authority.revocation.unrevoke(record)
        _report(authority.registry, [record], as_json=as_json)


def _report(registry: Registry, records: list[CertificateRecord], *, as_json: bool) -> None:
    results = [summary_of(registry, record.serial) for record in records]
    warn_about(registry)
    if as_json:
        print_json(results)
        return
    for result in results:
        click.echo(f"serial {result['serial']} ({result['subject']}) is {result['status']}")
    say(f"{registry.folder.crl} is number {number_of(registry.crl())}")


@click.command()
@directory_option
@click.option("--show", "only_shows", is_flag=True, help="Show the current list, sign nothing.")
@click.option(
    "--lifetime",
    type=Duration(),
    default=f"{DEFAULT_LIFETIME.days}d",
    show_default=True,
    help="Until it has to be signed again.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["pem", "der"]),
    default="pem",
    show_default=True,
    help="The format of -o.",
)
@output_option("A copy of the list, for other programs.")
@passphrase_option
@json_option
def crl(
    *,
    directory: Path,
    only_shows: bool,
    lifetime: timedelta,
    form: str,
    output: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Sign the CRL again, with a higher number; or show it.

    \b
    certgate ca crl                           once a year, before it goes stale
    certgate ca crl --show
    certgate ca crl --show --format der -o ca.crl
    """  # noqa: D301 - click reads \b as "do not wrap"
    if form == "der" and output is None:
        raise click.UsageError("--format goes with -o: crl.pem itself is always PEM")
    if only_shows:
        with Registry.open(directory) as registry, _reserved(output, form) as copy:
            _show(registry, registry.crl(), form, copy, as_json=as_json)
        return
    with open_authority(directory, passphrase_file) as authority, _reserved(output, form) as copy:
        with Progress(_SIGNING, quiet=as_json):
            signed = authority.revocation.publish(lifetime)
        _show(authority.registry, signed, form, copy, as_json=as_json)


def _reserved(output: Path | None, form: str) -> AbstractContextManager[StagedFile | None]:
    """Open the copy's file: where it cannot be written, nothing is signed."""
    if output is None:
        return nullcontext()
    return StagedFile.reserve(output / f"crl.{form}" if is_folder(output) else output, 1)


def _show(
    registry: Registry,
    current: x509.CertificateRevocationList,
    form: str,
    copy: StagedFile | None,
    *,
    as_json: bool,
) -> None:
    if copy is not None:
        encoding = serialization.Encoding.PEM if form == "pem" else serialization.Encoding.DER
        copy.publish(current.public_bytes(encoding))
    fields: dict[str, object] = {
        "issuer": registry.describe(),
        "number": number_of(current),
        "this_update": rfc3339(current.last_update_utc),
        "next_update": rfc3339(current.next_update_utc or current.last_update_utc),
        "file": str(copy.path if copy else registry.folder.crl),
    }
    warn_about(registry)
    if as_json:
        print_json(fields | {"revoked": [_entry(entry) for entry in current]})
        return
    if current.next_update_utc is not None:
        fields["next_update"] = until(current.next_update_utc, registry.now())
    print_fields(fields | {"revoked": len(current)})
    say("Whoever knows the CA's passphrase signs it again before next_update: certgate ca crl")


def _entry(entry: x509.RevokedCertificate) -> dict[str, str]:
    try:
        reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        reason = x509.ReasonFlags.unspecified
    return {
        "serial": str(entry.serial_number),
        "revoked_at": rfc3339(entry.revocation_date_utc),
        "reason": reason.value,
    }
