"""``certgate ca renew``: the same names and the same key, a new serial and a new end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from proxy.ca.delivery import Target, renew_files, stem_for
from proxy.ca.files import is_file, is_folder, read_file
from proxy.ca.keys import load_private_key
from proxy.ca.p12 import check_key, generate_password
from proxy.ca.profiles import Profile
from proxy.ca.reference import select
from proxy.cli.ca.issue import report_files
from proxy.cli.ca.options import (
    Reference,
    directory_option,
    encoding_option,
    json_option,
    lifetime_of,
    lifetime_options,
    output_option,
    passphrase_option,
    password_option,
)
from proxy.cli.ca.passphrase import bundle_password, may_print_secrets, open_authority
from proxy.cli.ca.sign import hand_out, report_certificate
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from proxy.ca.keys import PrivateKey
    from proxy.ca.p12 import Encoding
    from proxy.ca.registry import Registry
    from proxy.ca.store.records import CertificateRecord


@click.command()
@click.argument("certificate", type=Reference(), metavar="SERIAL|NAME|FILE")
@directory_option
@lifetime_options
@encoding_option
@password_option
@output_option(
    "A folder (NAME.crt, and NAME.p12 where the key is known) or a file for the certificate.  "
    "[default: beside the key that `issue` wrote, else standard output]"
)
@passphrase_option
@json_option
def renew(
    *,
    certificate: str,
    directory: Path,
    days: int | None,
    hours: int | None,
    encoding: Encoding,
    p12_password_file: Path | None,
    output: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Issue a valid certificate once more, for the same key.

    \b
    certgate ca renew alice
    certgate ca renew 17 --days 90 -o alice.crt

    The old one stays valid until it ends. What was revoked or has expired is not renewed.
    """  # noqa: D301 - click reads \b as "do not wrap"
    lifetime = lifetime_of(days, hours)
    given = bundle_password(p12_password_file)
    with open_authority(directory, passphrase_file) as authority:
        registry = authority.registry
        [record] = select(registry, certificate)
        key = _known_key(registry, record)
        folder = _folder(record, output, has_key=key is not None)
        if folder is None:
            issued = hand_out(output, lambda: authority.renew(record, lifetime))
            report_certificate(registry, issued, output, {}, as_json=as_json)
            return
        is_bundled = key is not None and record.profile == Profile.CLIENT
        target = Target(
            folder=folder,
            stem=stem_for(record.common_name) if output else Path(record.key_file).stem,
            password=given or generate_password() if is_bundled else "",
            encoding=encoding,
            writes_password=given is None and not may_print_secrets(as_json=as_json),
        )
        issued = renew_files(target, lambda: authority.renew(record, lifetime), key)
        report_files(registry, issued.serial, target, shows_password=given is None, as_json=as_json)


def _known_key(registry: Registry, record: CertificateRecord) -> PrivateKey | None:
    """Return the key that ``issue`` wrote, if it is still there and still that key."""
    path = Path(record.key_file)
    if not record.key_file or not is_file(path):
        return None
    try:
        key = load_private_key(read_file(path), None, path)
        check_key(key, registry.load(record))
    except CertgateError:
        return None  # renewing needs no key: only the bundle does
    return key


def _folder(record: CertificateRecord, output: Path | None, *, has_key: bool) -> Path | None:
    """Return the folder for the files; None where one file, or standard output, gets it."""
    if output is None:
        return Path(record.key_file).parent if has_key else None
    return output if is_folder(output) or not output.suffix else None
