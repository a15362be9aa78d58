"""An upstream that does exactly what a script says, and keeps exactly what it received.

It runs an event loop of its own in a thread, so that synchronous and asynchronous tests use it
alike. A script is a coroutine function that gets each accepted connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from types import TracebackType

_HEAD_LIMIT = 1 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived at the upstream.

    Attributes:
        raw_head: the head's bytes, blank line included.
        body: the body without its framing.
        trailers: the fields after the last chunk.
        connection: which connection it came on; the first is 0.
    """

    raw_head: bytes
    body: bytes = b""
    trailers: tuple[tuple[str, str], ...] = ()
    connection: int = 0

    @property
    def request_line(self) -> str:
        """The first line."""
        return self.raw_head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def method(self) -> str:
        """The method."""
        return self.request_line.split(" ")[0]

    @property
    def target(self) -> str:
        """The request target as it was sent."""
        return self.request_line.split(" ")[1]

    @property
    def fields(self) -> list[tuple[str, str]]:
        """The field lines in order, names as they were spelled."""
        return _fields(self.raw_head.split(b"\r\n")[1:-2])

    def all(self, name: str) -> list[str]:
        """Return the values of all fields of this name."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def header(self, name: str) -> str | None:
        """Return the one value of this name, or None. Repeated fields are a failure."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def names(self) -> set[str]:
        """Return the names of all fields, in lower case."""
        return {key.lower() for key, _ in self.fields}


def _fields(lines: list[bytes]) -> list[tuple[str, str]]:
    pairs = []
    for line in lines:
        name, colon, value = line.partition(b":")
        assert colon, f"the gate sent a line without a colon: {line!r}"
        pairs.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    return pairs


@dataclass(slots=True)
class Connection:
    """One accepted connection, as a script sees it."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    keep: Callable[[Received], None]

    async def head(self) -> Received:
        """Read a request's head, keep it, and leave its body unread."""
        received = Received(await self.reader.readuntil(b"\r\n\r\n"), connection=self.number)
        self.keep(received)
        return received

    async def request(self) -> Received:
        """Read a whole request and keep it."""
        raw = await self.reader.readuntil(b"\r\n\r\n")
        received = Received(raw, connection=self.number)
        body, trailers = await self._body(received)
        received = Received(raw, body, trailers, self.number)
        self.keep(received)
        return received

    async def _body(self, received: Received) -> tuple[bytes, tuple[tuple[str, str], ...]]:
        if received.header("Transfer-Encoding") is not None:
            return await self._chunks()
        size = int(received.header("Content-Length") or 0)
        return await self.reader.readexactly(size), ()

    async def _chunks(self) -> tuple[bytes, tuple[tuple[str, str], ...]]:
        body = bytearray()
        while size := int((await self.reader.readuntil(b"\r\n")).strip(), 16):
            body += await self.reader.readexactly(size)
            assert await self.reader.readexactly(2) == b"\r\n"
        lines = []
        while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
            lines.append(line.strip())
        return bytes(body), tuple(_fields(lines))

    async def send(self, data: bytes) -> None:
        """Send these bytes and wait until the kernel may take more."""
        self.writer.write(data)
        await self.writer.drain()

    async def reset(self) -> None:
        """End the connection with RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.writer.close()

    async def half_close(self) -> None:
        """Send FIN and go on reading."""
        self.writer.write_eof()

    async def until_closed(self) -> bytes:
        """Read until the gate ends the connection; return what came."""
        with contextlib.suppress(ConnectionError):
            return await self.reader.read(-1)
        return b""


@dataclass(slots=True)
class _State:
    """What the loop's thread shares with the test."""

    received: queue.Queue[Received] = field(default_factory=queue.Queue)
    failures: list[BaseException] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    connections: int = 0


class Scripted:
    """A scripted upstream on a free port of 127.0.0.1; use it in a ``with`` statement.

    Attributes:
        port: where it listens; 0 for a Unix socket.
    """

    def __init__(
        self,
        script: Callable[[Connection], Awaitable[None]],
        *,
        tls: ssl.SSLContext | None = None,
        path: Path | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        """Listen, and serve from ``with`` on.

        Args:
            script: what happens on each connection.
            tls: speak TLS.
            path: listen on this Unix socket instead.
            port: listen on this port instead of a free one.
            host: listen on this address.
        """
        self._script = script
        self._state = _State()
        self._tls, self._path = tls, path
        self._socket = _unix_socket(path) if path else _tcp_socket(host, port)
        self.port: int = 0 if path else self._socket.getsockname()[1]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._running = threading.Event()
        self._thread = threading.Thread(target=self._run, name="upstream", daemon=True)

    @property
    def url(self) -> str:
        """Its URL, as a configuration wants it."""
        if self._path:
            return f"unix:{self._path}"
        return f"http{'s' * bool(self._tls)}://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections were accepted so far."""
        return self._state.connections

    def received(self, timeout: float = 20) -> Received:
        """Return the oldest request that was not asked for yet, waiting for it."""
        try:
            return self._state.received.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError(f"the upstream got no request within {timeout} s") from None

    def nothing_received(self) -> bool:
        """Tell whether every request that arrived was asked for."""
        return self._state.received.empty()

    def forget(self) -> None:
        """Drop the requests that were not asked for."""
        while not self.nothing_received():
            self._state.received.get()

    def __enter__(self) -> Self:
        self._thread.start()
        self._running.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._loop
        assert self._stop
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        if self._state.failures and error is None:
            raise self._state.failures[0]

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(
            self._accepted, sock=self._socket, limit=_HEAD_LIMIT, ssl=self._tls, backlog=4096
        )
        self._running.set()
        await self._stop.wait()
        server.close()
        for task in self._state.tasks:
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)
        connection = Connection(self._state.connections, reader, writer, self._state.received.put)
        self._state.connections += 1
        try:
            await self._script(connection)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the gate went away, or the test is over: both are for the test to judge
        except BaseException as error:  # noqa: BLE001  shown to the test at the end
            self._state.failures.append(error)
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


class Recorder(Scripted):
    """An upstream that answers every request with 200 and ``body``, and keeps the connection."""

    def __init__(self, body: bytes = b"hello from the app\n", **where: Any) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"

        async def script(connection: Connection) -> None:
            while True:
                request = await connection.request()
                await connection.send(head.encode() + (b"" if request.method == "HEAD" else body))

        super().__init__(script, **where)
        self.body = body


def _tcp_socket(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), backlog=4096)


def _unix_socket(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(4096)
    return listener
