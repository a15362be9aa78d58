"""What the error log says about the revocation lists in force.

A list that ends locks all clients of its CA out at once (``crl_stale: refuse``), and signing the
next one takes a person. So the log says so from 30 days before: when lists come into force, and
every day.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from proxy.identity.crl_due import due_by

if TYPE_CHECKING:
    from cryptography.x509 import CertificateRevocationList

    from proxy.snapshot import Snapshot

_log = structlog.stdlib.get_logger()

_CONSEQUENCES = {
    "refuse": "its clients are refused",
    "warn": "revocations since then are unknown",
}

_NOT_IN_FILES = "the files hold an older list of this issuer, or none; the list in force stays"


def report_lists(snapshot: Snapshot, now: float) -> None:
    """Log the lists that do not count, those that are gone, and those to be signed again.

    Args:
        snapshot: whose lists.
        now: unix time.
    """
    view = snapshot.revocation
    for unusable in view.unusable:
        issuer = unusable.crl.issuer.rfc4514_string()
        _log.error("crl not usable", issuer=issuer, reason=unusable.reason)
    for crl in view.kept:
        _log.error("crl kept", issuer=crl.issuer.rfc4514_string(), reason=_NOT_IN_FILES)
    present = datetime.fromtimestamp(now, UTC)
    for crl in view.crls:
        if present < crl.last_update_utc:
            _report_early(crl)
        ends = due_by(crl, present)
        if ends is None:
            continue
        facts = {"issuer": crl.issuer.rfc4514_string(), "next_update": f"{ends:%Y-%m-%d}"}
        effect = _CONSEQUENCES[view.stale]
        if ends <= present:
            _log.error("crl is stale", **facts, effect=effect)
        else:
            days = (ends - present).days
            _log.warning("crl must be signed again", **facts, days=days, otherwise=effect)


def _report_early(crl: CertificateRevocationList) -> None:
    # ``crl_stale: warn`` is about the end of a list. One that has not begun refuses either way.
    issuer, begins = crl.issuer.rfc4514_string(), f"{crl.last_update_utc:%Y-%m-%d}"
    _log.error(
        "crl is not valid yet",
        issuer=issuer,
        this_update=begins,
        effect="until then its clients are refused",
    )
