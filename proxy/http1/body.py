"""Content, cut out of the bytes that follow a head (RFC 9112, sections 6 and 7).

The chunked coding is read here and not by llhttp, because httptools does not tell at which byte a
message ended: on a connection with pipelined requests, or one that goes back to a pool, that byte
is the border between two people's messages. The grammar is the strict one: CRLF only, no blank
before or after the size (h11 before 0.16 and nginx before 1.29.4 took less), and what may be
ignored, extensions and trailer fields, is bounded, because it costs without delivering.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Protocol

from proxy.http1.grammar import is_token
from proxy.http1.messages import CHUNKED, CLOSE, Framing, bad_request

_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_TRAILER_LINE = re.compile(rb"([^:]+):[^\x00-\x08\x0a-\x1f\x7f]*")
_MAX_LINE = 1024
_MAX_TRAILERS = 8192
LAST_CHUNK = b"0\r\n\r\n"


class Decoder(Protocol):
    """Cuts content out of a stream of bytes."""

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Return the content in these bytes and, once the message ended, what follows it.

        Raises:
            ProtocolError: 400 when the bytes are not a message body.
        """


class LengthDecoder:
    """Content of a known length."""

    __slots__ = ("remaining",)

    def __init__(self, length: int) -> None:
        self.remaining = length

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """See ``Decoder.feed``."""
        remaining = self.remaining - len(data)
        if remaining > 0:
            self.remaining = remaining
            return data, None
        content, rest = (data, b"") if remaining == 0 else (data[:remaining], data[remaining:])
        self.remaining = 0
        return content, rest


class CloseDecoder:
    """Content that ends with the connection."""

    __slots__ = ()

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """See ``Decoder.feed``."""
        return data, None


class _Expect(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()


class ChunkedDecoder:
    """Content in the chunked transfer coding; extensions and trailer fields are dropped."""

    __slots__ = ("_expect", "_held", "_remaining", "_trailer_budget")

    def __init__(self) -> None:
        self._expect = _Expect.SIZE
        self._held = b""  # an incomplete line, at most _MAX_LINE long
        self._remaining = 0
        self._trailer_budget = _MAX_TRAILERS

    def feed(self, data: bytes) -> tuple[bytes, bytes | None]:
        """See ``Decoder.feed``."""
        if self._held:
            data, self._held = self._held + data, b""
        content: list[bytes] = []
        at = 0
        while True:
            if self._expect is _Expect.DATA:
                piece = data[at : at + self._remaining]
                content.append(piece)
                at += len(piece)
                self._remaining -= len(piece)
                if self._remaining:
                    return b"".join(content), None
                self._expect = _Expect.DATA_END
            end = self._line_end(data, at)
            if end < 0:
                self._held = data[at:]
                return b"".join(content), None
            if self._take_line(data[at:end]):
                return b"".join(content), data[end + 2 :]
            at = end + 2

    def _line_end(self, data: bytes, at: int) -> int:
        """Find the CRLF of the line at this place; -1 while it can still come."""
        limit = 0 if self._expect is _Expect.DATA_END else _MAX_LINE
        end = data.find(b"\r\n", at, at + limit + 2)
        if end < 0:
            start = data[at : at + limit + 2]
            if len(start) == limit + 2 or b"\n" in start or b"\r" in start[:-1]:
                raise bad_request("a chunk or its size line does not end where it must")
            if limit == 0 and start not in (b"", b"\r"):
                raise bad_request("a chunk is longer than its size")
        return end

    def _take_line(self, line: bytes) -> bool:
        """Take one complete line; True when it was the message's last."""
        if self._expect is _Expect.SIZE:
            match = _CHUNK_LINE.fullmatch(line)
            if match is None:
                raise bad_request("a chunk size is not a plain hexadecimal number")
            self._remaining = int(match.group(1), 16)
            self._expect = _Expect.DATA if self._remaining else _Expect.TRAILER
            return False
        if self._expect is _Expect.DATA_END:
            self._expect = _Expect.SIZE
            return False
        if not line:
            return True
        self._check_trailer(line)
        return False

    def _check_trailer(self, line: bytes) -> None:
        self._trailer_budget -= len(line) + 2
        match = _TRAILER_LINE.fullmatch(line)
        if self._trailer_budget < 0 or match is None or not is_token(match.group(1)):
            raise bad_request("the trailer section is malformed or too long")


def decoder_for(framing: Framing, length: int) -> Decoder:
    """Return the decoder for content of this framing; for NONE one that ends at once."""
    if framing is CHUNKED:
        return ChunkedDecoder()
    if framing is CLOSE:
        return CloseDecoder()
    return LengthDecoder(length)


def encode_chunk(data: bytes) -> bytes:
    """Return non-empty content as one chunk (RFC 9112, section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)
