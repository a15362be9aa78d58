"""What h11 reads in bytes that somebody sent: a parser of other people, for a second opinion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import h11

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_LIMIT = 1 << 20
# With an upgrade, so that h11 knows what a 101 answers.
_ASKED = [("Host", "a"), ("Connection", "upgrade"), ("Upgrade", "x")]
_SWITCHING = 101
# How h11 says that the connection ended inside a message, or after nothing but interim responses.
_ENDED_EARLY = ("peer ", "can't handle event type ConnectionClosed")
Lines = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One complete message.

    Attributes:
        start: method and target, or the status.
        fields: the field lines, names in lower case.
        content: without its framing.
        trailers: the field lines after the last chunk.
    """

    start: tuple[bytes, ...]
    fields: Lines
    content: bytes = b""
    trailers: Lines = ()

    def field(self, name: bytes) -> bytes:
        """Return the values of this name, joined."""
        return b", ".join(value for key, value in self.fields if key == name)


@dataclass(frozen=True, slots=True)
class Reading:
    """All messages of one connection, in order.

    Attributes:
        messages: the complete ones.
        fault: why h11 refuses what follows; empty when it does not.
        is_cut: the beginning of another message is there.
    """

    messages: tuple[Message, ...] = ()
    fault: str = ""
    is_cut: bool = False


def read_requests(raw: bytes) -> Reading:
    """Read what came in at an app, up to the end of the connection."""
    found: list[Message] = []
    while raw:
        parser = h11.Connection(h11.SERVER, max_incomplete_event_size=_NO_LIMIT)
        parser.receive_data(raw)
        try:
            message = _next(parser)
        except h11.RemoteProtocolError as error:
            return Reading(tuple(found), fault=str(error))
        if message is None:
            return Reading(tuple(found), is_cut=True)
        found.append(message)
        raw = parser.trailing_data[0]
    return Reading(tuple(found))


def read_responses(raw: bytes, methods: Sequence[bytes], *, ended: bool = True) -> Reading:
    """Read what came in at a client.

    Args:
        raw: the bytes.
        methods: of the requests that were asked, in order; GET for those beyond.
        ended: the connection ended after these bytes.
    """
    found: list[Message] = []
    finals = 0
    while raw:
        parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_NO_LIMIT)
        method = methods[finals] if finals < len(methods) else b"GET"
        parser.send(h11.Request(method=method, target="/", headers=_ASKED))
        parser.send(h11.EndOfMessage())
        parser.receive_data(raw)
        if ended:
            parser.receive_data(b"")
        try:
            message = _next(parser)
        except h11.RemoteProtocolError as error:
            # A message that the end of the connection cuts is reported the same way.
            is_cut = str(error).startswith(_ENDED_EARLY)
            return Reading(tuple(found), fault="" if is_cut else str(error), is_cut=is_cut)
        if message is None:
            return Reading(tuple(found), is_cut=True)
        found.append(message)
        finals += 1
        if message.start == (b"101",):
            break
        raw = parser.trailing_data[0]
    return Reading(tuple(found))


def _next(parser: h11.Connection) -> Message | None:
    """Return the next final message; None when it is not all there."""
    start: tuple[bytes, ...] = ()
    fields: Lines = ()
    content = b""
    while True:
        match parser.next_event():
            case h11.Request() as head:
                start, fields = (head.method, head.target), tuple(head.headers)
            case h11.Response() as head:
                start, fields = (b"%d" % head.status_code,), tuple(head.headers)
            case h11.Data() as data:
                content += data.data
            case h11.EndOfMessage() as end:
                return Message(start, fields, content, tuple(end.headers))
            case h11.InformationalResponse() as head if head.status_code == _SWITCHING:
                return Message((b"101",), tuple(head.headers))
            case h11.InformationalResponse():
                pass
            case _:
                return None
