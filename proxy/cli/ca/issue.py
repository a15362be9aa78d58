"""``certgate ca issue``: key, certificate and bundle in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from proxy.ca.delivery import BUNDLE, CERTIFICATE, KEY, PASSWORD, Target, issue_files, stem_for
from proxy.ca.files import is_file
from proxy.ca.keys import KeyType
from proxy.ca.names import SubjectFields
from proxy.ca.p12 import Encoding, generate_password
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest
from proxy.cli.ca.options import (
    OneOf,
    alternative_names,
    directory_option,
    encoding_option,
    json_option,
    key_type_option,
    lifetime_of,
    lifetime_options,
    output_option,
    passphrase_option,
    password_option,
)
from proxy.cli.ca.output import print_fields, print_json, say, say_encoding, summary_of, warn_about
from proxy.cli.ca.passphrase import bundle_password, may_print_secrets, open_authority

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.registry import Registry

_PROFILES = (Profile.CLIENT, Profile.SERVER)


@click.command()
@click.argument("name")
@directory_option
@click.option("--email", "emails", multiple=True, help="An e-mail address; may be repeated.")
@click.option("--org", "organization", default="", help="Organisation.")
@click.option("--ou", "unit", default="", help="Organisational unit; access rules can ask for it.")
@click.option(
    "--san",
    "sans",
    multiple=True,
    metavar="KIND:VALUE",
    help="A further name: dns:, email:, uri: or ip:; may be repeated.",
)
@click.option("--profile", type=OneOf(_PROFILES), default=Profile.CLIENT.value, show_default=True)
@lifetime_options
@key_type_option(KeyType.P256)
@encoding_option
@password_option
@output_option("The folder for NAME.key, NAME.crt and NAME.p12.  [default: issued in the CA's]")
@passphrase_option
@json_option
def issue(
    *,
    name: str,
    directory: Path,
    emails: tuple[str, ...],
    organization: str,
    unit: str,
    sans: tuple[str, ...],
    profile: Profile,
    days: int | None,
    hours: int | None,
    key_type: KeyType,
    encoding: Encoding,
    p12_password_file: Path | None,
    output: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Make a key and a certificate for NAME, and a .p12 to install.

    \b
    certgate ca issue alice
    certgate ca issue alice --email alice@example.com --ou ops --days 90 -o alice/
    certgate ca issue robot --hours 1
    certgate ca issue gate.example.com --profile server --san ip:10.0.0.5
    """  # noqa: D301 - click reads \b as "do not wrap"
    if profile is Profile.SERVER and p12_password_file:
        raise click.UsageError("a server certificate gets no .p12: no --p12-password-file")
    request = LeafRequest(
        profile=profile,
        subject=SubjectFields(name, organization, unit),
        alternative_names=alternative_names(sans, emails),
        lifetime=lifetime_of(days, hours),
        key_type=key_type,
    )
    request.subject.to_name()  # what is wrong here is said before a passphrase is asked for
    given = bundle_password(p12_password_file)
    # A server takes the PEM files; a bundle is what people install.
    password = given or generate_password() if profile is Profile.CLIENT else ""
    with open_authority(directory, passphrase_file) as authority:
        target = Target(
            folder=output or authority.registry.folder.issued,
            stem=stem_for(name),
            password=password,
            encoding=encoding,
            writes_password=given is None and not may_print_secrets(as_json=as_json),
        )
        issued = issue_files(authority, request, target)
        report_files(
            authority.registry,
            issued.serial,
            target,
            shows_password=given is None,
            as_json=as_json,
        )


def report_files(
    registry: Registry, serial: int, target: Target, *, shows_password: bool, as_json: bool
) -> None:
    """Print what was issued and where it is; the password to a terminal only."""
    files = {suffix: str(target.path(suffix)) for suffix in (KEY, *target.suffixes())}
    if not is_file(target.path(KEY)):
        del files[KEY]
    names = {KEY: "key", CERTIFICATE: "certificate", BUNDLE: "p12", PASSWORD: "p12_password_file"}
    result: dict[str, object] = dict(summary_of(registry, serial))
    named = {names[suffix]: path for suffix, path in files.items()}
    warn_about(registry)
    if as_json:
        print_json(result | {"files": named})
        return
    print_fields(result | named)
    if target.password:
        say_encoding(target.encoding)
    if target.password and shows_password and not target.writes_password:
        click.echo(f"p12_password  {target.password}")
        say("The password is shown this once. Send it on another way than the file.")
