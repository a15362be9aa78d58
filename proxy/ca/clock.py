"""Time as the authority sees it: UTC, whole seconds (RFC 5280 section 4.1.2.5)."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the current time, aware, in UTC, without fractions of a second."""
    return datetime.now(UTC).replace(microsecond=0)


def from_epoch(seconds: int) -> datetime:
    """Return the time that the store keeps as seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def to_epoch(moment: datetime) -> int:
    """Return an aware time as the store keeps it."""
    return int(moment.timestamp())


def rfc3339(moment: datetime) -> str:
    """Return an aware time as RFC 3339 text in UTC, e.g. ``2026-01-31T12:00:00Z``."""
    return rfc3339_epoch(to_epoch(moment))


def rfc3339_epoch(seconds: int) -> str:
    """Return seconds since 1970 as RFC 3339 text."""
    # Half the price of going through datetime: a list has two of these in each row.
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
