"""Secrets on their way in and out: never on a command line, never in a log or a pipe."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from proxy.ca.authority import Authority
from proxy.ca.files import is_exposed, read_file
from proxy.ca.folder import Folder
from proxy.cli.ca.output import warn
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = "CERTGATE_CA_PASSPHRASE"
_SHORT = 12


def open_authority(directory: Path, passphrase_file: Path | None) -> Authority:
    """Open the CA; where there is none, nobody is asked for a passphrase.

    Raises:
        CertgateError: no CA there, or a wrong passphrase.
    """
    Folder(directory).load_chain()
    return Authority.open(directory, ca_passphrase(passphrase_file))


def ca_passphrase(file: Path | None, *, is_new: bool = False) -> bytes:
    """Return the CA's passphrase from the file, the environment, or a prompt.

    Args:
        file: ``--passphrase-file``.
        is_new: it is being chosen: typed twice, and a short one draws a warning.

    Raises:
        CertgateError: there is none and nobody to ask, or it is empty.
    """
    passphrase = _given_passphrase(file) or _ask("The CA's passphrase", VARIABLE, is_new=is_new)
    if is_new and len(passphrase) < _SHORT:
        warn(
            f"the passphrase is short ({len(passphrase)} characters): whoever copies ca.key can "
            "try billions of such words"
        )
    return passphrase


def _given_passphrase(file: Path | None) -> bytes:
    if file is not None:
        return first_line(file)
    return os.environ.get(VARIABLE, "").encode("utf-8", "surrogateescape")


def first_line(file: Path) -> bytes:
    """Return a secret file up to its first line end; warn when others can read it.

    Raises:
        CertgateError: unreadable or empty.
    """
    secret = read_file(file).split(b"\n", 1)[0].removesuffix(b"\r")
    if not secret:
        raise CertgateError(f"{file}: its first line is empty")
    if is_exposed(file):
        warn(f"{file} can be read by others; chmod 600 {file}")
    return secret


def key_passphrase(file: Path | None, key: Path) -> bytes:
    """Return the passphrase of somebody's own encrypted key.

    Raises:
        CertgateError: there is none and nobody to ask.
    """
    if file is not None:
        return first_line(file)
    return _ask(f"Passphrase of {key}", "--key-passphrase-file", is_new=False)


def _ask(question: str, otherwise: str, *, is_new: bool) -> bytes:
    if not sys.stdin.isatty():
        raise CertgateError(
            f"no passphrase, and no terminal to ask for it: set {otherwise}"
            + (" or give --passphrase-file" if otherwise == VARIABLE else "")
        )
    answer: str = click.prompt(question, hide_input=True, confirmation_prompt=is_new, err=True)
    return answer.encode()


def bundle_password(file: Path | None) -> str | None:
    """Return the ``.p12`` password that the operator gave; None to make one.

    Raises:
        CertgateError: the file is unreadable or empty, or not text.
    """
    if file is None:
        return None
    try:
        return first_line(file).decode()
    except UnicodeDecodeError as error:
        raise CertgateError(f"{file}: the password is not UTF-8 text") from error


def may_print_secrets(*, as_json: bool) -> bool:
    """Tell whether a person reads our output: else a secret would end in a log or a pipe."""
    return sys.stdout.isatty() and not as_json
