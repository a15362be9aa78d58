"""Handing out: key, certificate and bundle as files in a folder."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.ca.files import (
    PRIVATE_FOLDER,
    PUBLIC,
    SECRET,
    StagedFile,
    is_file,
    is_there,
    make_folder,
    read_file,
)
from proxy.ca.folder import pem_of
from proxy.ca.keys import generate_key, plain_pem
from proxy.ca.p12 import Encoding, build_p12
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from proxy.ca.authority import Authority, Issued
    from proxy.ca.keys import PrivateKey
    from proxy.ca.request import LeafRequest

# More than any of these files needs; reserved before the certificate exists.
_ROOM = 32 * 1024
_MOST_STEM = 100
KEY, CERTIFICATE, BUNDLE, PASSWORD = ".key", ".crt", ".p12", ".p12.password"
_MODES = {KEY: SECRET, CERTIFICATE: PUBLIC, BUNDLE: SECRET, PASSWORD: SECRET}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the files of one certificate go, and what they are.

    Attributes:
        stem: their common name without a suffix.
        password: of the bundle; empty for no bundle.
        writes_password: also into a file, mode 0600, because nobody is there to read it.
    """

    folder: Path
    stem: str
    password: str = ""
    encoding: Encoding = Encoding.LEGACY
    writes_password: bool = False

    def path(self, suffix: str) -> Path:
        """Return the file with this suffix."""
        return self.folder / f"{self.stem}{suffix}"

    def suffixes(self) -> list[str]:
        """Return the suffixes of the files beside the key."""
        suffixes = [CERTIFICATE]
        if self.password:
            suffixes.append(BUNDLE)
        if self.password and self.writes_password:
            suffixes.append(PASSWORD)
        return suffixes


def stem_for(common_name: str) -> str:
    """Return a common name as a file name: no separators, no hidden files, not too long."""
    stem = "".join("_" if sign in "/\\\0" else sign for sign in common_name[:_MOST_STEM])
    return f"_{stem[1:]}" if stem.startswith(".") else stem


def issue_files(authority: Authority, request: LeafRequest, target: Target) -> Issued:
    """Issue a certificate and write its key, the certificate with its chain, and the bundle.

    Room for all files is taken, and the key is on the disk, before the certificate exists. Files
    of an older certificate under the same name are kept, with its serial in their names.

    Raises:
        CertgateError: the folder cannot be written, a key of someone else lies there, or the
            authority refuses.
    """
    make_folder(target.folder, PRIVATE_FOLDER)
    key_path = target.path(KEY)
    _check_own(authority, key_path)
    key = generate_key(request.key_type)
    with contextlib.ExitStack() as files:
        staged_key = files.enter_context(StagedFile.reserve(key_path, _ROOM, SECRET))
        staged = _reserve(target, files)
        staged_key.fill(plain_pem(key))
        issued = authority.issue(request, key, str(key_path.absolute()))
        _set_aside(authority, target, issued.serial)
        staged_key.rename()
        _publish(staged, target, issued, key)
    return issued


def renew_files(target: Target, issue: Callable[[], Issued], key: PrivateKey | None) -> Issued:
    """Issue a certificate for a key that exists, and write the files beside it.

    Args:
        target: where to; without a password in it no bundle is made.
        issue: issues the certificate; called when there is room for the files.
        key: for the bundle; None where it is not at hand.

    Raises:
        CertgateError: the folder cannot be written, or the authority refuses.
    """
    make_folder(target.folder, PRIVATE_FOLDER)
    with contextlib.ExitStack() as files:
        staged = _reserve(target, files)
        issued = issue()
        _publish(staged, target, issued, key)
    return issued


def issue_to_file(path: Path, issue: Callable[[], Issued]) -> Issued:
    """Issue a certificate and write it with its chain.

    Raises:
        CertgateError: the file cannot be written (then nothing is issued), or the authority
            refuses.
    """
    with StagedFile.reserve(path, _ROOM) as staged:
        issued = issue()
        staged.publish(pem_of(issued.certificate, *issued.chain))
    return issued


def _reserve(target: Target, files: contextlib.ExitStack) -> dict[str, StagedFile]:
    return {
        suffix: files.enter_context(StagedFile.reserve(target.path(suffix), _ROOM, _MODES[suffix]))
        for suffix in target.suffixes()
    }


def _publish(
    staged: dict[str, StagedFile], target: Target, issued: Issued, key: PrivateKey | None
) -> None:
    contents = {CERTIFICATE: pem_of(issued.certificate, *issued.chain)}
    if key is not None and target.password:
        contents[BUNDLE] = build_p12(
            key, issued.certificate, issued.chain, target.password, target.encoding
        )
        contents[PASSWORD] = f"{target.password}\n".encode()
    for suffix, file in staged.items():
        file.publish(contents[suffix])
    if BUNDLE in staged and PASSWORD not in staged:
        drop_other_password(target.path(PASSWORD), target.password)


def drop_other_password(path: Path, password: str) -> None:
    """Delete the password of the bundle that was here before: it would only mislead.

    The operator may have given that very file with ``--p12-password-file``: then it is right.
    """
    if is_file(path) and read_file(path).split(b"\n", 1)[0].rstrip(b"\r") != password.encode():
        path.unlink(missing_ok=True)


def _check_own(authority: Authority, key_path: Path) -> None:
    registry = authority.registry
    if not is_there(key_path):
        return
    with registry.store.reading() as query:
        owners = query.by_key_file(registry.issuer_id, str(key_path.absolute()))
    if not owners:
        raise CertgateError(
            f"{key_path}: this key was not made here and is not overwritten; "
            "choose another folder with -o"
        )


def _set_aside(authority: Authority, target: Target, serial: int) -> None:
    """Rename the files of the certificates that had this name before: a key is never lost."""
    registry = authority.registry
    key_file = str(target.path(KEY).absolute())
    with registry.store.reading() as query:
        found = query.by_key_file(registry.issuer_id, key_file)
    older = [record for record in found if record.serial != serial]
    if not older:
        return
    stem = f"{target.stem}-{older[-1].serial}"
    with registry.store.writing() as change:
        for record in older:
            change.move_key(record.id, str((target.folder / f"{stem}{KEY}").absolute()))
    for suffix in _MODES:
        with contextlib.suppress(FileNotFoundError):
            target.path(suffix).rename(target.folder / f"{stem}{suffix}")
