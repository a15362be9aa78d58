"""What ``up`` makes when it is missing: CA, server certificate, a first client certificate."""

from __future__ import annotations

import getpass
import os
import secrets
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
from cryptography import x509

from proxy.ca.authority import Authority
from proxy.ca.creation import NewAuthority
from proxy.ca.delivery import BUNDLE, CERTIFICATE, KEY, PASSWORD, Target, issue_files, stem_for
from proxy.ca.files import SECRET, make_folder, write_file
from proxy.ca.folder import Folder
from proxy.ca.keys import KeyType
from proxy.ca.names import SubjectFields, host_name
from proxy.ca.p12 import generate_password
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest
from proxy.cli.ca.passphrase import VARIABLE, ca_passphrase, first_line, may_print_secrets
from proxy.errors import CertgateError
from proxy.tls.files import load_certificates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# A server certificate that ends so soon is replaced at the next start.
_RENEW_BEFORE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Provisions:
    """What the gate runs with, and what is to be told about it.

    Attributes:
        ca: the CA's certificate.
        crl: its revocation list.
        certificate: the server's certificate.
        private_key: the server's key.
        client: the first client's files.
        passphrase_file: where the CA's passphrase was put; None when somebody knows it.
        is_own_server: the operator gave the server certificate; the CA does not vouch for it.
        notes: what was made, and secrets that are shown this once.
    """

    ca: Path
    crl: Path
    certificate: Path
    private_key: Path
    client: Target
    passphrase_file: Path | None
    is_own_server: bool
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the operator asked for.

    Attributes:
        folder: where everything is, ``certs``.
        names: host names and addresses that the server certificate must carry.
        found: further ones that it should carry when it is made.
        client: the first client's name; empty for the name of the user.
        certificate, private_key: the operator's own server certificate, or None.
        passphrase_file: the CA's passphrase, or None.
    """

    folder: Path
    names: tuple[str, ...]
    found: tuple[str, ...]
    client: str
    certificate: Path | None
    private_key: Path | None
    passphrase_file: Path | None


class Provisioner:
    """Makes what is missing, and nothing twice. The CA's key is opened only when it is needed."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes
        self._ca = Folder(wishes.folder / "ca")
        self._passphrase_path = wishes.folder / "ca.passphrase"
        self._authority: Authority | None = None
        self._notes: list[str] = []

    def run(self) -> Provisions:
        """Make what is missing.

        Raises:
            CertgateError: something cannot be made, or the passphrase is wrong.
        """
        make_folder(self._wishes.folder)
        try:
            if not self._ca.certificate.exists():
                self._create_ca()
            certificate, private_key = self._server()
            client = self._client()
        finally:
            if self._authority is not None:
                self._authority.close()
        return Provisions(
            ca=self._ca.certificate,
            crl=self._ca.crl,
            certificate=certificate,
            private_key=private_key,
            client=client,
            passphrase_file=self._passphrase_path if self._passphrase_path.exists() else None,
            is_own_server=self._wishes.certificate is not None,
            notes=tuple(self._notes),
        )

    def _create_ca(self) -> None:
        passphrase = self._new_passphrase()
        # P-256 signs in microseconds and is made at once; `certgate ca init` offers the others.
        new = NewAuthority(SubjectFields(f"certgate CA {secrets.token_hex(3)}"), KeyType.P256)
        self._authority = Authority.create(self._ca.path, new, passphrase)
        self._notes.append(f"made a certificate authority in {self._ca.path}/")

    def _new_passphrase(self) -> bytes:
        wishes = self._wishes
        if wishes.passphrase_file is not None or os.environ.get(VARIABLE):
            return ca_passphrase(wishes.passphrase_file, is_new=True)
        if sys.stdin.isatty():
            answer: str = click.prompt(
                "Passphrase for the new CA's key (empty: one is made)",
                default="",
                show_default=False,
                hide_input=True,
                confirmation_prompt=True,
                err=True,
            )
            if answer:
                return answer.encode()
        made = generate_password()
        if may_print_secrets(as_json=False):
            self._notes.append(f"the CA's passphrase, shown this once: {made}")
        else:
            write_file(self._passphrase_path, f"{made}\n".encode(), SECRET)
            self._notes.append(f"the CA's passphrase is in {self._passphrase_path}")
        return made.encode()

    def _open(self) -> Authority:
        if self._authority is None:
            file = self._wishes.passphrase_file
            if file is None and not os.environ.get(VARIABLE) and self._passphrase_path.exists():
                passphrase = first_line(self._passphrase_path)
            else:
                passphrase = ca_passphrase(file)
            self._authority = Authority.open(self._ca.path, passphrase)
        return self._authority

    def _server(self) -> tuple[Path, Path]:
        wishes = self._wishes
        if wishes.certificate is not None and wishes.private_key is not None:
            return wishes.certificate, wishes.private_key
        target = Target(wishes.folder, "server")
        certificate, key = target.path(CERTIFICATE), target.path(KEY)
        why = _why_not_usable(certificate, key, wishes.names)
        if why:
            names = tuple(dict.fromkeys((*wishes.names, *wishes.found)))
            request = LeafRequest(
                profile=Profile.SERVER,
                subject=SubjectFields(names[0]),
                alternative_names=tuple(host_name(name) for name in names),
            )
            issue_files(self._open(), request, target)
            self._notes.append(f"made a server certificate ({why}) for {', '.join(names)}")
        return certificate, key

    def _client(self) -> Target:
        name = self._wishes.client or _user_name()
        folder = self._wishes.folder / "clients"
        existing = Target(folder, stem_for(name))
        if existing.path(CERTIFICATE).exists() and existing.path(KEY).exists():
            return existing
        password = generate_password()
        is_shown = may_print_secrets(as_json=False)
        target = Target(folder, stem_for(name), password, writes_password=not is_shown)
        issue_files(self._open(), LeafRequest(Profile.CLIENT, SubjectFields(name)), target)
        self._notes.append(f"made a client certificate for {name}: {target.path(BUNDLE)}")
        if is_shown:
            self._notes.append(f"its .p12 password, shown this once: {password}")
        else:
            self._notes.append(f"its .p12 password is in {target.path(PASSWORD)}")
        return target


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "admin"


def _why_not_usable(certificate: Path, key: Path, names: Sequence[str]) -> str:
    """Return why a new server certificate is needed, or nothing."""
    if not certificate.exists() or not key.exists():
        return "there was none"
    leaf = load_certificates(certificate)[0]
    if leaf.not_valid_after_utc - datetime.now(UTC) < _RENEW_BEFORE:
        return "the old one ends"
    try:
        entries = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "the old one has no names"
    missing = [name for name in names if host_name(name) not in entries]
    return f"the old one lacks {', '.join(missing)}" if missing else ""


def check_pair(certificate: Path | None, private_key: Path | None) -> None:
    """Refuse half of a pair.

    Raises:
        CertgateError: only one of the two was given.
    """
    if (certificate is None) != (private_key is None):
        raise CertgateError("--certificate and --private-key go together: give both or neither")
