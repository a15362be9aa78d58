"""Parts of a file: which bytes a client asks for, and how several parts travel in one response.

RFC 9110, section 14. A client may ask for any number of overlapping parts, each of which costs the
server a read and a header (CVE-2011-3192 put Apache down that way). Here overlapping parts are
sent once, and a longer list than anybody has a use for is not looked at: so a response is never
much longer than the file.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_RANGES: Final = 100
"""How many parts one request may name. PDF readers, the keenest, ask for some dozens."""

MAX_GAP: Final = 80
"""Bytes between two parts that cost less than the header of a second part (section 14.2)."""

# int-range or suffix-range (section 14.1.1), of numbers with at most 32 digits. The set has no
# groups to capture: in a possessive repetition Python 3.11 loses count of them (SystemError).
_ONE: Final = re.compile(rb"([0-9]{1,32})-([0-9]{0,32})|-([0-9]{1,32})")
_RANGE: Final = rb"(?:[0-9]{1,32}+-[0-9]{0,32}+|-[0-9]{1,32}+)"
_SET: Final = re.compile(
    rb"bytes=[ \t,]*+" + _RANGE + rb"(?:[ \t]*+,[ \t,]*+" + _RANGE + rb")*+[ \t,]*+", re.IGNORECASE
)


class Span(NamedTuple):
    """Some bytes of a file.

    Attributes:
        first: the position of the first one.
        end: the position after the last one; greater than ``first``.
    """

    first: int
    end: int

    def content_range(self, size: int) -> bytes:
        """Return the value of ``Content-Range`` (section 14.4)."""
        return b"bytes %d-%d/%d" % (self.first, self.end - 1, size)


class Part(NamedTuple):
    """One piece of a response's content.

    Attributes:
        before: bytes that come first; the header of a part among several.
        span: the bytes of the file that follow.
    """

    before: bytes
    span: Span


def parse_ranges(values: Sequence[bytes], size: int) -> list[Span] | None:
    """Return the parts that are asked for.

    Args:
        values: of the Range fields of a request; not empty.
        size: the file's.

    Returns:
        Parts that do not touch each other, in the order asked for. None stands for a field that is
        to be ignored: a unit other than bytes, nonsense, too many parts, or parts of an empty file,
        which no Content-Range could tell. An empty list stands for parts that the file does not
        have (416).
    """
    if (
        not size
        or len(values) != 1
        or values[0].count(b",") >= 2 * MAX_RANGES
        or not _SET.fullmatch(values[0])
    ):
        return None
    asked = _ONE.findall(values[0])
    if len(asked) > MAX_RANGES or any(_is_backward(first, last) for first, last, _ in asked):
        return None
    spans = (_span(first, last, suffix, size) for first, last, suffix in asked)
    return _merged(span for span in spans if span.first < span.end)


def _is_backward(first: bytes, last: bytes) -> bool:
    return bool(last) and int(last) < int(first)


def _span(first: bytes, last: bytes, suffix: bytes, size: int) -> Span:
    """Return the bytes that the file has of one range; nothing where ``first`` is not below."""
    if suffix:
        return Span(max(0, size - int(suffix)), size)
    return Span(int(first), min(size, int(last) + 1) if last else size)


def _merged(spans: Iterable[Span]) -> list[Span]:
    """Join what overlaps or nearly touches; each joined span takes the place of its first part."""
    joined: list[tuple[int, Span]] = []
    for span, place in sorted((span, place) for place, span in enumerate(spans)):
        if joined and span.first <= joined[-1][1].end + MAX_GAP:
            earlier, (first, end) = joined[-1]
            joined[-1] = min(earlier, place), Span(first, max(end, span.end))
        else:
            joined.append((place, span))
    return [span for _, span in sorted(joined)]


def multipart(
    spans: Iterable[Span], content_type: bytes, size: int, boundary: bytes
) -> tuple[list[Part], bytes]:
    """Return the content of a ``multipart/byteranges`` response (section 14.6).

    Args:
        spans: the parts.
        content_type: the file's.
        size: the file's.
        boundary: letters and digits that nobody could know beforehand, and so put into a file.

    Returns:
        The parts with their headers, and what comes after the last one.
    """
    start = b"\r\n--" + boundary
    lines = b"\r\nContent-Type: " + content_type + b"\r\nContent-Range: "
    parts = [Part(start + lines + span.content_range(size) + b"\r\n\r\n", span) for span in spans]
    return parts, start + b"--\r\n"
