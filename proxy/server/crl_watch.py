"""Newer revocation lists come into force by themselves, on open connections too.

The files are looked at several times a second. A list counts only when it can be read whole, is
signed by its CA and is not older than the one in force; a file that is deleted, empty or
half-written changes nothing, loudly (Caddy CVE-2026-27586 was such a file failing open).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from cryptography.hazmat.primitives.hashes import SHA256

from proxy.errors import CertgateError
from proxy.server.crl_report import report_lists
from proxy.snapshot import with_fresh_crls

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.server.state import ServerState
    from proxy.snapshot import Snapshot

_INTERVAL = 0.3  # seconds; a revocation counts within one
_DAY = 86_400.0
_log = structlog.stdlib.get_logger()

_Stamp = tuple[int, int, int] | None


def _stamp(path: Path) -> _Stamp:
    """Return what changes when a file is written or replaced; None when it cannot be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _stamps(snapshot: Snapshot) -> dict[Path, _Stamp]:
    return {path: _stamp(path) for path in snapshot.client_auth.crl}


async def watch_crls(state: ServerState) -> None:
    """Watch for as long as the process lives; cancel the task to stop."""
    seen: dict[Path, _Stamp] = {}
    read: Snapshot | None = None
    reported = state.wall()  # whoever starts the watch has reported the first lists
    while True:
        await asyncio.sleep(_INTERVAL)
        if state.wall() - reported >= _DAY:
            reported = state.wall()
            report_lists(state.snapshot, reported)
        # A snapshot that a start or a reload made is compared with the files once more: one may
        # have changed after it was read, and a revocation would wait for the next change.
        snapshot, now = state.snapshot, _stamps(state.snapshot)
        if now and (snapshot is not read or now != seen):
            seen = now
            read = await _refresh(state, snapshot)


async def _refresh(state: ServerState, before: Snapshot) -> Snapshot:
    """Put the files' lists in force; return the snapshot that was compared with them."""
    try:
        # Checking the signature over a large list takes a while: not on the event loop.
        fresh = await asyncio.to_thread(with_fresh_crls, before)
    except CertgateError as error:
        _log.error("crl not taken: the lists in force stay", reason=str(error))
        return before
    except Exception:  # noqa: BLE001 -- the watch goes on, under the lists in force
        _log.exception("an error of certgate itself, while reading a crl; the old lists stay")
        return before
    (old, *old_faults), (new, *new_faults) = _lists(before), _lists(fresh)
    if state.snapshot is not before or (old, old_faults) == (new, new_faults):
        return before  # a reload came between, whose snapshot is looked at next; or nothing new
    state.snapshot = fresh
    report_lists(fresh, state.wall())
    if old != new:
        _log.info("crl taken", lists=len(new))
    return fresh


def _lists(snapshot: Snapshot) -> list[set[bytes]]:
    """Return the fingerprints of the lists that count, of those that do not, and of the kept."""
    view = snapshot.revocation
    unusable = (item.crl for item in view.unusable)
    return [
        {crl.fingerprint(SHA256()) for crl in crls} for crls in (view.crls, unusable, view.kept)
    ]
