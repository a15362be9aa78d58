"""Upgraded connections of a protocol that has no frames: bytes are bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.upstreams.scripted import Connection


def upgrade(*protocols: str) -> bytes:
    """Return a request for an upgrade to one of these protocols."""
    offered = ", ".join(protocols or ("raw",)).encode()
    start = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
    return start + b"Upgrade: %b\r\n\r\n" % offered


def switched(protocol: str = "raw") -> bytes:
    """Return the 101 to it."""
    return f"HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n".encode()


async def echo_bytes(connection: Connection) -> None:
    """Switch, then send back what comes until it ends."""
    await connection.head()
    await connection.send(switched())
    while data := await connection.reader.read(1 << 16):
        await connection.send(data)
