"""The sockets on which clients arrive."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from proxy.errors import CertgateError
from proxy.server.handshake import Handshake

if TYPE_CHECKING:
    import asyncio

    from proxy.config.addresses import Address
    from proxy.server.state import ServerState

# asyncio's default of 100 made 2,000 simultaneous connects wait for SYN retransmissions, 46
# seconds in a trial. The kernel caps it at net.core.somaxconn (4096 since Linux 5.4).
_BACKLOG = 4096

_REASONS = {
    errno.EADDRINUSE: "the port is in use by another program; stop it or choose another port",
    errno.EACCES: "permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE",
    errno.EADDRNOTAVAIL: "this machine does not have that address",
}

# Both loops bind ``::`` for IPv6 alone.
_LOOPBACK = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 -- compared, not bound


class Listener:
    """One configured address, bound and accepting."""

    __slots__ = ("_server", "address", "ports")

    def __init__(self, address: Address, server: asyncio.Server) -> None:
        self.address = address
        self._server = server
        self.ports = sorted({sock.getsockname()[1] for sock in server.sockets})

    @classmethod
    async def open(cls, state: ServerState, address: Address) -> Listener:
        """Bind and accept.

        Raises:
            CertgateError: the address cannot be used.
        """
        try:
            # The port is known only afterwards, when the system chooses it (port 0).
            bound = [address.port]
            server = await state.loop.create_server(
                lambda: Handshake(state, bound[0]),
                address.host or None,
                address.port,
                backlog=_BACKLOG,
                reuse_address=True,
            )
        except OSError as error:
            reason = _REASONS.get(error.errno or 0) or error.strerror or str(error)
            raise CertgateError(f"cannot listen on {address}: {reason}") from error
        listener = cls(address, server)
        bound[0] = listener.ports[0]
        return listener

    @property
    def urls(self) -> list[str]:
        """The addresses to tell people, e.g. ``https://127.0.0.1:8443/``."""
        host = _LOOPBACK.get(self.address.host, self.address.host)
        shown = f"[{host}]" if ":" in host else host
        return [f"https://{shown}:{port}/" for port in self.ports]

    def close(self) -> None:
        """Accept no more; accepted connections live on."""
        self._server.close()
