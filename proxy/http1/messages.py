"""The two message heads as values, and the one error that a peer's bytes can cause."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Field = tuple[bytes, bytes, bytes]
"""A field line: lower-case name, name as received, value without surrounding white space."""


CONNECTION_FIELDS = frozenset(
    {
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"http2-settings",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Fields of one connection only (RFC 9110, section 7.6.1), and those that say where a request goes
and where it ends. None is ever forwarded as received. ``http2-settings`` belongs to the h2c
upgrade, ``trailer`` to trailers, which are not forwarded."""


class ProtocolError(Exception):
    """Bytes of a peer that this proxy does not accept.

    Attributes:
        status: the status code a client is answered with; what an upstream sent becomes 502.
        code: a stable word for log, counters and error page.
        reason: one short sentence for the person who debugs the peer.
    """

    def __init__(self, status: int, code: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.code = code
        self.reason = reason


def bad_request(reason: str) -> ProtocolError:
    """Return the error for a malformed or ambiguous request (RFC 9112, section 3)."""
    return ProtocolError(400, "bad_request", reason)


class Framing(Enum):
    """How the end of a message body is found (RFC 9112, section 6.3)."""

    NONE = "none"
    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"  # responses only: the body ends with the connection


# To be used instead of the members: Python 3.11 takes 0.15 µs to look one up in its enum, and a
# request needs ten of them.
NO_CONTENT, LENGTH, CHUNKED, CLOSE = Framing


@dataclass(slots=True, eq=False)
class RequestFields:
    """What the version and the field section of a request say; the same for many requests.

    Attributes:
        minor: 1 for HTTP/1.1, 0 for HTTP/1.0.
        host: the authority, lower-case; empty on 1.0 without.
        fields: the end-to-end fields; framing, Host and hop-by-hop fields are not among them.
        framing: NONE, LENGTH or CHUNKED.
        length: the content length in bytes; 0 unless framing is LENGTH.
        keep_alive: the client lets the connection persist.
        expects_continue: it waits for ``100 Continue`` before it sends the content.
        upgrade: the protocols it asks to switch to; empty when it asks for none.
        nominated: names in ``Connection`` that may be dropped (RFC 9110, section 7.6.1).
        user_agent, referer: the first values of these fields, for the log; None when absent.
        forwarded: room for the lines that are forwarded, made once by whoever forwards.
    """

    minor: int
    host: bytes
    fields: list[Field]
    framing: Framing
    length: int
    keep_alive: bool
    expects_continue: bool
    upgrade: bytes
    nominated: frozenset[bytes]
    user_agent: bytes | None = None
    referer: bytes | None = None
    forwarded: bytes = b""


class RequestHead:
    """A request head that has exactly one reading.

    Attributes:
        method: as sent, a token that llhttp knows.
        target: the request target in origin-form (or ``*``), without scheme and authority.
        section: everything else.
        routed: room for where the target leads, made once by whoever routes.
    """

    __slots__ = ("method", "routed", "section", "target")

    def __init__(self, method: bytes, target: bytes, section: RequestFields) -> None:
        self.method = method
        self.target = target
        self.section = section
        self.routed: object = None


@dataclass(slots=True, eq=False)
class ResponseHead:
    """A response head that has exactly one reading.

    Attributes:
        status: 100 to 999.
        reason: the reason phrase as sent, possibly empty.
        fields: the end-to-end fields; framing and hop-by-hop fields are not among them.
        framing: of the content that follows, given the request's method.
        length: the content length in bytes; 0 unless framing is LENGTH.
        announced: the Content-Length of a response without content (HEAD, 304), else None.
        keep_alive: the upstream connection may serve another request.
        upgrade: the protocol switched to, on 101.
        is_dated: it has a Date field.
        forwarded: room for the usual form in which it is forwarded, made once.
    """

    status: int
    reason: bytes
    fields: list[Field]
    framing: Framing
    length: int
    announced: bytes | None
    keep_alive: bool
    upgrade: bytes
    is_dated: bool
    forwarded: bytes = b""
