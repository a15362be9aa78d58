"""One connection to an upstream server: requests go out, exactly their responses come back.

Whatever an upstream does wrong ends here as an ``UpstreamFailure``; what came after a response
ended never reaches anyone (the connection is closed instead of pooled).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
from typing import TYPE_CHECKING, cast

from proxy.http1.messages import NO_CONTENT, ProtocolError
from proxy.server.response_reader import ResponseReader
from proxy.server.upstream_failure import UpstreamFailure, bad_response, tls_failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.server.pool import Pool
    from proxy.server.upstream_handlers import RawHandler, ResponseHandler

_NEVER = float("inf")
_SWITCHING_PROTOCOLS, _FIRST_FINAL = 101, 200
_WRITE_HIGH, _WRITE_LOW = 256 * 1024, 64 * 1024
# What is read of a connection that was reset: enough for the page that says why.
_LAST_READ, _LAST_READS = 64 * 1024, 4
_RESET = struct.pack("ii", 1, 0)  # linger, for no time (socket(7))


class UpstreamConnection(asyncio.Protocol):
    """Keep-alive HTTP/1.1 with one server; serves one exchange at a time."""

    __slots__ = (
        "_handler",
        "_is_bare",
        "_is_reading",
        "_keeps_alive",
        "_pool",
        "_raw",
        "_reader",
        "_retires_at",
        "_socket",
        "is_lost",
        "patience",
        "read_deadline",
        "rested_at",
        "served",
        "write_deadline",
    )

    def __init__(self, pool: Pool) -> None:
        # For as long as the connection
        self._pool = pool
        self._socket: asyncio.Transport
        self._is_reading = True
        self._reader = ResponseReader(pool.max_fields)
        self._raw: RawHandler | None = None
        self._retires_at = pool.state.tick + pool.max_age
        self.is_lost = False
        self.served = 0
        # For one response
        self._handler: ResponseHandler | None = None
        self._keeps_alive = False
        self._is_bare = False
        self.rested_at = 0.0
        self.patience = _NEVER
        self.read_deadline = _NEVER
        self.write_deadline = _NEVER

    @property
    def address(self) -> str:
        """Of the server at the other end: ``host:port`` or ``unix:/path``."""
        return self._pool.address

    @property
    def unsent(self) -> int:
        """How many bytes the socket has not taken yet."""
        return self._socket.get_write_buffer_size()

    def be_patient(self, seconds: float) -> None:
        """Wait longer for the next byte of this response (event streams)."""
        self.patience = seconds
        self.read_deadline = self._pool.state.tick + seconds

    # From the exchange

    def send_request(self, handler: ResponseHandler, data: bytes, patience: float) -> None:
        """Begin an exchange with the request head and the content there is so far.

        Args:
            handler: takes the response.
            data: bytes to send.
            patience: the longest wait for the next byte of the response, in seconds.
        """
        self._handler = handler
        self.patience = patience
        self.read_deadline = self._pool.state.tick + patience if handler.is_request_sent else _NEVER
        self._socket.write(data)

    def write(self, data: bytes) -> None:
        """Send more."""
        self._socket.write(data)

    def expect_response(self) -> None:
        """The request is complete: from now on it is the upstream that others wait for.

        As long as the request goes on, a slow client is not the upstream's fault, and one that
        sends nothing has a deadline of its own (nginx's ``proxy_read_timeout`` begins here, too).
        """
        if self._is_reading:
            self.read_deadline = self._pool.state.tick + self.patience

    def write_raw(self, data: bytes) -> None:
        """Send bytes of a tunnel."""
        if not self.is_lost:
            self._socket.write(data)

    def write_end(self) -> None:
        """Close the sending side of a tunnel; over TLS that is both, asyncio has no other."""
        if self.is_lost:
            return
        if self._socket.can_write_eof():
            self._socket.write_eof()
        else:
            self._socket.close()

    def hand_over(self, handler: RawHandler) -> None:
        """Give all further bytes to a tunnel, which also watches the time."""
        self._raw = handler
        self.read_deadline = self.write_deadline = _NEVER

    def close(self) -> None:
        """Close in order, after everything that was written has been sent."""
        self._handler = self._raw = None
        self.is_lost = True
        self._pool.remove(self)
        self._socket.close()

    def abandon(self) -> None:
        """Close at once; what was under way ends with a reset.

        ``abort`` of both event loops sends a FIN. The app of a tunnel would take it for the orderly
        end of what the client said, and another app for leave to finish its work.
        """
        if not self.is_lost and (self._handler is not None or self._raw is not None):
            self._make_the_end_a_reset()
        self._handler = self._raw = None
        self.is_lost = True
        self._pool.remove(self)
        self._socket.abort()

    def _make_the_end_a_reset(self) -> None:
        own = self._socket.get_extra_info("socket")
        if own is not None:  # as over TLS, when the connection broke a moment ago
            with contextlib.suppress(OSError):
                own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    def pause_reading(self) -> None:
        """Take no more from the socket; it is not the upstream's fault, so no deadline runs."""
        if self._is_reading and not self.is_lost:
            self._is_reading = False
            self._socket.pause_reading()
            self.read_deadline = _NEVER

    def resume_reading(self) -> None:
        """Read again."""
        if not self._is_reading and not self.is_lost:
            self._is_reading = True
            self._socket.resume_reading()
            if self._handler is not None and self._handler.is_request_sent and self._raw is None:
                self.expect_response()

    # From the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._socket = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._socket.set_write_buffer_limits(high=_WRITE_HIGH, low=_WRITE_LOW)

    def data_received(self, data: bytes) -> None:
        """Read the response."""
        handler = self._handler
        if handler is None:
            self.abandon()  # nobody asked: these bytes belong to no client
            return
        try:
            if self._raw is not None:
                self._raw.upstream_data(data)
                return
            if handler.is_request_sent:
                self.read_deadline = self._pool.state.tick + self.patience
            if self._reader.decoder is None:
                self._read_head(handler, data)
            else:
                content, rest = self._reader.read_content(data)
                if rest is not None:
                    self._release(handler, rest)
                if content or rest is not None:
                    handler.upstream_content(content, ended=rest is not None)
        except ProtocolError as error:
            self._guarded(self._fail, handler, bad_response(error.reason))
        except Exception:  # noqa: BLE001 -- whatever it is, nobody waits
            self._collapse(handler)

    def eof_received(self) -> bool:
        """The upstream closed its sending side."""
        self._guarded(self._end)
        return self._raw is not None and self._socket.can_write_eof()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone, with or without a reason."""
        self._guarded(self._lose, exc)

    def pause_writing(self) -> None:
        """The socket's buffer is full."""
        self._guarded(self._pause)

    def resume_writing(self) -> None:
        """The socket's buffer has room."""
        self._guarded(self._resume)

    # From the sweeper

    def on_deadline(self) -> None:
        """The upstream takes too long, or was idle in the pool for long enough."""
        self._guarded(self._time_out)

    # Errors of certgate itself

    def _guarded(self, step: Callable[..., None], *arguments: object) -> None:
        """Take a step of the event loop's: nobody but us can tell the client that it failed."""
        handler = self._handler
        try:
            step(*arguments)
        except Exception:
            if handler is None:
                raise
            self._collapse(handler)

    def _collapse(self, handler: ResponseHandler) -> None:
        """Let the client know, and nobody have this connection; it may be in the pool by now."""
        handler.collapse()
        self.abandon()

    # What may go wrong

    def _end(self) -> None:
        handler = self._handler
        if self._raw is not None:
            self._raw.upstream_ended()
        elif handler is None:
            self.close()  # at once: until connection_lost comes, somebody could take it
        elif self._reader.ends_with_the_connection:
            self._release(handler, b"")
            handler.upstream_content(b"", ended=True)

    def _lose(self, exc: Exception | None) -> None:
        is_asked = self._handler is not None and self._raw is None
        if exc is not None and is_asked and not self._pool.is_tls:
            self._read_last_words()
        if self._raw is not None:
            self.is_lost = True
            self._pool.remove(self)
            self._raw.upstream_lost()
            return
        if isinstance(exc, ssl.SSLError):  # TLS 1.3: it refuses our certificate after the handshake
            self._fail(self._handler, tls_failure(self.address, exc))
            return
        reader = self._reader
        how = "reset the connection" if exc is not None else "closed the connection"
        done = "the response was complete" if reader.decoder is not None else "it answered"
        reason = f"the upstream {how} before {done}"
        self._fail(
            self._handler,
            UpstreamFailure(
                502,
                "upstream_bad_response",
                reason,
                "" if reader.interims else "error",  # the client has these already
                is_stale=reader.is_untouched,
            ),
        )

    def _read_last_words(self) -> None:
        """Read what came before a reset: an upstream that refuses an upload answers and closes.

        Our next write then fails, and the event loop gives the socket up without reading what lies
        in the kernel. Until this callback returns it is still open. Never with TLS: whoever is in
        between could put a response of their own there, and a reset behind it.
        """
        self.is_lost = True  # or a complete response would bring it back to the pool
        own = self._socket.get_extra_info("socket")
        with contextlib.suppress(OSError):
            for _ in range(_LAST_READS):
                data = os.read(own.fileno(), _LAST_READ)
                if not data or self._handler is None:
                    return
                self.data_received(data)

    def _pause(self) -> None:
        if self._raw is None:
            self.write_deadline = self._pool.state.tick + self.patience
        target = self._raw or self._handler
        if target is not None:
            target.upstream_paused()

    def _resume(self) -> None:
        self.write_deadline = _NEVER
        target = self._raw or self._handler
        if target is not None:
            target.upstream_resumed()

    def _time_out(self) -> None:
        self._fail(
            self._handler,
            UpstreamFailure(
                504,
                "upstream_timeout",
                f"no byte came for {self.patience:g} seconds",
                "" if self._reader.interims else "timeout",
            ),
        )

    # The response

    def _read_head(self, handler: ResponseHandler, data: bytes) -> None:
        max_head = self._pool.max_head
        found = self._reader.read_head(data, handler.method, max_head)
        while found is not None:
            head, content, rest = found
            if head.status >= _FIRST_FINAL:
                self._keeps_alive = head.keep_alive
                self._is_bare = head.framing is NO_CONTENT and head.announced is None
                if rest is not None:
                    self._release(handler, rest)
                handler.upstream_response(head, content, ended=rest is not None)
                return
            if head.status == _SWITCHING_PROTOCOLS:
                handler.upstream_switched(head, content)
                return
            handler.upstream_interim(head)
            if self._handler is not handler:
                return
            found = self._reader.read_head(b"", handler.method, max_head)

    def _release(self, handler: ResponseHandler, rest: bytes) -> None:
        """The response is complete: back to the pool, or closed if anything is out of order."""
        self._handler = None
        self.served += 1
        # A paused socket still holds some of the request, and would not pause for the next one.
        is_unsent = not handler.is_request_sent or self.write_deadline != _NEVER
        if rest or is_unsent or self.is_lost:
            self.abandon()
        elif self._keeps_alive and self._pool.state.tick < self._retires_at:
            if not self._is_reading:
                self.resume_reading()
            if self._is_bare:
                self._pool.rest(self)
            else:
                self._pool.give(self)
        else:
            self.close()

    def _fail(self, handler: ResponseHandler | None, failure: UpstreamFailure) -> None:
        self.abandon()
        if handler is not None:
            handler.upstream_failed(failure)
