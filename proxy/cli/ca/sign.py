"""``certgate ca sign``: a certificate for a key that somebody else holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from proxy.ca.delivery import issue_to_file, stem_for
from proxy.ca.files import is_folder, read_file
from proxy.ca.folder import pem_of
from proxy.ca.keys import describe_key
from proxy.ca.names import alternative_name_text, check_subject, subject_text
from proxy.ca.request import parse_request
from proxy.cli.ca.options import (
    directory_option,
    json_option,
    lifetime_of,
    lifetime_options,
    output_option,
    passphrase_option,
)
from proxy.cli.ca.output import join, print_json, say, summary_of, warn_about
from proxy.cli.ca.passphrase import open_authority
from proxy.cli.config_option import PATH
from proxy.identity.dn import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from proxy.ca.authority import Issued
    from proxy.ca.registry import Registry
    from proxy.ca.request import Asked


@click.command()
@click.argument("request", type=PATH, metavar="FILE.csr")
@directory_option
@lifetime_options
@output_option("The file for the certificate with its chain.  [default: standard output]")
@passphrase_option
@json_option
def sign(
    *,
    request: Path,
    directory: Path,
    days: int | None,
    hours: int | None,
    output: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Sign a certificate request as a client certificate.

    \b
    openssl req -new -newkey rsa:2048 -nodes -keyout bob.key -subj /CN=bob -out bob.csr
    certgate ca sign bob.csr -o bob.crt

    What is asked is shown first. A request can never become a CA or a server: names are taken
    from it, nothing else.
    """  # noqa: D301 - click reads \b as "do not wrap"
    lifetime = lifetime_of(days, hours)
    asked = parse_request(read_file(request), request)
    common_name = check_subject(asked.subject, ())
    _show(asked)
    place = output / f"{stem_for(common_name)}.crt" if output and is_folder(output) else output
    with open_authority(directory, passphrase_file) as authority:
        issued = hand_out(place, lambda: authority.sign(asked, lifetime))
        extra = {"not_granted": list(asked.dropped)}
        report_certificate(authority.registry, issued, place, extra, as_json=as_json)


def hand_out(place: Path | None, issue: Callable[[], Issued]) -> Issued:
    """Issue into a file; without one the report prints the certificate."""
    return issue() if place is None else issue_to_file(place, issue)


def report_certificate(
    registry: Registry,
    issued: Issued,
    place: Path | None,
    extra: Mapping[str, object],
    *,
    as_json: bool,
) -> None:
    """Say where the certificate is, or print it."""
    warn_about(registry)
    pem = pem_of(issued.certificate, *issued.chain).decode()
    if as_json:
        summary = summary_of(registry, issued.serial)
        print_json({**summary, **extra, "certificate": str(place) if place else pem})
    elif place is None:
        click.echo(pem, nl=False)
    else:
        say(f"serial {issued.serial}: {place}")


def _show(asked: Asked) -> None:
    say(f"asks for  {visible(subject_text(asked.subject))}")
    if asked.alternative_names:
        say(f"names     {visible(join(map(alternative_name_text, asked.alternative_names)))}")
    say(f"key       {describe_key(asked.public_key)}")
    for item in asked.dropped:
        say(f"not granted: {visible(item)}")
