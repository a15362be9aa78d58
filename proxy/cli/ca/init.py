"""``certgate ca init``: a new authority, alone or below a root, or one that is taken over."""

from __future__ import annotations

import secrets
import sys
from typing import TYPE_CHECKING, Any

import click

from proxy.ca.adoption import UNKNOWN_PAST, Adoption, adopt, following_serial
from proxy.ca.authority import Authority
from proxy.ca.clock import rfc3339
from proxy.ca.creation import DEFAULT_LIFETIME_DAYS, NewAuthority, check_free
from proxy.ca.files import read_file
from proxy.ca.intermediate import create_with_root
from proxy.ca.issuance import fingerprint
from proxy.ca.keys import KeyType, is_encrypted
from proxy.ca.names import SubjectFields
from proxy.cli.ca.options import (
    directory_option,
    json_option,
    key_type_option,
    passphrase_option,
)
from proxy.cli.ca.output import print_fields, print_json, say, warn
from proxy.cli.ca.passphrase import ca_passphrase
from proxy.cli.config_option import PATH

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.registry import Registry


@click.command()
@directory_option
@click.option("--cn", "common_name", help="The CA's name, as people see it in their browser.")
@click.option("--org", "organization", default="", help="Organisation.")
@click.option("--ou", "unit", default="", help="Organisational unit.")
@click.option("--country", default="", help="Two letters.")
@click.option("--days", type=int, default=DEFAULT_LIFETIME_DAYS, show_default=True)
@key_type_option(KeyType.RSA_4096)
@click.option(
    "--serial",
    "serials",
    type=click.Choice(["next", "random"]),
    default="next",
    show_default=True,
    help="Count serial numbers 1, 2, 3, or draw them at random.",
)
@click.option("--intermediate", is_flag=True, help="Make a root too; keep its folder elsewhere.")
@click.option(
    "--root-dir",
    type=PATH,
    help="Where the root goes.  [default: the CA's folder with -root]",
)
@click.option(
    "--import",
    "imported",
    type=PATH,
    nargs=2,
    metavar="CA.CRT CA.KEY",
    help="Take over an existing CA.",
)
@click.option("--import-crl", type=PATH, help="Its newest CRL: who is revoked stays revoked.")
@click.option("--next-serial", type=click.IntRange(min=1), help="Its next serial number.")
@passphrase_option
@json_option
def init(directory: Path, as_json: bool, passphrase_file: Path | None, **options: Any) -> None:
    """Make the CA: a key encrypted with a passphrase, a certificate, an empty CRL.

    \b
    certgate ca init
    certgate ca init --cn "Acme clients" --org Acme --days 1825
    certgate ca init --intermediate --root-dir /media/stick/root
    certgate ca init --import ca.crt ca.key --import-crl ca.crl

    Nothing is ever overwritten. RSA-4096 is the default because every device and every library
    can verify it; with p256 handshakes are lighter, with clients of the last ten years.
    """  # noqa: D301 - click reads \b as "do not wrap"
    _check_usage(options)
    check_free(directory)
    if options["imported"]:
        authority = _adopt(directory, passphrase_file, options)
    else:
        authority = _create(directory, passphrase_file, options)
    with authority:
        _report(authority.registry, as_json=as_json)


def _check_usage(options: dict[str, Any]) -> None:
    if options["imported"] and (options["intermediate"] or options["common_name"]):
        raise click.UsageError("--import takes a CA as it is: no --intermediate, no --cn")
    if not options["imported"] and (options["import_crl"] or options["next_serial"]):
        raise click.UsageError("--import-crl and --next-serial go with --import")
    if options["root_dir"] and not options["intermediate"]:
        raise click.UsageError("--root-dir goes with --intermediate")


def _create(directory: Path, passphrase_file: Path | None, options: dict[str, Any]) -> Authority:
    new = NewAuthority(
        subject=_subject(options),
        key_type=options["key_type"],
        days=options["days"],
        first_serial=1 if options["serials"] == "next" else None,
    )
    new.subject.to_name()  # a name that cannot be used is said before the passphrase is asked
    passphrase = ca_passphrase(passphrase_file, is_new=True)
    if not options["intermediate"]:
        return Authority.create(directory, new, passphrase)
    root = options["root_dir"] or directory.with_name(f"{directory.name}-root")
    authority = create_with_root(directory, root, new, passphrase)
    say(f"The root is in {root}, with the same passphrase: move the folder to a safe place.")
    return authority


def _subject(options: dict[str, Any]) -> SubjectFields:
    common_name, organization = options["common_name"], options["organization"]
    if common_name is None:
        # Two CAs of one name with different keys confuse browsers, CRLs and people.
        common_name = f"certgate CA {secrets.token_hex(3).upper()}"
        if sys.stdin.isatty():
            common_name = click.prompt("Name of the CA", default=common_name, err=True)
            organization = click.prompt(
                "Organisation", default=organization, show_default=False, err=True
            )
    return SubjectFields(common_name, organization, options["unit"], options["country"])


def _adopt(directory: Path, passphrase_file: Path | None, options: dict[str, Any]) -> Authority:
    certificate, key = options["imported"]
    first_serial = _first_serial(certificate, options)
    # A key that is encrypted keeps its passphrase: it is asked for, not chosen.
    passphrase = ca_passphrase(passphrase_file, is_new=not is_encrypted(read_file(key)))
    adoption = Adoption(certificate, key, options["import_crl"], first_serial)
    authority = adopt(directory, adoption, passphrase)
    if options["import_crl"] is None:
        warn("no --import-crl: what this CA revoked before is not in its new CRL")
    return authority


def _first_serial(certificate: Path, options: dict[str, Any]) -> int | None:
    if options["serials"] == "random":
        return None
    given: int | None = options["next_serial"] or following_serial(certificate)
    if given is None:
        warn(
            f"no serial file beside {certificate}: serials begin at {UNKNOWN_PAST}; "
            "--next-serial N sets another"
        )
    return given or UNKNOWN_PAST


def _report(registry: Registry, *, as_json: bool) -> None:
    certificate, folder = registry.certificate, registry.folder
    fields = {
        "subject": registry.describe(),
        "not_before": rfc3339(certificate.not_valid_before_utc),
        "not_after": rfc3339(certificate.not_valid_after_utc),
        "fingerprint_sha256": fingerprint(certificate),
        "key": str(folder.key),
        "certificate": str(folder.certificate),
        "crl": str(folder.crl),
        "store": str(folder.store),
    }
    if as_json:
        print_json(fields)
        return
    print_fields(fields)
    say("Next: certgate ca issue NAME. Keep the passphrase: without it nobody can sign.")
