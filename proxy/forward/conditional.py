"""Conditional requests: what a client that has an older copy, or half of one, wants to be told.

RFC 9110, section 13. The conditions are looked at in the order of section 13.2.2, and only for a
request that would otherwise be answered with the content: the caller's 404 comes first.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

from proxy.forward.http_date import parse_http_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from proxy.http1.messages import Field


class Outcome(Enum):
    """What the conditions of a GET or HEAD come to."""

    PROCEED = 200
    NOT_MODIFIED = 304
    FAILED = 412


_WANTED: Final = frozenset(
    {
        b"if-match",
        b"if-modified-since",
        b"if-none-match",
        b"if-range",
        b"if-unmodified-since",
        b"range",
    }
)

# entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE (section 8.8.3), in lists with empty members. All
# repetitions are possessive: nothing is ever tried twice.
_TAG: Final = rb'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*+"'
_ONE_TAG: Final = re.compile(_TAG)
_TAGS: Final = re.compile(rb"[ \t,]*+" + _TAG + rb"(?:[ \t]*+,[ \t,]*+" + _TAG + rb")*+[ \t,]*+")
_SOON: Final = 1  # a second, in which a file may change without its date


def conditions_of(fields: Iterable[Field]) -> dict[bytes, list[bytes]]:
    """Return the values of the fields that decide what is sent, by lower-case name."""
    found: dict[bytes, list[bytes]] = {}
    for lower, _, value in fields:
        if lower in _WANTED:
            found.setdefault(lower, []).append(value)
    return found


def evaluate(
    conditions: Mapping[bytes, Sequence[bytes]], etag: bytes, modified: int, now: float
) -> Outcome:
    """Return what the preconditions of a GET or HEAD come to.

    Args:
        conditions: of ``conditions_of``.
        etag: the strong entity tag of what would be sent, quotes included.
        modified: its Last-Modified, in seconds since the epoch.
        now: the present time, likewise.
    """
    if not _may_proceed(conditions, etag, modified, now):
        return Outcome.FAILED
    tags = conditions.get(b"if-none-match")
    if tags is not None:  # then the date does not count, also when the tags make no sense
        known = _matches(tags, etag, weak=True)
    else:
        since = _only_date(conditions.get(b"if-modified-since"), now)
        known = since is not None and modified <= since
    return Outcome.NOT_MODIFIED if known else Outcome.PROCEED


def _may_proceed(
    conditions: Mapping[bytes, Sequence[bytes]], etag: bytes, modified: int, now: float
) -> bool:
    tags = conditions.get(b"if-match")
    if tags is not None:
        return _matches(tags, etag, weak=False)
    since = _only_date(conditions.get(b"if-unmodified-since"), now)
    return since is None or modified <= since


def wants_ranges(
    conditions: Mapping[bytes, Sequence[bytes]], etag: bytes, modified: int, now: float
) -> bool:
    """Tell whether ``Range`` counts: without ``If-Range``, or where that names what we have.

    Section 13.1.5: only a strong match will do, because the client glues the ranges to those that
    it has. A weak tag never matches; a date only when it is the same, and not of this very second.
    """
    values = conditions.get(b"if-range")
    if values is None:
        return True
    if len(values) != 1:
        return False
    if _ONE_TAG.fullmatch(values[0]):
        return values[0] == etag
    return parse_http_date(values[0], now) == modified and modified + _SOON <= now


def _matches(values: Sequence[bytes], etag: bytes, *, weak: bool) -> bool:
    """Tell whether a list of tags names this one; a list that makes no sense names none."""
    listed = b",".join(values)
    if listed == b"*":
        return True
    if not _TAGS.fullmatch(listed):
        return False
    return any(
        tag == etag or (weak and tag.removeprefix(b"W/") == etag)
        for tag in _ONE_TAG.findall(listed)
    )


def _only_date(values: Sequence[bytes] | None, now: float) -> int | None:
    """Return the date of a field; one that is no date, or stands there twice, does not count."""
    return parse_http_date(values[0], now) if values is not None and len(values) == 1 else None
