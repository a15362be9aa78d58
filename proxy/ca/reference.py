"""From what an operator types (a serial, a name, a file) to certificates of this CA."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from proxy.ca.clock import to_epoch
from proxy.ca.files import is_file
from proxy.ca.folder import load_certificates
from proxy.ca.issuance import fingerprint
from proxy.ca.store.records import Status
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.ca.registry import Registry
    from proxy.ca.store.records import CertificateRecord

_MOST_DIGITS = 50  # of a serial number: 20 octets have 49
_CERTIFICATE_SUFFIXES = frozenset({".crt", ".pem", ".cer", ".der"})


def find(registry: Registry, text: str) -> list[CertificateRecord]:
    """Return every certificate that the text can mean, oldest first.

    ``serial:7`` and ``name:7`` say which of the two is meant.

    Raises:
        CertgateError: none, or the text is the serial of one and the name of another.
    """
    kind, separator, value = text.partition(":")
    if separator and kind in {"serial", "name"}:
        found = _by_serial(registry, value) if kind == "serial" else _by_name(registry, value)
    elif _looks_like_file(text):
        found = [_by_file(registry, Path(text))]
    else:
        found = _by_serial_or_name(registry, text)
    if not found and is_file(text):
        found = [_by_file(registry, Path(text))]
    if not found:
        raise CertgateError(
            f"{registry.folder.path}: no certificate with the serial or name {text!r}; "
            "certgate ca list shows what there is"
        )
    return found


def select(
    registry: Registry,
    text: str,
    *,
    take_all: bool = False,
    prefer: Callable[[CertificateRecord], bool] | None = None,
) -> list[CertificateRecord]:
    """Return the certificate that is meant: the valid one of that name, or all with ``take_all``.

    Args:
        registry: the CA.
        text: serial, name or file.
        take_all: several are welcome.
        prefer: which ones count first; valid ones unless given.

    Raises:
        CertgateError: none, or several and not ``take_all``; their serials are in the message.
    """
    now = to_epoch(registry.now())
    prefer = prefer or (lambda record: record.status(now) is Status.VALID)
    found = find(registry, text)
    chosen = [record for record in found if prefer(record)] or found
    if len(chosen) > 1 and not take_all:
        serials = ", ".join(str(record.serial) for record in chosen)
        raise CertgateError(
            f"{text!r} has {len(chosen)} certificates: serials {serials}; name one of them by its "
            "serial"
        )
    return chosen


def _looks_like_file(text: str) -> bool:
    suffix = Path(text).suffix.lower()
    return "/" in text or (suffix in _CERTIFICATE_SUFFIXES and is_file(text))


def _by_serial_or_name(registry: Registry, text: str) -> list[CertificateRecord]:
    by_serial, by_name = _by_serial(registry, text), _by_name(registry, text)
    if by_serial and by_name and by_serial != by_name:
        raise CertgateError(
            f"{text} is the serial of {by_serial[0].subject} and also the name of serial "
            f"{by_name[0].serial}: say serial:{text} or name:{text}"
        )
    return by_serial or by_name


def _by_serial(registry: Registry, text: str) -> list[CertificateRecord]:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        return []
    with registry.store.reading() as query:
        record = query.by_serial(registry.issuer_id, int(text))
    return [record] if record else []


def _by_name(registry: Registry, text: str) -> list[CertificateRecord]:
    with registry.store.reading() as query:
        return query.by_common_name(registry.issuer_id, text)


def _by_file(registry: Registry, path: Path) -> CertificateRecord:
    certificate = load_certificates(path)[0]
    with registry.store.reading() as query:
        record = query.by_fingerprint(registry.issuer_id, fingerprint(certificate))
    if record is None:
        raise CertgateError(
            f"{path}: this certificate was not issued by the CA in {registry.folder.path}"
        )
    return record
