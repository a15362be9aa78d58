"""From bytes to one request or response head, with httptools (llhttp) under our own framing rules.

How it works: the caller finds the blank line with ``head_end`` and hands over exactly one head.
llhttp never sees a byte of content: it has no way to be told that a response has no content
(HEAD, 304), it does not say where a chunked message ended when another follows, and its state
after an upgrade is not ours. Content is cut by ``body``, so each head meets a parser that expects
one. Fields that decide framing and persistence are taken out here and judged once; everything
else is passed on as ``fields``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser, HttpResponseParser

from proxy.http1 import grammar
from proxy.http1.framing import request_framing, request_upgrade, response_framing
from proxy.http1.messages import (
    CLOSE,
    CONNECTION_FIELDS,
    NO_CONTENT,
    Field,
    ProtocolError,
    RequestFields,
    RequestHead,
    ResponseHead,
    bad_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable


_RESPONSE_OWN_FIELDS = CONNECTION_FIELDS - {b"expect", b"host", b"http2-settings"}
_REQUEST_LINE_PARTS = 3
_VERSIONS = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}
_END = b"\r\n\r\n"
_PARTIAL_END = len(_END) - 1
# What is remembered: a browser alternates between a handful of field sections; longer ones and
# more of them would cost memory that an idle client should not hold.
_MAX_KNOWN = 8
_MAX_KNOWN_BYTES = 2048
_FIRST_STATUS = 100
_NOTHING: frozenset[bytes] = frozenset()


def head_end(buffer: bytes, searched: int, limit: int) -> int:
    """Return the length of the head at the start of the buffer, or -1 while it is incomplete.

    Args:
        buffer: the bytes received so far.
        searched: how many of them this function was given before; they are not looked at again,
            or a client that sends byte by byte would cost the square of the head's length.
        limit: the longest head in bytes; 0 for no limit.

    Raises:
        ProtocolError: 400 when these bytes can never become a head, 414 when the request line
            and 431 when the field section outgrows the limit (RFC 6585, section 5).
    """
    end = buffer.find(_END, searched - 3 if searched > _PARTIAL_END else 0)
    if end >= 0 and (not limit or end + 4 <= limit):
        return end + 4
    # A CR that came last is looked at again, now that one knows whether its LF follows.
    fresh = searched - 1 if buffer[searched - 1 : searched] == b"\r" else searched
    if grammar.is_hopeless_prefix(buffer[fresh : limit or None]):
        raise bad_request("the head holds a control byte, or a line that does not end in CRLF")
    if limit and len(buffer) >= limit:
        if b"\r\n" in buffer[:limit]:
            raise ProtocolError(431, "head_too_large", f"the head is longer than {limit} bytes")
        raise ProtocolError(414, "target_too_long", f"the first line is longer than {limit} bytes")
    return -1


class _Collector:
    """The callbacks of one llhttp parser: field lines, in the order in which they came."""

    __slots__ = ("lines", "url")

    def __init__(self) -> None:
        self.lines: list[tuple[bytes, bytes]] = []
        self.url = b""

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name, value))


def _feed(feed: Callable[[bytes], None], head: bytes) -> None:
    """Run llhttp over one head; an upgrade is reported by an exception and means no fault."""
    try:
        feed(head)
    except HttpParserUpgrade:
        pass
    except HttpParserError as exc:
        raise bad_request(f"llhttp: {exc}") from exc


def _split_fields(
    lines: list[tuple[bytes, bytes]], own_names: frozenset[bytes], max_fields: int
) -> tuple[list[Field], dict[bytes, list[bytes]]]:
    """Part the end-to-end fields from the connection's own, whose values are kept by name."""
    if max_fields and len(lines) > max_fields:
        raise ProtocolError(431, "head_too_large", f"the head has more than {max_fields} fields")
    fields: list[Field] = []
    own: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        lower = name.lower()
        if lower in own_names:
            own.setdefault(lower, []).append(value.strip(b" \t"))
        else:
            fields.append((lower, name, value.strip(b" \t")))
    return fields, own


def _nominated(own: dict[bytes, list[bytes]]) -> frozenset[bytes]:
    options = own.get(b"connection")
    if options is None:
        return _NOTHING
    return frozenset(grammar.list_members(b",".join(options)))


class RequestParser:
    """Reads request heads.

    A client repeats itself: from one request to the next only the request line differs, as a rule.
    So the last few heads and field sections are kept with what they mean, by their exact bytes, and
    only new ones are parsed. What is remembered is a pure function's result: the same bytes, the
    same meaning. It saves 20 of 25 µs a request. One parser may serve all connections of a client,
    never those of different ones: how long an answer takes would tell what others have sent.
    """

    __slots__ = ("_known", "_max_fields", "_repeated")

    def __init__(self, max_fields: int) -> None:
        self._max_fields = max_fields
        self._known: dict[bytes, RequestFields] = {}
        self._repeated: dict[bytes, RequestHead] = {}

    def parse(self, head: bytes) -> RequestHead:
        """Return the request of exactly one head, blank line included.

        Raises:
            ProtocolError: 400, 405, 431, 501 or 505; the connection is then closed.
        """
        request = self._repeated.get(head)
        if request is None:
            request = self._parse(head)
            if len(head) <= _MAX_KNOWN_BYTES:
                if len(self._repeated) >= _MAX_KNOWN:
                    self._repeated.clear()
                self._repeated[head] = request
        return request

    def _parse(self, head: bytes) -> RequestHead:
        start = head.find(b" HTTP/1.") + 1
        section = self._known.get(head[start:])
        if section is not None:
            match = grammar.match_plain_request(head, start)
            if match is not None:
                return RequestHead(match[1], match[2], section)
        # First of all, as ``head_end`` does it: the answer must not depend on how bytes arrive.
        if not grammar.is_well_formed_head(head):
            raise bad_request("a line of the head is malformed, folded, or holds a control byte")
        method, target, minor = _request_line(head)
        fields, own = _split_fields(_field_lines(head, target), CONNECTION_FIELDS, self._max_fields)
        is_origin_form = target.startswith(b"/")
        target, host = _effective_request(method, target, own.get(b"host", []), minor)
        section = _request_fields(minor, host, fields, own)
        if is_origin_form and len(head) <= _MAX_KNOWN_BYTES:
            if len(self._known) >= _MAX_KNOWN:
                self._known.clear()
            self._known[head[start:]] = section
        return RequestHead(method, target, section)


def _field_lines(head: bytes, target: bytes) -> list[tuple[bytes, bytes]]:
    """Return name and value of each field line as llhttp reads them.

    Each head meets a new parser (1 µs): an old one waits for content, or has a mind of its own
    about whether the connection goes on (it heeds ``Proxy-Connection``).
    """
    collector = _Collector()
    _feed(HttpRequestParser(collector).feed_data, head)
    if collector.url != target:
        raise bad_request("the request target can be read in two ways")
    return collector.lines


def _request_fields(
    minor: int, host: bytes, fields: list[Field], own: dict[bytes, list[bytes]]
) -> RequestFields:
    if sum(lower == b"authorization" for lower, _, _ in fields) > 1:
        # One app takes the first, another the last: which user it is must not be anybody's choice.
        raise bad_request("Authorization must be sent at most once")
    framing, length = request_framing(own, minor)
    nominated = _nominated(own)
    expectations = [value.lower() for value in own.get(b"expect", ())]
    return RequestFields(
        minor=minor,
        host=host,
        fields=fields,
        framing=framing,
        length=length,
        keep_alive=b"close" not in nominated and (minor == 1 or b"keep-alive" in nominated),
        expects_continue=minor == 1
        and framing is not NO_CONTENT
        and b"100-continue" in expectations,
        upgrade=request_upgrade(own, nominated, minor, framing),
        nominated=nominated,
        user_agent=_first(fields, b"user-agent"),
        referer=_first(fields, b"referer"),
    )


def _first(fields: list[Field], wanted: bytes) -> bytes | None:
    return next((value for lower, _, value in fields if lower == wanted), None)


def _request_line(head: bytes) -> tuple[bytes, bytes, int]:
    """Split ``method SP request-target SP HTTP-version`` (RFC 9112, section 3)."""
    line = head[: head.index(b"\r\n")]
    parts = line.split(b" ")
    if len(parts) != _REQUEST_LINE_PARTS or not grammar.is_token(parts[0]) or not parts[1]:
        raise bad_request("the request line is not «method target version»")
    method, target, version = parts
    minor = _VERSIONS.get(version)
    if minor is None:
        if version.startswith(b"HTTP/"):
            raise ProtocolError(505, "version_not_supported", "only HTTP/1.1 and HTTP/1.0 here")
        raise bad_request("the request line names no HTTP version")
    if method in _REFUSED_METHODS:
        raise ProtocolError(405, "method_not_allowed", f"{method.decode()} is not served here")
    if method not in _KNOWN_METHODS:
        raise ProtocolError(501, "not_implemented", "this method is not known here")
    return method, target, minor


def _effective_request(
    method: bytes, target: bytes, hosts: list[bytes], minor: int
) -> tuple[bytes, bytes]:
    """Return target in origin-form and authority (RFC 9112, sections 3.2 and 3.3).

    Host must be there exactly once on HTTP/1.1; nginx lets the authority of an absolute-form
    target win over a different Host, which is a second reading: refused here.
    """
    if len(hosts) != 1 and (hosts or minor == 1):
        raise bad_request("Host must be sent exactly once")
    host = hosts[0].lower() if hosts else b""
    if hosts and not grammar.is_valid_host(host):
        raise bad_request("Host is not a host name or address with an optional port")
    if not target.startswith(b"/") and (target != b"*" or method != b"OPTIONS"):
        target, authority = _from_absolute_form(target)
        if hosts and authority != host:
            raise bad_request("Host and the target's authority differ")
        host = authority
    if b"#" in target:
        raise bad_request("the request target has a fragment")
    return target, host


def _from_absolute_form(target: bytes) -> tuple[bytes, bytes]:
    scheme, mark, rest = target.partition(b"://")
    if not mark or scheme.lower() not in (b"http", b"https"):
        raise bad_request("the request target is neither a path nor an http(s) URI")
    cut = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
    authority, path = rest[:cut].lower(), rest[cut:]
    if not grammar.is_valid_host(authority):
        raise bad_request("the target's authority is not a host with an optional port")
    return (path if path.startswith(b"/") else b"/" + path), authority


class ResponseParser:
    """Reads the response heads of one upstream connection; remembers the last few, as above."""

    __slots__ = ("_known", "_max_fields")

    def __init__(self, max_fields: int) -> None:
        self._max_fields = max_fields
        self._known: dict[bytes, ResponseHead] = {}

    def parse(self, head: bytes, method: bytes) -> ResponseHead:
        """Return the response of exactly one head.

        Args:
            head: the bytes up to and including the blank line.
            method: of the request that is answered; it decides whether content follows.

        Raises:
            ProtocolError: whatever is not exactly one well-formed HTTP/1.x response head. The
                caller answers 502: nginx 1.22 hands garbage to the client as HTTP/0.9.
        """
        if method == b"HEAD":  # the same bytes mean something else
            return _parse_response(head, method, self._max_fields)
        known = self._known.get(head)
        if known is None:
            known = _parse_response(head, method, self._max_fields)
            if len(head) <= _MAX_KNOWN_BYTES:
                if len(self._known) >= _MAX_KNOWN:
                    self._known.clear()
                self._known[head] = known
        return known


def _parse_response(head: bytes, method: bytes, max_fields: int) -> ResponseHead:
    if not grammar.is_well_formed_head(head):
        raise bad_request("a line of the response head is malformed")
    version = _VERSIONS.get(head[:8])
    if version is None or head[8:9] != b" ":
        raise bad_request("the status line does not begin with HTTP/1.x")
    collector = _Collector()
    parser = HttpResponseParser(collector)
    _feed(parser.feed_data, head)
    status = parser.get_status_code()
    if status < _FIRST_STATUS:
        raise bad_request("the status code is below 100")
    fields, own = _split_fields(collector.lines, _RESPONSE_OWN_FIELDS, max_fields)
    framing, length, announced = response_framing(own, version, status, method)
    nominated = _nominated(own)
    persists = b"close" not in nominated and (version == 1 or b"keep-alive" in nominated)
    if framing is NO_CONTENT and (announced or b"transfer-encoding" in own):
        # HEAD and 304 announce content that must not follow. A faulty upstream that sends it all
        # the same would have it read as the answer to the next client's request.
        persists = persists and announced == b"0"
    if nominated:
        fields = [field for field in fields if field[0] not in nominated]
    return ResponseHead(
        status=status,
        reason=head[13 : head.index(b"\r\n")],
        fields=fields,
        framing=framing,
        length=length,
        announced=announced,
        keep_alive=persists and framing is not CLOSE,
        upgrade=b", ".join(own.get(b"upgrade", ())),
        is_dated=any(field[0] == b"date" for field in fields),
    )


# CONNECT would make a tunnel to anywhere, TRACE reflects what this proxy adds: 405, as nginx.
_REFUSED_METHODS = frozenset({b"CONNECT", b"TRACE"})
# What llhttp reads as a request method and an HTTP application may use (IANA's registry).
_KNOWN_METHODS = frozenset(
    b"""ACL BIND CHECKOUT COPY DELETE GET HEAD LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MOVE
    OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REBIND REPORT SEARCH SUBSCRIBE UNBIND
    UNLINK UNLOCK UNSUBSCRIBE NOTIFY""".split()
)
