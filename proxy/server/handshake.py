"""The first bytes of an accepted connection: TLS under a deadline, or something that is not TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from proxy.forward.proxy_protocol import is_proxy_header
from proxy.observe.access_record import AccessRecord
from proxy.server.accepted import AcceptedConnection
from proxy.server.downstream import DownstreamConnection
from proxy.server.tls_transport import TLSTransport
from proxy.tls.failure import TLSError
from proxy.tls.peer import read_peer
from proxy.tls.records import RecordBoundary
from proxy.web.plain_http import plain_http_answer

if TYPE_CHECKING:
    from proxy.server.state import ServerState
    from proxy.tls.connection import TLSConnection

_log = structlog.stdlib.get_logger()

# The content type of a TLS handshake record (RFC 8446, section 5.1). nginx also takes a first
# byte above 0x7F for SSL 2; no such client is served here.
_HANDSHAKE_RECORD = 0x16
_FLIGHT = 4096
_MAX_LOGGED_LINE = 1024
_LINGER = 5.0  # seconds for a client to take the answer


class Handshake(AcceptedConnection):
    """Runs one TLS handshake, then gives the socket to a ``DownstreamConnection``."""

    __slots__ = ("_boundary", "_is_plain", "_snapshot", "_tls")

    def __init__(self, state: ServerState, port: int) -> None:
        self._snapshot = state.snapshot
        super().__init__(state, port, self._snapshot.timeouts.handshake)
        self._boundary = RecordBoundary()
        self._tls: TLSConnection
        self._is_plain: bool | None = None  # not known before the first byte

    def _begun(self) -> None:
        self._tls = self._snapshot.tls.new_connection()

    def data_received(self, data: bytes) -> None:
        """Feed the handshake."""
        try:
            if self._is_plain is None:
                self._is_plain = data[0] != _HANDSHAKE_RECORD
                if self._is_plain:
                    self._answer_plain(data)
            if not self._is_plain:
                self._go_on(data)
        except TLSError as error:
            self._flush()  # the alert tells the client what was wrong
            self._fail(error.reason)
        except Exception:  # noqa: BLE001 -- whatever it is, nobody waits
            self._collapse()

    def _go_on(self, data: bytes) -> None:
        tls = self._tls
        self._boundary.is_one_record(data)
        tls.feed(data)
        is_done = tls.handshake()
        if not is_done or not tls.is_tls_1_3:
            self._flush()  # TLS 1.2: our Finished; in TLS 1.3 only tickets, which can wait
        if is_done:
            self._succeed()

    def eof_received(self) -> bool:
        """The client left before TLS was up."""
        if not self._is_plain:
            self._fail("client left")
        return False

    def on_deadline(self) -> None:
        """Too slow: a client that sends nothing costs a socket, and that not for long."""
        if not self._is_plain:
            self._count("timeout")
        self._socket.abort()

    def _flush(self) -> None:
        """Send what OpenSSL has to say; nearly always a flight is one read."""
        flight = self._tls.drain(_FLIGHT)
        while len(flight) == _FLIGHT:
            self._socket.write(flight)
            flight = self._tls.drain(_FLIGHT)
        if flight:
            self._socket.write(flight)

    def _succeed(self) -> None:
        peer = read_peer(self._tls)
        state = self._state

        def make(transport: TLSTransport) -> DownstreamConnection:
            connection = DownstreamConnection(state, transport, self._arrival, self._snapshot, peer)
            state.hand_over(self, connection)
            return connection

        TLSTransport(self._socket, self._tls, self._boundary).start(make)

    def _fail(self, reason: str) -> None:
        self._count(reason)
        self._socket.close()

    def _count(self, reason: str) -> None:
        self._state.counters.handshake_failed(reason)
        _log.info("handshake failed", reason=reason, client=self._arrival.address or "-")

    def _answer_plain(self, data: bytes) -> None:
        """Say in plain HTTP that this port speaks HTTPS, then let the sender finish."""
        if is_proxy_header(data):
            self._count("unexpected proxy_protocol")
            self._socket.abort()
            return
        answer = plain_http_answer(data, self._arrival.port)
        self._count("plain http" if answer else "not tls")
        if not answer:
            self._socket.abort()
            return
        self._log_plain(data)
        self._socket.write(answer)
        self._socket.write_eof()
        self.read_deadline = self._state.tick + _LINGER

    def _log_plain(self, data: bytes) -> None:
        """Write the access log's line for a request that came without TLS."""
        record = AccessRecord(self._arrival.address)
        record.request_line = data.split(b"\r\n", 1)[0][:_MAX_LOGGED_LINE]
        record.status, record.error, record.time = 400, "plain_http", self._state.wall()
        self._state.counters.answered(record.status)
        self._state.access_log.write(record)
