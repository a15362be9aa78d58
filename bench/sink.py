"""An upstream that swallows request bodies as fast as Python can and then says 200."""

from __future__ import annotations

import asyncio
import re
from typing import cast

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nthanks"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)\r\n")


class Sink(asyncio.BufferedProtocol):
    """One connection: heads are parsed just as far as needed, bodies are only counted."""

    def __init__(self) -> None:
        self._buffer = bytearray(1 << 20)
        self._head = b""
        self._left = 0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, _sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._left:
            self._swallow(nbytes)
            return
        self._head += self._buffer[:nbytes]
        head, end, body = self._head.partition(b"\r\n\r\n")
        if end:
            length = _LENGTH.search(head + b"\r\n")
            self._head, self._left = b"", int(length[1]) if length else 0
            self._swallow(len(body))

    def _swallow(self, size: int) -> None:
        self._left -= size
        if self._left == 0:
            self._transport.write(_ANSWER)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0, backlog=4096)
    print(f"sink: listening on {server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
