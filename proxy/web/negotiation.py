"""Which of the three formats a client wants (RFC 9110 section 12.5.1).

Browsers name text/html, API clients name JSON, curl sends ``*/*``. Whatever the field holds, one
format comes out: a refusal must not turn into 406, nor into an exception.
"""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

# No client that means it sends more; parsing what an attacker sends has to stay cheap (a kilobyte
# of commas took 1.3 ms without the second limit).
MAX_ACCEPT_BYTES: Final = 1024
MAX_RANGES: Final = 32
_MAX_CACHED_BYTES: Final = 256

# How closely a range names a type. Kin: who asks for JSON can read a problem document.
_ANYTHING, _ANY_SUBTYPE, _KIN, _NAMED = 1, 2, 3, 4


class Format(Enum):
    """The formats of a page; the value is the Content-Type."""

    HTML = b"text/html; charset=utf-8"
    PROBLEM = b"application/problem+json"
    TEXT = b"text/plain; charset=utf-8"


class _Range(NamedTuple):
    """One media range of the field, e.g. ``text/*;q=0.5``."""

    type: str
    subtype: str
    quality: float
    position: int


class _Match(NamedTuple):
    """How well a format is wanted; the greatest wins, fields compared in this order."""

    quality: float
    specificity: int
    earliness: int


# In the order of our own preference, for ``*/*`` and the like: a program that asks for nothing in
# particular is shown text, because a person reads it in a terminal.
_OFFERS: Final = (
    (Format.TEXT, "text", "plain"),
    (Format.PROBLEM, "application", "problem+json"),
    (Format.HTML, "text", "html"),
)


def choose_format(accept: bytes | None) -> Format:
    """Return the format for an Accept field; absent, malformed or unmeetable means text.

    Args:
        accept: the field's value (several lines joined by commas), None when it is absent.
    """
    if accept is None:
        return Format.TEXT
    if len(accept) <= _MAX_CACHED_BYTES:
        return _negotiate_cached(accept)
    return _negotiate(accept[:MAX_ACCEPT_BYTES])


def _negotiate(accept: bytes) -> Format:
    items = accept.decode("latin-1").split(",", MAX_RANGES)[:MAX_RANGES]
    ranges = [_parse_range(*item) for item in enumerate(items)]
    best, chosen = _Match(0.0, 0, 0), Format.TEXT
    for offer, type_, subtype in _OFFERS:
        match = _match(ranges, type_, subtype)
        if match.quality and match > best:
            best, chosen = match, offer
    return chosen


_negotiate_cached = lru_cache(maxsize=256)(_negotiate)


def _parse_range(position: int, text: str) -> _Range:
    """Parse ``type/subtype;q=0.5``; other parameters do not matter to us."""
    media, *parameters = text.lower().split(";")
    type_, _, subtype = media.strip().partition("/")
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            quality = _parse_quality(value.strip())
    return _Range(type_, subtype, quality, position)


def _parse_quality(text: str) -> float:
    """Return a weight between 0 and 1; nonsense weighs nothing."""
    try:
        quality = float(text)
    except ValueError:
        return 0.0
    return quality if 0.0 <= quality <= 1.0 else 0.0


def _match(ranges: list[_Range], type_: str, subtype: str) -> _Match:
    """Return how the most specific range for a type weighs it; RFC 9110: specific beats general."""
    found = [
        (specificity, -given.position, given.quality)
        for given in ranges
        if (specificity := _specificity(given, type_, subtype))
    ]
    if not found:
        return _Match(0.0, 0, 0)
    specificity, earliness, quality = max(found)
    # Between formats, kin is as good as the name itself: "application/json, text/html" is JSON.
    return _Match(quality, min(specificity, _KIN), earliness)


def _specificity(given: _Range, type_: str, subtype: str) -> int:
    """Return how closely a range names a type; 0 when it does not match."""
    if given.type == "*":
        return _ANYTHING if given.subtype == "*" else 0
    if given.type != type_:
        return 0
    if given.subtype == subtype:
        return _NAMED
    if subtype == "problem+json" and (given.subtype == "json" or given.subtype.endswith("+json")):
        return _KIN
    return _ANY_SUBTYPE if given.subtype == "*" else 0
