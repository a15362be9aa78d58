"""Points in time as a person says them: ``20 November 2026, 14:00 UTC`` and ``3 days ago``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_MONTH: Final = 30 * _DAY
_YEAR: Final = 365 * _DAY

# From which distance on a unit is used: up to two of the next unit, the smaller one says more.
_UNITS: Final = (
    (2 * _YEAR, _YEAR, "years"),
    (2 * _MONTH, _MONTH, "months"),
    (2 * _DAY, _DAY, "days"),
    (2 * _HOUR, _HOUR, "hours"),
    (2 * _MINUTE, _MINUTE, "minutes"),
)
# The names, because strftime follows the locale of the server.
_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def say_moment(moment: datetime) -> str:
    """Return e.g. ``20 November 2026, 14:00 UTC`` for a moment in UTC."""
    day = f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"
    return f"{day}, {moment.hour:02d}:{moment.minute:02d} UTC"


def say_distance(seconds: float) -> str:
    """Return e.g. ``3 days``, rounded down; a minute or so is ``a moment``."""
    for threshold, unit, name in _UNITS:
        if seconds >= threshold:
            return f"{int(seconds // unit)} {name}"
    return "a moment"
