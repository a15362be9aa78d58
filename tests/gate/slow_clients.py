"""Clients that take their time, of every kind: each holds a connection and does not go on."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
_DRIP_SECONDS = 0.5
_HANDSHAKE_SECONDS = 60.0  # for our side of it: hundreds of clients live in this one thread


class SlowClient:
    """One of them.

    Attributes:
        kind: which one, a key of ``KINDS``.
    """

    def __init__(self, kind: str, port: int, tls: ssl.SSLContext) -> None:
        self.kind = kind
        self._port = port
        self._tls = tls
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._dripping: asyncio.Task[None] | None = None

    async def get_stuck(self) -> None:
        """Connect and go as far as this kind goes."""
        await KINDS[self.kind](self)

    async def ended(self) -> bytes:
        """Wait until the other side ended the connection; return what it said until then."""
        said = bytearray()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := await self._reader.read(1 << 16):
                said += data
        return bytes(said)

    async def close(self) -> None:
        """Close the connection."""
        if self._dripping is not None:
            self._dripping.cancel()
        self._writer.transport.abort()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    async def _connect(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)

    async def _shake_hands(self) -> None:
        self._reader, self._writer = await asyncio.open_connection(
            "127.0.0.1",
            self._port,
            ssl=self._tls,
            server_hostname="localhost",
            ssl_handshake_timeout=_HANDSHAKE_SECONDS,
        )

    # The kinds

    async def silent(self) -> None:
        """No TLS, nothing at all."""
        await self._connect()

    async def half_a_hello(self) -> None:
        """The beginning of the first message."""
        await self._connect()
        hello = self._hello()
        self._writer.write(hello[: len(hello) // 2])

    async def half_a_handshake(self) -> None:
        """The first message; the server's answer is never taken up."""
        await self._connect()
        self._writer.write(self._hello())

    async def no_request(self) -> None:
        """TLS, and no byte in it."""
        await self._shake_hands()

    async def dripping_head(self) -> None:
        """A byte of the head now and then, for ever."""
        await self._shake_hands()
        self._writer.write(_GET + b"X: ")
        self._dripping = asyncio.create_task(self._drip())

    async def half_a_body(self) -> None:
        """An upload that stops."""
        await self._shake_hands()
        self._writer.write(b"POST" + _GET[3:] + b"Content-Length: 1000\r\n\r\nhalf")

    async def not_reading(self) -> None:
        """A large answer that nobody takes. The stream reads a little and stops by itself."""
        await self._shake_hands()
        self._writer.write(_GET.replace(b"/", b"/large", 1) + b"\r\n")
        await self._reader.readuntil(b"\r\n\r\n")

    async def idle(self) -> None:
        """One answer, and no further request."""
        await self._shake_hands()
        self._writer.write(_GET + b"\r\n")
        await self._reader.readuntil(b"\r\n\r\n")

    async def _drip(self) -> None:
        while not self._writer.is_closing():
            self._writer.write(b"x")
            await asyncio.sleep(_DRIP_SECONDS)

    def _hello(self) -> bytes:
        out = ssl.MemoryBIO()
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
        return out.read()


KINDS: dict[str, Callable[[SlowClient], Awaitable[None]]] = {
    kind.__name__: kind
    for kind in (
        SlowClient.silent,
        SlowClient.half_a_hello,
        SlowClient.half_a_handshake,
        SlowClient.no_request,
        SlowClient.dripping_head,
        SlowClient.half_a_body,
        SlowClient.not_reading,
        SlowClient.idle,
    )
}


async def stuck(number: int, port: int, tls: ssl.SSLContext) -> list[SlowClient]:
    """Return so many clients, of every kind in turn, that are where they stay."""
    kinds = list(KINDS)
    clients = [SlowClient(kinds[place % len(kinds)], port, tls) for place in range(number)]
    await asyncio.gather(*(client.get_stuck() for client in clients))
    return clients
