"""TLS over one accepted socket, once the handshake is done.

Nothing here waits: a call from the event loop goes through to the connection above before it
returns.
"""

from __future__ import annotations

import asyncio
import fcntl
import sys
import termios
from typing import TYPE_CHECKING, Protocol

from proxy.tls.failure import TLSError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from proxy.tls.connection import TLSConnection
    from proxy.tls.records import RecordBoundary

# One TLS record holds at most 16 KiB of plaintext; 29 bytes is the largest overhead of the AEAD
# suites of TLS 1.2 (5 header, 8 nonce, 16 tag), and 64 leaves room for a pending alert.
_RECORD = 16384
_RECORD_OVERHEAD = 64
# OpenSSL ends a TLS 1.3 handshake with two session tickets that nothing here can switch off. Nobody
# will resume with them, so they wait for the first response instead of costing a system call.
_MAX_TICKETS = 2048
# Back-pressure: above the high mark the upstream is no longer read, below the low mark it is.
# 256 KiB keeps one loopback download at full speed; it is also the memory one slow reader costs.
_WRITE_HIGH = 256 * 1024
_WRITE_LOW = 64 * 1024
# Back-pressure keeps what we say on our own below half of this. Above it a client makes TLS itself
# answer, and reads nothing.
_WRITE_MOST = 1024 * 1024


class PlaintextHandler(Protocol):
    """What lives above TLS."""

    def data_received(self, data: bytes) -> None:
        """Take plaintext."""

    def end_received(self, *, clean: bool) -> None:
        """Take the client's end: clean with a close_notify, else the socket's end alone."""

    def connection_lost(self) -> None:
        """The socket is gone; nothing can be written any more."""

    def pause_writing(self) -> None:
        """The client reads slower than we write."""

    def resume_writing(self) -> None:
        """The client caught up."""


class TLSTransport(asyncio.Protocol):
    """Plaintext in both directions over one TLS connection."""

    __slots__ = (
        "_boundary",
        "_ended",
        "_handler",
        "_is_end_written",
        "_socket",
        "_tls",
        "_unsent",
        "is_closing",
        "is_reading",
    )

    def __init__(
        self, socket: asyncio.Transport, tls: TLSConnection, boundary: RecordBoundary
    ) -> None:
        self._socket = socket
        self._tls = tls
        self._boundary = boundary
        self._handler: PlaintextHandler
        self.is_reading = True
        self._ended = False
        self._is_end_written = False
        self._unsent = _MAX_TICKETS  # what the handshake has left in the BIO
        self.is_closing = False

    def start(self, make_handler: Callable[[TLSTransport], PlaintextHandler]) -> None:
        """Take over the socket and hand up what arrived together with the client's Finished."""
        self._socket.set_write_buffer_limits(high=_WRITE_HIGH, low=_WRITE_LOW)
        self._handler = make_handler(self)
        self._socket.set_protocol(self)
        self._read()

    @property
    def tls_version(self) -> str:
        """E.g. ``TLSv1.3``."""
        return self._tls.version

    @property
    def cipher(self) -> str:
        """OpenSSL's name of the cipher suite."""
        return self._tls.cipher

    @property
    def unsent(self) -> int:
        """How many bytes the socket has not taken yet."""
        return self._socket.get_write_buffer_size()

    @property
    def untaken(self) -> int:
        """How many bytes the client has not acknowledged, those in the kernel's buffer included.

        The kernel's may hold megabytes and takes more in big pieces: without it a client on a slow
        line seems to stand still for minutes.
        """
        return self.unsent + _held_by_kernel(self._socket.get_extra_info("socket"))

    # From the event loop

    def data_received(self, data: bytes) -> None:
        """Decrypt what came from the socket."""
        if self._ended:
            return  # nothing after close_notify counts (RFC 8446, section 6.1)
        tls = self._tls
        tls.feed(data)
        if not self._boundary.is_one_record(data):
            self._read_and_reply()
            return
        try:
            plaintext = tls.read(len(data))  # a record's content is shorter than the record
        except TLSError:
            plaintext = None
        if plaintext:
            self._handler.data_received(plaintext)
        elif plaintext is None:
            self._read_and_reply()  # no application data in it: this says what it was
        else:
            self._end_clean()

    def eof_received(self) -> bool:
        """The client closed its sending side without (or after) a close_notify."""
        if not self._ended:
            self._ended = True
            self._handler.end_received(clean=False)
        return not self.is_closing

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        del exc  # whether it was reset or closed, the handler knows what it still owed
        self.is_closing = True
        handler = self._handler
        del self._handler  # breaks the cycle: memory is free at once, without the collector
        handler.connection_lost()

    def pause_writing(self) -> None:
        """The socket's buffer is above its high mark."""
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        """The socket's buffer is below its low mark."""
        self._handler.resume_writing()

    def _read_and_reply(self) -> None:
        """Read, and send what OpenSSL has to say to it.

        It answers a KeyUpdate with its own, a renegotiation with an alert, and a client may send
        one after the other without ever asking for anything that is answered.
        """
        self._read()
        if self.is_closing:
            return
        self._unsent = 0
        self._flush(_RECORD_OVERHEAD)
        if self._socket.get_write_buffer_size() > _WRITE_MOST:
            self.abort()

    def _read(self) -> None:
        """Hand up all plaintext that is there; several records go up as one piece."""
        tls, records = self._tls, []
        try:
            while record := tls.read(_RECORD):
                records.append(record)
        except TLSError:
            # A record that does not decrypt. OpenSSL has put the alert that says so into the BIO.
            self._flush(_RECORD_OVERHEAD)
            self.abort()
            return
        self._hand_up(records)
        if record is not None:
            self._end_clean()

    def _hand_up(self, records: list[bytes]) -> None:
        if records:
            self._handler.data_received(records[0] if len(records) == 1 else b"".join(records))

    def _end_clean(self) -> None:
        if not self.is_closing:
            self._ended = True
            self._handler.end_received(clean=True)

    # From the handler above

    def write(self, data: bytes | bytearray) -> None:
        """Encrypt and send; never blocks, the event loop keeps what the socket does not take."""
        if self.is_closing or not data:
            return
        tls, size = self._tls, len(data)
        try:
            tls.write(data)
        except TLSError:
            # The client has cut a KeyUpdate in two: OpenSSL writes nothing until the rest comes.
            self.abort()
            return
        size += _RECORD_OVERHEAD * (size // _RECORD + 1)
        ciphertext = tls.drain(size + self._unsent)
        self._unsent = 0
        self._socket.write(ciphertext)
        if len(ciphertext) >= size:
            self._flush(size)

    def _flush(self, size: int) -> None:
        """Send what OpenSSL has to say; after our end nobody hears it, and it must not pile up."""
        tls, socket, is_heard = self._tls, self._socket, not self._is_end_written
        while ciphertext := tls.drain(size):
            if is_heard:
                socket.write(ciphertext)
            if len(ciphertext) < size:
                return

    def pause_reading(self) -> None:
        """Take no more from the socket until told otherwise."""
        if self.is_reading and not self.is_closing:
            self.is_reading = False
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        if not self.is_reading and not self.is_closing:
            self.is_reading = True
            self._socket.resume_reading()

    def write_end(self) -> None:
        """Send close_notify and close the sending side; the client may still send."""
        if self.is_closing or self._is_end_written:
            return
        self._shutdown()
        self._is_end_written = True
        if self._socket.can_write_eof():
            self._socket.write_eof()

    def close(self) -> None:
        """Send close_notify, flush, close: everything that was written is complete."""
        if self.is_closing:
            return
        self._shutdown()
        self.is_closing = True
        self._socket.close()

    def cut(self) -> None:
        """Flush and close *without* close_notify: what was written is not the whole message.

        A client that counts on the end of the connection (HTTP/1.0) can tell a cut from an end
        only by the missing alert.
        """
        if not self.is_closing:
            self.is_closing = True
            self._socket.close()

    def abort(self) -> None:
        """Close at once; what the socket did not take yet is lost."""
        self.is_closing = True
        self._socket.abort()

    def _shutdown(self) -> None:
        try:
            self._tls.shutdown()
        except TLSError:
            return  # the peer broke the connection already: there is nobody to tell
        self._flush(_RECORD_OVERHEAD)


def _held_by_kernel(sock: socket.socket) -> int:
    """Return how much of what was sent is not acknowledged (SIOCOUTQ, tcp(7)); 0 if unknown."""
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4))
    except (OSError, ValueError):
        return 0
    return int.from_bytes(answer, sys.byteorder)
