"""``certgate ca export``: a certificate in the form that a device or a program wants."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.ca.clock import to_epoch
from proxy.ca.delivery import drop_other_password, stem_for
from proxy.ca.files import PUBLIC, SECRET, is_file, is_folder, read_file, writing_together
from proxy.ca.folder import der_of, pem_of
from proxy.ca.keys import is_encrypted, load_private_key
from proxy.ca.mobileconfig import build_mobileconfig
from proxy.ca.p12 import Encoding, build_p12, generate_password
from proxy.ca.profiles import Profile
from proxy.ca.reference import select
from proxy.ca.registry import Registry
from proxy.cli.ca.options import (
    OneOf,
    Reference,
    directory_option,
    encoding_option,
    json_option,
    output_option,
    password_option,
)
from proxy.cli.ca.output import (
    print_fields,
    print_json,
    say,
    say_encoding,
    summary,
    warn_about,
)
from proxy.cli.ca.passphrase import bundle_password, key_passphrase, may_print_secrets
from proxy.cli.config_option import PATH
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from cryptography import x509

    from proxy.ca.keys import PrivateKey
    from proxy.ca.store.records import CertificateRecord


class Format(StrEnum):
    """What ``export`` makes."""

    P12 = "p12"
    PEM = "pem"
    DER = "der"
    MOBILECONFIG = "mobileconfig"


_WITH_KEY = frozenset({Format.P12, Format.MOBILECONFIG})


@click.command()
@click.argument("certificate", type=Reference(), metavar="SERIAL|NAME|FILE")
@directory_option
@click.option(
    "--format",
    "form",
    type=OneOf(Format),
    default=Format.P12.value,
    show_default=True,
    help="p12: key, certificate and CA for a browser or phone. pem: the certificate with its "
    "chain. der: the certificate alone. mobileconfig: CA and identity for Apple devices.",
)
@click.option(
    "--key",
    "key_file",
    type=PATH,
    help="The certificate's private key.  [default: where `issue` wrote it]",
)
@click.option(
    "--key-passphrase-file",
    type=PATH,
    help="The passphrase of an encrypted --key.",
)
@encoding_option
@password_option
@output_option("The file to write.  [default: NAME with the format as suffix, here]")
@json_option
def export(
    *,
    certificate: str,
    directory: Path,
    form: Format,
    key_file: Path | None,
    key_passphrase_file: Path | None,
    encoding: Encoding,
    p12_password_file: Path | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Write a certificate as p12, pem, der or mobileconfig.

    \b
    certgate ca export alice --format p12 -o alice.p12
    certgate ca export bob --format p12 --key bob.key
    certgate ca export alice --format mobileconfig
    certgate ca export alice --format pem -o alice.pem

    The .p12 is opened again before it is handed out; its password is never empty. It is made in
    the legacy encoding, which everything opens, unless --encoding modern is asked for.
    """  # noqa: D301 - click reads \b as "do not wrap"
    if form not in _WITH_KEY and (key_file or key_passphrase_file or p12_password_file):
        raise click.UsageError(f"{form} holds no key: no --key, no passwords")
    if form is Format.MOBILECONFIG and encoding is not Encoding.LEGACY:
        raise click.UsageError("Apple's systems refuse the modern encoding in a mobileconfig")
    given = bundle_password(p12_password_file)
    with Registry.open(directory) as registry:
        [record] = select(registry, certificate)
        parts = _Parts(
            registry.load(record),
            registry.chain if form in _WITH_KEY else registry.chain_for(Profile(record.profile)),
            _key(record, key_file, key_passphrase_file) if form in _WITH_KEY else None,
            given or generate_password(),
        )
        place = _place(output, f"{stem_for(record.common_name)}.{form}")
        password = parts.password if parts.key and given is None else ""
        shows_password = may_print_secrets(as_json=as_json)
        password_file = place.with_name(f"{place.name}.password")
        files = {}
        if password and not shows_password:
            files[password_file] = f"{password}\n".encode()
        files[place] = _build(form, parts, encoding)  # last: no bundle without its password
        with writing_together(files, SECRET if parts.key else PUBLIC):
            registry.note("export", record.serial, form)  # nothing leaves without a record
        if parts.key:
            drop_other_password(password_file, parts.password)
        fields = summary(record, to_epoch(registry.now())) | {"file": str(place)}
        if password_file in files:
            fields["p12_password_file"] = str(password_file)
        warn_about(registry)
    if form is Format.P12:
        say_encoding(encoding)
    _report(fields, password if shows_password else "", as_json=as_json)


def _place(output: Path | None, name: str) -> Path:
    if output is None:
        return Path(name)
    return output / name if is_folder(output) else output


@dataclass(frozen=True, slots=True)
class _Parts:
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKey | None
    password: str


def _build(form: Format, parts: _Parts, encoding: Encoding) -> bytes:
    if parts.key is None:
        if form is Format.DER:
            return der_of(parts.certificate)
        return pem_of(parts.certificate, *parts.chain)
    if form is Format.MOBILECONFIG:
        return build_mobileconfig(parts.key, parts.certificate, parts.chain, parts.password)
    return build_p12(parts.key, parts.certificate, parts.chain, parts.password, encoding)


def _key(record: CertificateRecord, given: Path | None, passphrase_file: Path | None) -> PrivateKey:
    path = given or Path(record.key_file)
    if given is None and not (record.key_file and is_file(path)):
        missing = f"is not at {path} any more" if record.key_file else "was not made here"
        raise CertgateError(
            f"the private key of serial {record.serial} {missing}: say where it is with --key"
        )
    data = read_file(path)
    passphrase = key_passphrase(passphrase_file, path) if is_encrypted(data) else None
    return load_private_key(data, passphrase, path)


def _report(fields: dict[str, str], password: str, *, as_json: bool) -> None:
    if as_json:
        print_json(fields)
        return
    print_fields(fields)
    if password:
        click.echo(f"p12_password  {password}")
        say("The password is shown this once. Send it on another way than the file.")
