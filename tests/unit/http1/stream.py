"""The parsers and decoders, driven as a connection drives them, without the connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from proxy.http1.body import Decoder, decoder_for
from proxy.http1.head import RequestParser, ResponseParser, head_end
from proxy.http1.messages import ProtocolError, RequestFields, RequestHead, ResponseHead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LIMIT = 4096
MAX_FIELDS = 50


@dataclass
class Message:
    """One message as far as it came."""

    head: RequestHead | ResponseHead
    content: bytes = b""
    is_complete: bool = False

    @property
    def facts(self) -> RequestFields | ResponseHead:
        """Where framing and persistence stand."""
        return self.head.section if isinstance(self.head, RequestHead) else self.head

    def described(self) -> dict[str, Any]:
        """Everything about it as plain values."""
        return described(self.head) | {"content": self.content, "is_complete": self.is_complete}


def described(head: RequestHead | ResponseHead) -> dict[str, Any]:
    """Everything that a head says, as plain values that can be compared."""
    if isinstance(head, ResponseHead):
        return {
            "status": head.status,
            "reason": head.reason,
            "fields": list(head.fields),
            "framing": head.framing.value,
            "length": head.length,
            "announced": head.announced,
            "keep_alive": head.keep_alive,
            "upgrade": head.upgrade,
        }
    section = head.section
    return {
        "method": head.method,
        "target": head.target,
        "version": f"1.{section.minor}",
        "host": section.host,
        "fields": list(section.fields),
        "framing": section.framing.value,
        "length": section.length,
        "keep_alive": section.keep_alive,
        "expects_continue": section.expects_continue,
        "upgrade": section.upgrade,
        "nominated": section.nominated,
        "user_agent": section.user_agent,
        "referer": section.referer,
    }


class Stream:
    """Messages one after the other, until one ends the connection."""

    def __init__(self, parse: Callable[[bytes], RequestHead | ResponseHead], limit: int) -> None:
        self._parse = parse
        self._limit = limit
        self._buffer = b""
        self._searched = 0
        self._decoder: Decoder | None = None
        self.messages: list[Message] = []
        self.error: ProtocolError | None = None
        self.is_closed = False

    def feed(self, data: bytes) -> None:
        """Take bytes; nothing happens once the connection is closed."""
        if self.is_closed:
            return
        try:
            self._take(data)
        except ProtocolError as error:
            self.error, self.is_closed = error, True

    @property
    def held(self) -> int:
        """How many bytes are kept that are neither a message nor content."""
        return len(self._buffer) + len(getattr(self._decoder, "_held", b""))

    @property
    def waits(self) -> bool:
        """The beginning of a message is there."""
        unfinished = self.messages and not self.messages[-1].is_complete
        return not self.is_closed and bool(self._buffer or unfinished)

    def outcome(self) -> tuple[object, ...]:
        """Return what must not depend on how the bytes were cut."""
        messages = [message.described() for message in self.messages]
        if self.error is None:
            return messages, None, self.is_closed, self.waits
        if messages and not messages[-1]["is_complete"]:
            del messages[-1]["content"]  # how much was passed on before the fault was seen
        return messages, (self.error.status, self.error.code), True, False

    def _take(self, data: bytes) -> None:
        while not self.is_closed:
            if self._decoder is None:
                data, self._buffer = self._buffer + data, b""
                rest = self._head(data)
            else:
                rest = self._content(data)
            if rest is None:
                return
            data = rest

    def _head(self, data: bytes) -> bytes | None:
        data = self._trimmed(data)
        end = head_end(data, self._searched, self._limit)
        if end < 0:
            self._buffer, self._searched = data, len(data)
            return None
        self._searched = 0
        message = Message(self._parse(data[:end]))
        self.messages.append(message)
        self._decoder = decoder_for(message.facts.framing, message.facts.length)
        return data[end:]

    def _trimmed(self, data: bytes) -> bytes:
        return data

    def _content(self, data: bytes) -> bytes | None:
        assert self._decoder is not None
        message = self.messages[-1]
        content, rest = self._decoder.feed(data)
        message.content += content
        if rest is not None:
            message.is_complete = True
            self._decoder = None
            self.is_closed = not message.facts.keep_alive
        return rest


class RequestStream(Stream):
    """What one client sends."""

    def __init__(self, limit: int = LIMIT, max_fields: int = MAX_FIELDS) -> None:
        super().__init__(RequestParser(max_fields).parse, limit)

    def _trimmed(self, data: bytes) -> bytes:
        return data if self._searched else data.lstrip(b"\r\n")


class ResponseStream(Stream):
    """What one upstream answers to requests of one method; an interim response needs no answer."""

    def __init__(self, method: bytes = b"GET", limit: int = LIMIT) -> None:
        parser = ResponseParser(MAX_FIELDS)
        super().__init__(lambda head: parser.parse(head, method), limit)


def read(stream: Stream, pieces: Iterable[bytes]) -> Stream:
    """Feed all pieces and return the stream."""
    for piece in pieces:
        stream.feed(piece)
    return stream


def one_by_one(data: bytes) -> list[bytes]:
    """Cut into single bytes."""
    return [data[at : at + 1] for at in range(len(data))]
