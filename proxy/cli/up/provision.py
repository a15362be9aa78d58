"""What ``up`` makes when it is missing: CA, server certificate, a first client certificate."""

from __future__ import annotations

import getpass
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.ca.authority import Authority
from proxy.ca.creation import NewAuthority
from proxy.ca.delivery import BUNDLE, CERTIFICATE, KEY, PASSWORD, Target, issue_files, stem_for
from proxy.ca.files import SECRET, is_there, locked_folder, make_folder, write_file
from proxy.ca.folder import Folder
from proxy.ca.keys import KeyType
from proxy.ca.names import SubjectFields, host_name
from proxy.ca.p12 import generate_password
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest
from proxy.cli.ca.passphrase import VARIABLE, ca_passphrase, first_line, may_print_secrets
from proxy.cli.up.existing import (
    Flaw,
    check_authority,
    check_store,
    flaw_of_client,
    flaw_of_server,
)
from proxy.identity.crl_due import due_by
from proxy.tls.files import load_certificates, load_crls

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

Tell = Callable[[str], None]
"""Prints one line: what was made, or a secret that is shown this once.

Called at once, not at the end: what happens next may fail, and the secret would be lost.
"""


@dataclass(frozen=True, slots=True)
class Provisions:
    """What the gate runs with.

    Attributes:
        ca: the CA's certificate.
        crl: its revocation list.
        certificate: the server's certificate.
        private_key: the server's key.
        client: the first client's files.
        passphrase_file: where the CA's passphrase is; None when somebody knows it.
        is_own_server: the operator gave the server certificate; the CA does not vouch for it.
    """

    ca: Path
    crl: Path
    certificate: Path
    private_key: Path
    client: Target
    passphrase_file: Path | None
    is_own_server: bool


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

    def __init__(self, wishes: Wishes, tell: Tell, now: datetime) -> None:
        self._wishes = wishes
        self._tell = tell
        self._ca = Folder(wishes.folder / "ca")
        self._kept_passphrase = wishes.folder / "ca.passphrase"
        self._authority: Authority | None = None
        self._now = now

    def run(self) -> Provisions:
        """Make what is missing.

        Raises:
            CertgateError: something cannot be made, or the passphrase is wrong.
        """
        make_folder(self._wishes.folder)
        # Two at once would each choose a passphrase, and the CA might get the one that is not kept.
        with locked_folder(self._wishes.folder):
            try:
                return self._provide()
            finally:
                if self._authority is not None:
                    self._authority.close()

    def _provide(self) -> Provisions:
        if not is_there(self._ca.certificate):
            self._create_ca()
        check_authority(self._ca.certificate, self._now)
        check_store(self._ca.store)
        self._refresh_crl()
        certificate, private_key = self._server()
        return Provisions(
            ca=self._ca.certificate,
            crl=self._ca.crl,
            certificate=certificate,
            private_key=private_key,
            client=self._client(),
            passphrase_file=self._passphrase_file(),
            is_own_server=self._wishes.certificate is not None,
        )

    def _create_ca(self) -> None:
        passphrase, told = self._new_passphrase()
        # P-256 signs in microseconds and is made at once; `certgate ca init` offers the others.
        new = NewAuthority(SubjectFields(f"certgate CA {secrets.token_hex(3)}"), KeyType.P256)
        self._authority = Authority.create(self._ca.path, new, passphrase)
        self._tell(f"made a certificate authority in {self._ca.path}/")
        if told:
            self._tell(told)

    def _new_passphrase(self) -> tuple[bytes, str]:
        """Return the new CA's passphrase, and what to tell about it."""
        wishes = self._wishes
        if wishes.passphrase_file is not None or os.environ.get(VARIABLE):
            return ca_passphrase(wishes.passphrase_file, is_new=True), ""
        made = generate_password()
        if may_print_secrets(as_json=False):
            return made.encode(), f"its passphrase, shown this once, keep it: {made}"
        write_file(self._kept_passphrase, f"{made}\n".encode(), SECRET)
        return made.encode(), f"its passphrase is in {self._kept_passphrase}"

    def _passphrase_file(self) -> Path | None:
        if self._wishes.passphrase_file is not None:
            return self._wishes.passphrase_file
        is_kept = self._kept_passphrase.exists() and not os.environ.get(VARIABLE)
        return self._kept_passphrase if is_kept else None

    def _open(self) -> Authority:
        if self._authority is None:
            file = self._passphrase_file()
            passphrase = first_line(file) if file is not None else ca_passphrase(None)
            self._authority = Authority.open(self._ca.path, passphrase)
        return self._authority

    def _is_worth_it(self, flaw: Flaw) -> bool:
        """Tell whether to make something: nobody is asked for a passphrase without need.

        Without the CA's key, which may well be kept elsewhere, a gate that works is started.
        """
        knows_passphrase = self._passphrase_file() is not None or bool(os.environ.get(VARIABLE))
        is_at_hand = knows_passphrase and is_there(self._ca.key)
        return flaw.is_urgent or is_at_hand or self._authority is not None

    def _refresh_crl(self) -> None:
        """Sign the list again when it is missing, or ends within a month.

        A list that has ended refuses everybody; its makers are the ones who start the gate.
        """
        flaw = Flaw("there was none", is_urgent=True)
        if is_there(self._ca.crl):
            if not any(due_by(crl, self._now) for crl in load_crls(self._ca.crl)):
                return
            flaw = Flaw("the old one ends soon", is_urgent=False)
        if self._is_worth_it(flaw):
            self._open().revocation.publish()
            self._tell(f"signed the revocation list again ({flaw.reason}): {self._ca.crl}")

    def _server(self) -> tuple[Path, Path]:
        wishes = self._wishes
        if wishes.certificate is not None and wishes.private_key is not None:
            return wishes.certificate, wishes.private_key
        target = Target(wishes.folder, "server")
        flaw = flaw_of_server(target, self._ca.certificate, wishes.names, self._now)
        if flaw is not None and self._is_worth_it(flaw):
            names = tuple(dict.fromkeys((*wishes.names, *wishes.found)))
            request = LeafRequest(
                profile=Profile.SERVER,
                subject=SubjectFields(names[0]),
                alternative_names=tuple(host_name(name) for name in names),
            )
            self._issue(request, target)
            self._tell(f"made a server certificate{_why(flaw)} for {', '.join(names)}")
        return target.path(CERTIFICATE), target.path(KEY)

    def _client(self) -> Target:
        name = self._wishes.client or _user_name()
        folder = self._wishes.folder / "clients"
        existing = Target(folder, stem_for(name))
        flaw = flaw_of_client(existing, self._ca.certificate, self._now)
        if flaw is None:
            return existing
        if not self._is_worth_it(flaw):
            self._tell(
                f"{existing.path(CERTIFICATE)} has expired; a new one: "
                f"certgate ca issue {name} --dir {self._ca.path} -o {folder}"
            )
            return existing
        return self._make_client(name, folder, flaw)

    def _make_client(self, name: str, folder: Path, flaw: Flaw) -> Target:
        password = generate_password()
        is_shown = may_print_secrets(as_json=False)
        target = Target(folder, stem_for(name), password, writes_password=not is_shown)
        self._issue(LeafRequest(Profile.CLIENT, SubjectFields(name)), target)
        self._tell(f"made a client certificate{_why(flaw)} for {name}: {target.path(BUNDLE)}")
        if is_shown:
            self._tell(f"its .p12 password, shown this once: {password}")
        else:
            self._tell(f"its .p12 password is in {target.path(PASSWORD)}")
        return target

    def _issue(self, request: LeafRequest, target: Target) -> None:
        """Issue a certificate, also where the old one was moved together with the whole folder.

        The store knows where a key was written, and overwrites no other.
        """
        authority, certificate = self._open(), target.path(CERTIFICATE)
        if is_there(certificate) and is_there(target.path(KEY)):
            record = authority.registry.by_serial(load_certificates(certificate)[0].serial_number)
            if record is not None:
                with authority.registry.store.writing() as change:
                    change.move_key(record.id, str(target.path(KEY).absolute()))
        issue_files(authority, request, target)


def _why(flaw: Flaw) -> str:
    return f" ({flaw.reason})" if flaw.reason else ""


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "admin"
