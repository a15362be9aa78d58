"""The data path in memory: real TLS, real protocol objects, a real snapshot, but no kernel."""

from __future__ import annotations

import contextlib
import re
import ssl
import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from proxy.config.load import load_config
from proxy.observe.counters import Counters
from proxy.server.downstream import DownstreamConnection
from proxy.server.handshake import Handshake
from proxy.server.state import ServerState
from proxy.server.sweeper import Sweeper
from proxy.server.tls_transport import TLSTransport
from proxy.snapshot import Timeouts, build_snapshot
from tests.gate import settings, write
from tests.pki import client as identity_of
from tests.unit.server.fakes import Loop, Socket, settle
from tests.unit.tls.memory import client_context

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.observe.access_record import AccessRecord
    from proxy.server.accepted import AcceptedConnection
    from proxy.snapshot import Snapshot

PORT = 8443
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def request(*lines: str, method: str = "GET", path: str = "/", body: bytes = b"") -> bytes:
    """Return a request with these further field lines."""
    head = (f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", "")
    return "\r\n".join(head).encode() + body


GET = request()


class Log:
    """An access log that keeps its records."""

    def __init__(self) -> None:
        self.dropped = 0
        self.records: list[AccessRecord] = []
        self.calls: list[str] = []

    def write(self, record: AccessRecord) -> None:
        self.records.append(record)

    def flush(self) -> None:
        self.calls.append("flush")

    def reopen(self) -> None:
        self.calls.append("reopen")

    def close(self) -> None:
        self.calls.append("close")


@cache
def _context(who: str | None, version: ssl.TLSVersion | None) -> ssl.SSLContext:
    return client_context(identity_of(who) if who else None, version)


class Client:
    """A TLS client at the other end of a fake socket.

    Attributes:
        socket: the gate's side of the connection.
        got: plaintext received so far.
        has_clean_end: a close_notify came.
    """

    def __init__(
        self,
        state: ServerState,
        who: str | None,
        version: ssl.TLSVersion | None = None,
        accepted: AcceptedConnection | None = None,
        peer: object = ("192.0.2.7", 50000),
    ) -> None:
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = _context(who, version).wrap_bio(self._in, self._out, server_hostname="localhost")
        self.socket = Socket(accepted or Handshake(state, PORT), peer)
        self.got = b""
        self.has_clean_end = False

    def shake_hands(self) -> None:
        """Do the handshake."""
        assert any(self.step() for _ in range(8)), "the handshake does not come to an end"

    def step(self) -> bool:
        """Do one flight of the handshake; tell whether it was the last."""
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            self.socket.feed(self._out.read())
            self._in.write(self.socket.take())
            return False
        if last := self._out.read():
            self.socket.feed(last)
        return True

    def sealed(self, data: bytes) -> bytes:
        """Return bytes as they go over the wire."""
        self.tls.write(data)
        return self._out.read()

    def send(self, data: bytes) -> None:
        """Send plaintext, in one piece."""
        self.socket.feed(self.sealed(data))

    def send_end(self) -> None:
        """Send close_notify."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self.tls.unwrap()
        self.socket.feed(self._out.read())

    def read(self) -> bytes:
        """Return the plaintext that came since the last time."""
        self._in.write(self.socket.take())
        got = b""
        try:
            while piece := self.tls.read(1 << 16):
                got += piece
            self.has_clean_end = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_clean_end = True
        self.got += got
        return got

    def statuses(self) -> list[int]:
        """Return the status codes received so far (bodies here contain no status line)."""
        self.read()
        return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", self.got)]

    @property
    def connection(self) -> DownstreamConnection:
        """The gate's object for this connection."""
        assert isinstance(self.socket.protocol, TLSTransport)
        handler = self.socket.protocol._handler
        assert isinstance(handler, DownstreamConnection)
        return handler


class World:
    """One gate, its clients and its upstream, in memory."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.loop = Loop()
        self.log = Log()
        self.wall = time.time()
        self.counters = Counters()
        self.state = ServerState(
            self.loop,  # type: ignore[arg-type]
            snapshot,
            self.log,
            self.counters,
        )
        self.state.wall = lambda: self.wall
        self.state.pools.adopt(snapshot.upstreams, snapshot.limits)
        self.sweeper = Sweeper(
            self.state,
            (self.state.connections, self.state.pools.live),
            (self.state.flush_access_log,),
        )

    def client(self, who: str | None = "good", version: ssl.TLSVersion | None = None) -> Client:
        """Return a client whose handshake is done."""
        made = Client(self.state, who, version)
        made.shake_hands()
        return made

    @property
    def servers(self) -> list[Socket]:
        """The connections to the upstream, oldest first."""
        return self.loop.dialled

    def tick(self, seconds: float = 0.25) -> None:
        """Turn the clock, then sweep as the loop's timer would."""
        self.loop.now += seconds
        assert self.loop.timer is not None
        self.loop.timer.callback()

    async def forwarded(self, client: Client, data: bytes = GET) -> Socket:
        """Send a request and return the upstream connection that got it."""
        client.send(data)
        await settle()
        [server] = [one for one in self.servers if one.taken and not one.ending]
        return server

    async def round_trip(self, client: Client, answer: bytes = OK) -> Socket:
        """Let one request be answered; return the upstream connection, which is idle then."""
        server = await self.forwarded(client)
        server.take()
        server.feed(answer)
        return server

    def swap(self, **changes: Any) -> None:
        """Put a changed snapshot in force, as a reload does."""
        self.state.snapshot = replace(self.state.snapshot, **changes)


def snapshot_of(folder: Path, **changes: Any) -> Snapshot:
    """Return the snapshot of a short configuration with these keys."""
    return build_snapshot(load_config(write(folder, settings(folder, **changes)), {}))


def patient(seconds: float = 1e6) -> Timeouts:
    """Return timeouts that never come."""
    return Timeouts(*[seconds] * 9)
