"""Is what lies in the folder from an earlier run still of use?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from proxy.ca.delivery import CERTIFICATE, KEY
from proxy.ca.names import host_name
from proxy.errors import CertgateError
from proxy.tls.files import load_certificates

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from proxy.ca.delivery import Target

_SQLITE: Final = b"SQLite format 3\0"  # sqlite.org/fileformat.html, section 1.3
SOON: Final = timedelta(days=7)
"""A server certificate that ends within it is replaced at the next start."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a certificate should be made anew.

    Attributes:
        reason: in words; empty when there was none.
        is_urgent: the old one cannot be used at all, or is not there.
    """

    reason: str
    is_urgent: bool


def check_authority(path: Path, now: datetime) -> None:
    """Refuse a CA that has ended: nothing that it issued is taken any more.

    Raises:
        CertgateError: it has, or its certificate is unreadable.
    """
    ends = load_certificates(path)[0].not_valid_after_utc
    if ends <= now:
        raise CertgateError(
            f"{path}: this CA expired on {ends:%Y-%m-%d}, and with it all that it issued; move "
            f"{path.parent.parent}/ away and everything is made anew"
        )


def check_store(path: Path) -> None:
    """Refuse a store that is none: the first ``ca issue``, much later, would be told so.

    The store is not opened, which would load the whole database into a process that serves. One
    that is away, or not for this user to read, is no fault: a gate works without it.

    Raises:
        CertgateError: the file is no database of SQLite.
    """
    try:
        with path.open("rb") as file:
            is_store = file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return
    if not is_store:
        raise CertgateError(f"{path}: this file is not a certgate store")


def flaw_of_server(
    target: Target, authority: Path, names: Sequence[str], now: datetime
) -> Flaw | None:
    """Return why a server certificate should be made, or None.

    Args:
        target: where it is.
        authority: the CA's certificate, which must have issued it.
        names: what it must be valid for.
        now: the present, with a time zone.

    Raises:
        CertgateError: a certificate of somebody else lies there, or something unreadable.
    """
    leaf = _leaf(target, authority, "give your own with --certificate and --private-key")
    if leaf is None:
        return Flaw("", is_urgent=True)
    if leaf.not_valid_after_utc <= now:
        return Flaw("the old one has expired", is_urgent=True)
    missing = _missing_names(leaf, names)
    if missing:
        return Flaw(f"the old one lacks {', '.join(missing)}", is_urgent=True)
    is_ending = leaf.not_valid_after_utc - now < SOON
    return Flaw("the old one ends soon", is_urgent=False) if is_ending else None


def flaw_of_client(target: Target, authority: Path, now: datetime) -> Flaw | None:
    """Return why a client certificate should be made, or None.

    Args:
        target: where it is.
        authority: the CA's certificate, which must have issued it.
        now: the present, with a time zone.

    Raises:
        CertgateError: a certificate of somebody else lies there, or something unreadable.
    """
    leaf = _leaf(target, authority, "choose another --client")
    if leaf is None:
        return Flaw("", is_urgent=True)
    # Not urgent: the gate does without it, and others have theirs.
    is_over = leaf.not_valid_after_utc <= now
    return Flaw("the old one has expired", is_urgent=False) if is_over else None


def _leaf(target: Target, authority: Path, otherwise: str) -> x509.Certificate | None:
    """Return the certificate; None when it or its key is missing."""
    path, key = target.path(CERTIFICATE), target.path(KEY)
    if not path.exists() or not key.exists():
        return None
    try:
        leaf = load_certificates(path)[0]
    except CertgateError as error:
        raise CertgateError(f"{error}; or remove it, and a new one is made") from error
    try:
        leaf.verify_directly_issued_by(load_certificates(authority)[0])
    except (ValueError, TypeError, InvalidSignature) as error:
        raise CertgateError(
            f"{path}: the CA in {authority.parent}/ did not issue this; move it and {key.name} "
            f"away and new ones are made, or {otherwise}"
        ) from error
    return leaf


def _missing_names(leaf: x509.Certificate, names: Sequence[str]) -> list[str]:
    try:
        entries = list(leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    except x509.ExtensionNotFound:
        entries = []
    return [name for name in names if host_name(name) not in entries]
