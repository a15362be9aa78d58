"""One upstream connection's bytes, cut into the heads and the content of its responses."""

from __future__ import annotations

from proxy.http1.body import CloseDecoder, Decoder, decoder_for
from proxy.http1.head import ResponseParser, head_end
from proxy.http1.messages import LENGTH, NO_CONTENT, ProtocolError, ResponseHead

_SWITCHING_PROTOCOLS, _FIRST_FINAL = 101, 200
_KNOWN_LENGTH = (LENGTH, NO_CONTENT)
# A server has at most a few things to say beforehand; more is a flood (RFC 9110, section 15.2).
_MAX_INTERIM_RESPONSES = 16

Response = tuple[ResponseHead, bytes, bytes | None]
"""A head, the content that came with it, and what follows the response once that has ended."""


class ResponseReader:
    """Reads one response after the other; knows nothing of sockets and of who asked.

    Attributes:
        decoder: of content that is still to come; None before, and between responses.
        interims: how many 1xx responses came, while the final one has not.
    """

    __slots__ = ("_buffer", "_parser", "_searched", "decoder", "interims")

    def __init__(self, max_fields: int) -> None:
        self._parser = ResponseParser(max_fields)
        self._buffer = b""
        self._searched = 0
        self.decoder: Decoder | None = None
        self.interims = 0

    @property
    def is_untouched(self) -> bool:
        """No byte of a response has come."""
        return self.decoder is None and not self._buffer and not self.interims

    @property
    def ends_with_the_connection(self) -> bool:
        """The content that is being read ends when the server closes."""
        return isinstance(self.decoder, CloseDecoder)

    def read_head(self, data: bytes, method: bytes, max_head: int) -> Response | None:
        """Read the next head.

        Args:
            data: bytes that came; none to look for another head in what is there.
            method: of the request.
            max_head: most bytes of a head.

        Returns:
            An interim response comes without content. With 101 the content is what there is of
            the new protocol. None when more bytes are needed.

        Raises:
            ProtocolError: this is no response.
        """
        buffer = self._buffer + data if self._buffer else data
        end = head_end(buffer, self._searched, max_head)
        if end < 0:
            self._buffer, self._searched = buffer, len(buffer)
            return None
        head = self._parser.parse(buffer[:end], method)
        buffer = buffer[end:]
        if head.status < _FIRST_FINAL:
            return self._interim(head, buffer)
        if self._buffer:
            self._buffer, self._searched = b"", 0
        if self.interims:
            self.interims = 0
        if len(buffer) == head.length and head.framing in _KNOWN_LENGTH:
            return head, buffer, b""  # all of it came at once, as most responses do
        decoder = decoder_for(head.framing, head.length)
        content, rest = decoder.feed(buffer)
        if rest is None:
            self.decoder = decoder
        return head, content, rest

    def _interim(self, head: ResponseHead, rest: bytes) -> Response:
        if head.status == _SWITCHING_PROTOCOLS:
            return head, rest, None
        self.interims += 1
        if self.interims > _MAX_INTERIM_RESPONSES:
            raise ProtocolError(502, "", "more 1xx responses than make sense")
        self._buffer, self._searched = rest, 0
        return head, b"", None

    def read_content(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Return the content in these bytes and, once the response ended, what follows it.

        Raises:
            ProtocolError: this is no content.
        """
        assert self.decoder is not None  # noqa: S101 -- for the type checker
        content, rest = self.decoder.feed(data)
        if rest is not None:
            self.decoder = None
        return content, rest
