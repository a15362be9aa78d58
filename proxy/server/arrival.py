"""Where a connection came from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from proxy.forward.trusted_proxies import UNIX, canonical_address

if TYPE_CHECKING:
    import asyncio


@dataclass(frozen=True, slots=True)
class Arrival:
    """A connection's origin, as the socket or a PROXY header tells it.

    Attributes:
        address: of the peer; ``unix:`` for one without, empty where the socket is gone already.
        port: that the peer connected to; 0 for a Unix socket.
        is_known: False where a proxy speaks for somebody whom it does not name: then the address is
            the proxy's, and its trust does not go over to whoever that is.
    """

    address: str
    port: int
    is_known: bool = True

    @property
    def ip(self) -> str:
        """The peer's IP address, or nothing."""
        return "" if self.address == UNIX else self.address


def arrival_of(transport: asyncio.BaseTransport, port: int) -> Arrival:
    """Return what the socket tells.

    Args:
        transport: the accepted connection.
        port: of the listener; 0 for a Unix socket.
    """
    if not port:
        return Arrival(UNIX, 0)
    name = transport.get_extra_info("peername")
    return _arrival(str(name[0]) if isinstance(name, tuple) else "", port)


@lru_cache(maxsize=512)
def _arrival(name: str, port: int) -> Arrival:
    # A link-local address may come with the interface's name; on the network it has none.
    address = name.partition("%")[0]
    return Arrival(canonical_address(address) if ":" in address else address, port)
