"""A socket and an event loop without a kernel: the test says when the peer reads, and the time.

They keep the promises of asyncio's and uvloop's, and the stricter one where the two differ:
callbacks about a lost connection come later, never at once; a write after the own end raises.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor

    from proxy.server.upstream import UpstreamConnection
    from proxy.server.upstream_failure import UpstreamFailure

_TURNS = 12  # more turns of the loop than any chain of callbacks here needs


async def settle() -> None:
    """Let everything that is due happen."""
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class Socket(asyncio.Transport):
    """A connected socket. ``taken`` is what the peer has got; it reads while ``is_taking``."""

    def __init__(self, protocol: asyncio.BaseProtocol, peer: Any = ("192.0.2.7", 50000)) -> None:
        closed = socket.socket()
        closed.close()  # there is no kernel below: whoever reads from it finds nothing
        super().__init__({"peername": peer, "socket": closed})
        self.protocol = protocol
        self.taken = b""
        self.is_taking = True
        self.can_half_close = True  # not over TLS
        self.has_ended = False  # the peer got our FIN
        self.ending = ""  # how this side let go: "close" or "abort"
        self.is_lost = self._is_gone = False
        self._marks = (1, 0)
        self._unsent = b""
        self._is_paused = False
        self._eof = False
        self._reading = True
        self._waiting: list[bytes | None] = []
        cast("asyncio.Protocol", protocol).connection_made(self)

    # For the test: what the peer does

    def feed(self, *pieces: bytes | None) -> None:
        """Let the peer send bytes; None is its FIN."""
        self._waiting += pieces
        while self._waiting and self._reading and not self.ending and not self.is_lost:
            piece, protocol = self._waiting.pop(0), cast("asyncio.Protocol", self.protocol)
            if piece is not None:
                protocol.data_received(piece)
            elif not protocol.eof_received():
                self.close()

    def take(self) -> bytes:
        """Let the peer read all there is, and return everything that it got since the last time."""
        self._send()
        taken, self.taken = self.taken, b""
        return taken

    def take_some(self, size: int) -> None:
        """Let the peer read so many bytes, too few for the low mark."""
        self.taken, self._unsent = self.taken + self._unsent[:size], self._unsent[size:]

    def reset(self) -> None:
        """Let the peer break the connection off."""
        self.ending = self.ending or "reset"
        self._lose(ConnectionResetError())

    # For the code under test

    def write(self, data: Any) -> None:
        assert not self._eof, "a write after write_eof raises on both loops"
        assert not self._is_gone, "a write on a lost transport raises on uvloop"
        if self.ending:
            return
        self._unsent += data
        if self.is_taking:
            self._send()
        elif len(self._unsent) > self._marks[0] and not self._is_paused:
            self._is_paused = True
            self.protocol.pause_writing()

    def _send(self) -> None:
        if self.ending in ("abort", "reset"):
            return
        self.taken, self._unsent = self.taken + self._unsent, b""
        self.has_ended = self._eof or self.ending == "close"
        if self.ending == "close":
            self._lose(None)
        if self._is_paused:
            self._is_paused = False
            self.protocol.resume_writing()

    def _lose(self, error: Exception | None) -> None:
        if not self.is_lost:
            self.is_lost = True
            asyncio.get_running_loop().call_soon(self._tell_lost, error)

    def _tell_lost(self, error: Exception | None) -> None:
        self._is_gone = True
        self.protocol.connection_lost(error)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._marks = (high or 0, low or 0)

    def get_write_buffer_size(self) -> int:
        return len(self._unsent)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def is_closing(self) -> bool:
        return bool(self.ending)

    def is_reading(self) -> bool:
        return self._reading and not self.ending

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        asyncio.get_running_loop().call_soon(self.feed)

    def can_write_eof(self) -> bool:
        return self.can_half_close

    def write_eof(self) -> None:
        self._eof = True
        if self.is_taking:
            self._send()

    def close(self) -> None:
        if not self.ending:
            self.ending = "close"
            if not self._unsent:
                self._send()

    def abort(self) -> None:
        if not self.is_lost:
            self.ending = "abort"
            self._unsent = b""
            self._lose(None)


class Outcome:
    """Somebody who needs a connection, and what the pool has told."""

    def __init__(self) -> None:
        self.connections: list[UpstreamConnection] = []
        self.failures: list[UpstreamFailure] = []
        self.collapses = 0

    def connected(self, upstream: UpstreamConnection) -> None:
        self.connections.append(upstream)

    def not_connected(self, failure: UpstreamFailure) -> None:
        self.failures.append(failure)

    def collapse(self) -> None:
        self.collapses += 1


class Timer:
    """What ``call_later`` returned."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """The event loop's part that the data path uses, with a clock that the test turns.

    Attributes:
        now: the time, in seconds.
        timer: the one timer there is, the sweeper's.
        dialled: the sockets of the connections that were made, oldest first.
        obstacles: what happens to the next connections: an error is raised, an event awaited.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.timer: Timer | None = None
        self.dialled: list[Socket] = []
        self.asked: list[tuple[str, int]] = []
        self.obstacles: list[BaseException | asyncio.Event] = []
        self.takes_at_once = True

    def time(self) -> float:
        return self.now

    def call_later(self, _delay: float, callback: Callable[[], None]) -> Timer:
        self.timer = Timer(callback)
        return self.timer

    def call_soon(self, callback: Callable[[], None]) -> asyncio.Handle:
        return asyncio.get_running_loop().call_soon(callback)

    def run_in_executor(
        self, pool: Executor, work: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().run_in_executor(pool, work, *arguments)

    def create_task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return asyncio.get_running_loop().create_task(coroutine)

    async def create_connection(
        self, factory: Callable[[], asyncio.Protocol], host: str, port: int, **_tls: Any
    ) -> tuple[Socket, asyncio.Protocol]:
        self.asked.append((host, port))
        obstacle = self.obstacles.pop(0) if self.obstacles else None
        if isinstance(obstacle, BaseException):
            raise obstacle
        if obstacle is not None:
            await obstacle.wait()
        protocol = factory()
        self.dialled.append(Socket(protocol))
        self.dialled[-1].is_taking = self.takes_at_once
        return self.dialled[-1], protocol

    async def create_unix_connection(
        self, factory: Callable[[], asyncio.Protocol], path: str
    ) -> tuple[Socket, asyncio.Protocol]:
        return await self.create_connection(factory, path, 0)
