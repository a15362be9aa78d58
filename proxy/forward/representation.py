"""A file as HTTP sees it, and the answer to a GET or HEAD for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from proxy.forward.byte_ranges import Part, Span, multipart, parse_ranges
from proxy.forward.conditional import Outcome, conditions_of, evaluate, wants_ranges
from proxy.forward.http_date import http_date
from proxy.forward.media_types import media_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from proxy.http1.messages import Field

_NANOSECONDS: Final = 1_000_000_000
_GET: Final = b"GET"


class Representation(NamedTuple):
    """What is known about a file before it is read.

    Attributes:
        name: without its folder.
        size: in bytes.
        modified_ns: when its content was last changed, in nanoseconds since the epoch.
    """

    name: bytes
    size: int
    modified_ns: int

    @property
    def etag(self) -> bytes:
        """A strong entity tag: nginx's, but of nanoseconds where nginx takes seconds."""
        return b'"%x-%x"' % (self.modified_ns, self.size)

    def last_modified(self, now: float) -> int:
        """Return seconds since the epoch; never a time to come (RFC 9110, section 8.8.2.1)."""
        return max(0, min(self.modified_ns // _NANOSECONDS, int(now)))


class Answer(NamedTuple):
    """A response, but for its framing.

    Attributes:
        status: 200, 206, 304, 412 or 416. Of the last two, fields and content are for the caller to
            complete.
        fields: those that belong to the file.
        parts: the content; empty unless the status is 200 or 206.
        after: what follows the last part.
    """

    status: int
    fields: list[Field]
    parts: Sequence[Part] = ()
    after: bytes = b""

    @property
    def length(self) -> int:
        """How many bytes of content there are."""
        of_parts = sum(len(before) + span.end - span.first for before, span in self.parts)
        return of_parts + len(self.after)


def answer_for(
    method: bytes, fields: Iterable[Field], found: Representation, now: float, boundary: bytes
) -> Answer:
    """Return the answer to a GET or HEAD.

    Args:
        method: ``GET`` or ``HEAD``. Ranges are for GET alone (RFC 9110, section 14.2).
        fields: of the request.
        found: the file.
        now: seconds since the epoch.
        boundary: separates several parts; has to be unpredictable.
    """
    conditions = conditions_of(fields)
    etag, modified = found.etag, found.last_modified(now)
    validators = [_field(b"Last-Modified", http_date(modified)), _field(b"ETag", etag)]
    outcome = evaluate(conditions, etag, modified, now) if conditions else Outcome.PROCEED
    if outcome is Outcome.FAILED:
        return Answer(412, [])
    if outcome is Outcome.NOT_MODIFIED:
        return Answer(304, validators)
    content_type = media_type(found.name)
    common = [*validators, _ACCEPT_RANGES, _NOSNIFF]
    spans: list[Span] | None = None
    if b"range" in conditions and method == _GET and wants_ranges(conditions, etag, modified, now):
        spans = parse_ranges(conditions[b"range"], found.size)
    if spans is None:
        whole = Part(b"", Span(0, found.size))
        return Answer(200, [_field(b"Content-Type", content_type), *common], [whole])
    return _partial(spans, content_type, found.size, common, boundary)


def _partial(
    spans: list[Span], content_type: bytes, size: int, common: list[Field], boundary: bytes
) -> Answer:
    if not spans:
        return Answer(416, [_field(b"Content-Range", b"bytes */%d" % size)])
    if len(spans) == 1:
        [span] = spans
        place = _field(b"Content-Range", span.content_range(size))
        fields = [_field(b"Content-Type", content_type), place, *common]
        return Answer(206, fields, [Part(b"", span)])
    parts, after = multipart(spans, content_type, size, boundary)
    of_parts = _field(b"Content-Type", b"multipart/byteranges; boundary=" + boundary)
    return Answer(206, [of_parts, *common], parts, after)


def _field(name: bytes, value: bytes) -> Field:
    return name.lower(), name, value


_ACCEPT_RANGES: Final = _field(b"Accept-Ranges", b"bytes")
# A browser that guesses types would run a script that somebody could upload as a picture.
_NOSNIFF: Final = _field(b"X-Content-Type-Options", b"nosniff")
