"""Newer revocation lists come into force by themselves, on open connections too.

The files are looked at several times a second. A list counts only when it can be read whole, is
signed by its CA and is not older than the one in force; a file that is deleted, empty or
half-written changes nothing, loudly (Caddy CVE-2026-27586 was such a file failing open).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from proxy.errors import CertgateError
from proxy.snapshot import with_fresh_crls

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.server.state import ServerState
    from proxy.snapshot import Snapshot

_INTERVAL = 0.3  # seconds; a revocation counts within one
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
    seen = _stamps(state.snapshot)
    while True:
        await asyncio.sleep(_INTERVAL)
        now = _stamps(state.snapshot)
        if now == seen:
            continue
        seen = now
        await _refresh(state)


async def _refresh(state: ServerState) -> None:
    before = state.snapshot
    try:
        # Checking the signature over a large list takes a while: not on the event loop.
        fresh = await asyncio.to_thread(with_fresh_crls, before)
    except CertgateError as error:
        _log.error("crl not taken: the lists in force stay", reason=str(error))
        return
    except Exception:  # noqa: BLE001 -- the watch goes on, under the lists in force
        _log.exception("an error of certgate itself, while reading a crl; the old lists stay")
        return
    if state.snapshot is before:  # else a reload came between, which read the files itself
        state.snapshot = fresh
        for unusable in fresh.revocation.unusable:
            _log.error("crl not usable", reason=unusable.reason)
        _log.info("crl taken", lists=len(fresh.revocation.crls))
