"""Dates in fields: written in one form, read in three (RFC 9110, section 5.6.7)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import lru_cache
from typing import Final

_MONTHS: Final = tuple(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split())
_MONTH: Final = rb"(?P<month>" + b"|".join(_MONTHS) + rb")"
_TIME: Final = rb"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_SHORT: Final = rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG: Final = rb"(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        # IMF-fixdate, what everybody sends: Sun, 06 Nov 1994 08:49:37 GMT
        _SHORT + rb", (?P<day>\d\d) " + _MONTH + rb" (?P<year>\d{4}) " + _TIME + rb" GMT",
        # RFC 850: Sunday, 06-Nov-94 08:49:37 GMT
        _LONG + rb", (?P<day>\d\d)-" + _MONTH + rb"-(?P<year>\d\d) " + _TIME + rb" GMT",
        # asctime: Sun Nov  6 08:49:37 1994
        _SHORT + rb" " + _MONTH + rb" (?P<day>\d\d| \d) " + _TIME + rb" (?P<year>\d{4})",
    )
)
_SHORT_YEAR: Final = 2
_LAST_SECOND: Final = 60  # of a minute with a leap second
_CENTURY: Final = 100
_HALF_CENTURY: Final = 50


@lru_cache(maxsize=256)  # the present second and the files in demand come again and again
def http_date(moment: int) -> bytes:
    """Return seconds since the epoch as an IMF-fixdate."""
    return formatdate(moment, usegmt=True).encode()


def parse_http_date(text: bytes, now: float) -> int | None:
    """Return seconds since the epoch, or None for what is no date; the day's name is not checked.

    Args:
        text: a field value without surrounding white space.
        now: seconds since the epoch. A year of two digits that seems to be more than 50 years in
            the future is one of the past.
    """
    for form in _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            return _moment(match, now)
    return None


def _moment(match: re.Match[bytes], now: float) -> int | None:
    second = int(match["second"])
    if second > _LAST_SECOND:
        return None
    try:
        minute = datetime(
            _year(match["year"], now),
            _MONTHS.index(match["month"]) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            tzinfo=UTC,
        )
    except ValueError:
        return None
    return round((minute - _EPOCH) / _SECOND) + second


def _year(digits: bytes, now: float) -> int:
    year = int(digits)
    if len(digits) != _SHORT_YEAR:
        return year
    current = (_EPOCH + timedelta(seconds=now)).year
    year += current - current % _CENTURY
    return year - _CENTURY if year > current + _HALF_CENTURY else year


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)
