"""One client's bytes, cut into the heads and the content of its requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.body import Decoder, decoder_for
from proxy.http1.head import RequestParser, head_end

if TYPE_CHECKING:
    from proxy.http1.messages import RequestFields, RequestHead

_CARRIAGE_RETURN = 0x0D


class RequestReader:
    """Reads one request after the other; knows nothing of sockets and of who answers.

    Attributes:
        buffer: bytes that were not read yet: of a head, or of requests behind the one under way.
        is_new: the last look has found the first bytes of a head, and no end.
    """

    __slots__ = ("_decoder", "_parser", "_searched", "buffer", "is_new")

    def __init__(self, parser: RequestParser) -> None:
        self._parser = parser
        self._decoder: Decoder | None = None
        self._searched = 0  # so many bytes do not end a head
        self.buffer = b""
        self.is_new = False

    def read_head(self, max_head: int) -> RequestHead | None:
        """Return the next request; None while its head is incomplete.

        Args:
            max_head: most bytes of a head.

        Raises:
            ProtocolError: this is no request.
        """
        buffer, searched = self.buffer, self._searched
        if buffer[0] <= _CARRIAGE_RETURN and not searched:  # RFC 9112, section 2.2
            buffer = self.buffer = buffer.lstrip(b"\r\n")
            if not buffer:
                self.is_new = False
                return None
        end = head_end(buffer, searched, max_head)
        if end < 0:
            self.is_new = not searched
            self._searched = len(buffer)
            return None
        request = self._parser.parse(buffer[:end])
        self.buffer = buffer[end:]
        if searched:
            self._searched = 0
        return request

    def put_back(self, request: RequestHead) -> None:
        """Put a request's first line back, for the log of what went wrong."""
        line = b"%b %b HTTP/1.%d\r\n" % (request.method, request.target, request.section.minor)
        self.buffer = line + self.buffer

    def begin_content(self, section: RequestFields) -> bytes:
        """Return what has come of a request's content, to be given to ``read_content``."""
        rest, self.buffer = self.buffer, b""
        self._decoder = decoder_for(section.framing, section.length)
        return rest

    def read_content(self, data: bytes) -> tuple[bytes, bool]:
        """Return the content in these bytes, and whether it has ended.

        Raises:
            ProtocolError: this is no content.
        """
        assert self._decoder is not None  # noqa: S101 -- for the type checker
        content, rest = self._decoder.feed(data)
        if rest is None:
            return content, False
        self._decoder = None
        self.buffer = rest
        return content, True
