"""A new connection to an upstream server, whatever address its name has at this moment."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, TypeVar

from aiohappyeyeballs import start_connection

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from proxy.config.addresses import Server
    from proxy.snapshot import Endpoint

    P = TypeVar("P", bound=asyncio.BaseProtocol)

# RFC 8305, section 8: the "Connection Attempt Delay".
_NEXT_ADDRESS_AFTER = 0.25


async def dial(loop: asyncio.AbstractEventLoop, endpoint: Endpoint, factory: Callable[[], P]) -> P:
    """Connect, with TLS where the server wants it.

    A name is looked up each time. Of several addresses each is tried, a further one after a
    quarter of a second (RFC 8305): one that swallows packets costs that, not the whole timeout.

    Args:
        loop: the event loop.
        endpoint: the server.
        factory: makes the protocol of the connection.

    Raises:
        OSError: there is no connection; ``ssl.SSLError`` and ``socket.gaierror`` are such errors.
        UnicodeError: the name is none that DNS can hold.
    """
    server = endpoint.server
    if server.path:
        _, protocol = await loop.create_unix_connection(factory, server.path)
        return protocol
    tls: dict[str, Any] = {}
    if endpoint.tls is not None:
        tls = {"ssl": endpoint.tls, "server_hostname": endpoint.server_name}
    if server.is_named:
        tls["sock"] = await _connect_by_name(loop, server)
        _, protocol = await loop.create_connection(factory, **tls)
    else:
        _, protocol = await loop.create_connection(factory, server.host, server.port, **tls)
    return protocol


async def _connect_by_name(loop: asyncio.AbstractEventLoop, server: Server) -> socket.socket:
    # uvloop's create_connection tries one address after the other, each until the kernel gives up.
    found = await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    try:
        return await start_connection(
            found, happy_eyeballs_delay=_NEXT_ADDRESS_AFTER, interleave=1, loop=loop
        )
    except RuntimeError as error:  # which uvloop raises in place of some an OSError
        raise OSError(str(error)) from error
