"""The sockets on which clients arrive, and what is spoken on them."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from proxy.config.addresses import Address
from proxy.config.listen_addresses import SocketPath
from proxy.server.handshake import Handshake
from proxy.server.proxy_header import ProxyHeaderReader
from proxy.server.redirect import RedirectConnection
from proxy.server.sockets import BACKLOG, UnixSocketFile, open_address

if TYPE_CHECKING:
    import asyncio

    from proxy.config import model
    from proxy.server.accepted import AcceptedConnection
    from proxy.server.inherited import InheritedSockets
    from proxy.server.state import ServerState

# Every address of a family; ``::`` is IPv6 alone.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared, not bound


class Listener:
    """One configured listener, accepting.

    Attributes:
        entry: its configuration; a reload replaces it, which counts for later connections.
        ports: the TCP ports on which it accepts.
        urls: what to tell people, e.g. ``https://127.0.0.1:8443/`` or ``unix:/run/gate.sock``.
    """

    __slots__ = ("_file", "_servers", "_state", "_where", "entry", "ports")

    def __init__(self, state: ServerState, entry: model.Listener) -> None:
        self.entry = entry
        self._state = state
        self._file: UnixSocketFile | None = None
        self._servers: list[asyncio.Server] = []
        self._where: list[str] = []
        self.ports: list[int] = []

    @classmethod
    async def open(
        cls, state: ServerState, entry: model.Listener, inherited: InheritedSockets
    ) -> Listener:
        """Bind and accept.

        Raises:
            CertgateError: the address cannot be used.
        """
        listener = cls(state, entry)
        for sock in await listener._sockets(inherited):
            await listener._accept_on(sock)
        return listener

    @property
    def urls(self) -> list[str]:
        """The addresses to tell people."""
        scheme, note = "https", ""
        if self.entry.redirect_to_port:
            scheme, note = "http", f" (redirects to https, port {self.entry.redirect_to_port})"
        if self.entry.proxy_protocol:
            note += " (PROXY protocol)"
        return [
            f"{where if where.startswith('unix:') else f'{scheme}://{where}/'}{note}"
            for where in self._where
        ]

    def close(self) -> None:
        """Accept no more; accepted connections live on."""
        if self._file is not None:
            self._file.remove()
        for server in self._servers:
            server.close()

    async def _sockets(self, inherited: InheritedSockets) -> list[socket.socket]:
        address = self.entry.address
        if isinstance(address, Address):
            return await open_address(address, self._state.loop)
        if isinstance(address, SocketPath):
            self._file = UnixSocketFile.open(address.path)
            return [self._file.sock]
        return inherited.take(address)

    async def _accept_on(self, sock: socket.socket) -> None:
        port = 0 if sock.family == socket.AF_UNIX else sock.getsockname()[1]
        self._where.append(_shown(sock, self.entry))
        if port and port not in self.ports:
            self.ports.append(port)
        server = await self._state.loop.create_server(
            lambda: self._accepted(port), sock=sock, backlog=BACKLOG
        )
        self._servers.append(server)

    def _accepted(self, port: int) -> AcceptedConnection:
        if self.entry.proxy_protocol:
            return ProxyHeaderReader(self._state, port, lambda: self._spoken(port))
        return self._spoken(port)

    def _spoken(self, port: int) -> AcceptedConnection:
        to_port = self.entry.redirect_to_port
        if to_port is not None:
            return RedirectConnection(self._state, port, to_port)
        return Handshake(self._state, port)


def _shown(sock: socket.socket, entry: model.Listener) -> str:
    name = sock.getsockname()
    if sock.family == socket.AF_UNIX:
        return f"unix:{name}"
    given = entry.address.host if isinstance(entry.address, Address) else ""
    host = _LOOPBACK.get(name[0], given or name[0])
    return f"[{host}]:{name[1]}" if ":" in host else f"{host}:{name[1]}"
