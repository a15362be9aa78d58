"""Times as they are kept and shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from proxy.ca.clock import from_epoch, rfc3339, rfc3339_epoch, system_clock, to_epoch


def test_the_clock_has_no_fractions_and_is_aware():
    now = system_clock()
    assert now.microsecond == 0
    assert now.tzinfo is UTC
    assert from_epoch(to_epoch(now)) == now


def test_times_are_shown_in_utc():
    moment = datetime(2026, 1, 31, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    assert rfc3339(moment) == "2026-01-31T10:00:00Z"
    assert rfc3339_epoch(0) == "1970-01-01T00:00:00Z"
