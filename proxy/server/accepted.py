"""What every accepted connection is before it is known what it speaks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, cast

import structlog

from proxy.server.arrival import Arrival, arrival_of

if TYPE_CHECKING:
    from proxy.server.state import ServerState

_log = structlog.stdlib.get_logger()

_NOT_ARRIVED: Final = Arrival("", 0)


class AcceptedConnection(asyncio.Protocol):
    """A socket with a deadline, counted among the connections until it is lost or handed over.

    Attributes:
        read_deadline, write_deadline: looked at by the sweeper.
    """

    __slots__ = ("_arrival", "_port", "_socket", "_state", "read_deadline", "write_deadline")

    def __init__(self, state: ServerState, port: int, seconds: float) -> None:
        """Prepare for a connection.

        Args:
            state: what all connections share.
            port: of the listener; 0 for a Unix socket.
            seconds: until ``on_deadline``.
        """
        self._state = state
        self._port = port
        self._arrival = _NOT_ARRIVED
        self._socket: asyncio.Transport
        self.read_deadline = state.tick + seconds
        self.write_deadline = float("inf")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, unless there are too many connections already."""
        socket = cast("asyncio.Transport", transport)  # uvloop's is one in all but name
        self._socket = socket
        try:
            if self._state.admit(self):
                self.begin(socket, arrival_of(socket, self._port))
            else:
                socket.abort()
        except Exception:  # noqa: BLE001 -- whatever it is, nobody waits
            self._collapse()

    def begin(self, socket: asyncio.Transport, arrival: Arrival) -> None:
        """Take the socket, unless its client has too many connections already."""
        self._socket = socket
        self._arrival = arrival
        if self._state.admit_from(self._counted_address(), self):
            self._begun()
        else:
            socket.abort()

    def _begun(self) -> None:
        """The client is wanted."""

    def _counted_address(self) -> str:
        """Return whose connection this is; nothing where it may be anybody's, behind a proxy."""
        arrival, trusted = self._arrival, self._state.snapshot.trusted_proxies
        if not arrival.is_known or (trusted and arrival.address in trusted):
            return ""
        return arrival.ip

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        del exc
        self._state.forget(self)

    def on_deadline(self) -> None:
        """Too slow: a client that sends nothing costs a socket, and that not for long."""
        self._socket.abort()

    def _collapse(self) -> None:
        """End a connection over an error of certgate itself; called where that is handled."""
        client = self._arrival.address or "-"
        _log.exception("an error of certgate itself, before the first request", client=client)
        self._state.forget(self)
        self._socket.abort()
        self._state.counters.handshake_failed("internal_error")

    def close_if_idle(self) -> None:
        """Let what is under way come to its end; it is short."""

    def abort(self) -> None:
        """Close at once."""
        self._socket.abort()
