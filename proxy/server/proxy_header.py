"""The PROXY protocol in: whom a load balancer connects for, told before TLS begins."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING

import structlog

from proxy.forward.proxy_protocol import ProxyHeader, ProxyHeaderError, read_proxy_header
from proxy.forward.trusted_proxies import UNIX
from proxy.server.accepted import AcceptedConnection
from proxy.server.arrival import Arrival

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from proxy.server.state import ServerState

_log = structlog.stdlib.get_logger()

_COUNTED_AS = "proxy_protocol"


class ProxyHeaderReader(AcceptedConnection):
    """Reads one header in whatever pieces it comes, then gives the socket away.

    It counts as a part of the handshake: one deadline for both. A connection without a good header,
    or from somebody who is not trusted, ends without an answer.
    """

    __slots__ = ("_data", "_follow")

    def __init__(
        self, state: ServerState, port: int, follow: Callable[[], AcceptedConnection]
    ) -> None:
        super().__init__(state, port, state.snapshot.timeouts.handshake)
        self._follow = follow
        self._data = b""

    def begin(self, socket: asyncio.Transport, arrival: Arrival) -> None:
        """Begin, unless the peer can say nothing that counts; its clients are counted later."""
        self._socket = socket
        self._arrival = arrival
        self._guarded(self._judge)

    def data_received(self, data: bytes) -> None:
        """Take a piece of the header, and whatever comes with its end."""
        if not self._socket.is_closing():  # else it was under way when the connection was refused
            self._data += data
            self._guarded(self._read)

    def eof_received(self) -> bool:
        """The peer left in the middle."""
        if not self._socket.is_closing():
            self._refuse("client left")
        return False

    def on_deadline(self) -> None:
        """Too slow."""
        self._refuse("timeout")

    def _guarded(self, step: Callable[[], None]) -> None:
        """Take a step; if certgate itself fails, the connection ends, whoever has it by then."""
        try:
            step()
        except Exception:  # noqa: BLE001 -- whatever it is, nobody waits
            self._collapse()

    def _judge(self) -> None:
        if not self._is_trusted() and not _is_loopback(self._arrival.ip):
            self._refuse("the peer is not among trusted_proxies")

    def _read(self) -> None:
        try:
            header = read_proxy_header(self._data)
        except ProxyHeaderError as error:
            self._refuse(str(error))
            return
        if header is None:
            return
        # The machine's own health check need not be trusted: it says nothing about anybody.
        if header.is_local or self._is_trusted():
            self._hand_over(header)
        else:
            self._refuse("the peer is not among trusted_proxies")

    def _is_trusted(self) -> bool:
        return self._arrival.address in self._state.snapshot.trusted_proxies

    def _hand_over(self, header: ProxyHeader) -> None:
        rest, self._data = self._data[header.size :], b""
        follower = self._follow()
        follower.read_deadline = self.read_deadline
        self._socket.set_protocol(follower)
        self._state.hand_over(self, follower)
        follower.begin(self._socket, _told(header, self._arrival))
        if rest and not self._socket.is_closing():
            follower.data_received(rest)

    def _refuse(self, reason: str) -> None:
        self._socket.abort()
        self._state.counters.handshake_failed(_COUNTED_AS)
        _log.info("PROXY header refused", reason=reason, peer=self._arrival.address or "-")


def _told(header: ProxyHeader, own: Arrival) -> Arrival:
    """Return where the client is, given what the proxy says and where the proxy is."""
    if header.is_local:
        return own
    port = header.port or own.port
    if not header.source:
        return replace(own, port=port, is_known=False)
    return Arrival(header.source, port, is_known=header.source != UNIX)


def _is_loopback(address: str) -> bool:
    return bool(address) and ip_address(address).is_loopback
