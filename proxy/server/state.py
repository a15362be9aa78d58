"""What all connections of one process share."""

from __future__ import annotations

import asyncio
import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING, Protocol

import structlog

from proxy.server.credentials import Credentials
from proxy.server.pools import Pools
from proxy.server.stored_content import Budget
from proxy.server.throttle import Throttle, Visitor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.identity.peer import PeerIdentity
    from proxy.observe.access_log import AccessLog
    from proxy.observe.counters import Counters
    from proxy.snapshot import Snapshot

_log = structlog.stdlib.get_logger()

_MAX_CREDENTIALS = 1024
_DISK_THREADS = 8
# Of all requests that are stored at one time; then they go to the disk from the first byte on.
_BUFFERING_MEMORY = 64 * 1024 * 1024


class Downstream(Protocol):
    """A connection to a client, in whatever phase it is."""

    read_deadline: float
    write_deadline: float

    def on_deadline(self) -> None:
        """Act on a deadline that has passed."""

    def close_if_idle(self) -> None:
        """Close in order unless a request is under way, which then is the last one."""

    def abort(self) -> None:
        """Close at once."""


def _request_ids() -> Iterator[str]:
    """Yield unique ids; 256 at a time have one beginning, so that none has to be formatted."""
    start = secrets.token_hex(8)
    ends = [f"{number:02x}" for number in range(256)]
    for block in count():
        beginning = f"{start}{block:014x}"
        for end in ends:
            yield beginning + end


class ServerState:
    """The current snapshot, the live connections, and where records and counts go.

    Attributes:
        buffering_memory: what the contents of all stored requests may take.
        snapshot: the configuration in force; a reload replaces it, nothing ever changes it.
        tick: the event loop's time at the last sweep. Deadlines count from it: they are met up to
            one sweep late anyway, and a clock costs more than an attribute.
        all_gone: set when the last connection has ended while draining.
        is_draining: no request is taken any more, connections end with the response under way.
        disk: threads that read what the kernel does not have in memory.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        snapshot: Snapshot,
        access_log: AccessLog,
        counters: Counters,
    ) -> None:
        self.loop = loop
        self.now = loop.time
        self.tick = loop.time()
        self.wall = time.time
        self.snapshot = snapshot
        self.access_log = access_log
        self.counters = counters
        self.pools = Pools(self)
        self.throttle = Throttle(self.now, counters)
        # Of its own: names are looked up in the loop's, and must not wait for a disk. No thread
        # is made before the first one is needed.
        self.disk = ThreadPoolExecutor(_DISK_THREADS, "disk")
        self.buffering_memory = Budget(_BUFFERING_MEMORY)
        self.connections: set[Downstream] = set()
        self.is_draining = False
        self.all_gone = asyncio.Event()
        self._credentials: dict[tuple[int, ...], Credentials] = {}
        # Unique is enough for a request id: a random start and a counter cost a tenth of urandom.
        self._request_ids = _request_ids()

    def flush_access_log(self) -> None:
        """Write what the access log has buffered."""
        self.access_log.flush()

    def next_request_id(self) -> str:
        """Return 32 hexadecimal digits, as nginx's ``$request_id``."""
        return next(self._request_ids)

    def credentials_of(self, peer: PeerIdentity) -> Credentials:
        """Return what is known about a peer; one object for all connections of a certificate.

        Reading a certificate and writing it into header lines costs 150 µs, a sixth of a
        handshake. Strangers' certificates are not kept: whoever floods us with them gains nothing.
        """
        if not peer.judged or peer.errors:
            return Credentials(peer)
        # The parser knows a returning certificate, so the very objects are the same; and while an
        # entry lives, they live. Comparing by value would hash two certificates, 15 µs.
        key = tuple(map(id, peer.chain))
        known = self._credentials.get(key)
        if known is None:
            if len(self._credentials) >= _MAX_CREDENTIALS:
                self._credentials.clear()
            known = self._credentials[key] = Credentials(peer)
        return known

    def admit(self, connection: Downstream) -> bool:
        """Take a new connection in, unless ``limits.connections`` are there already."""
        limit = self.snapshot.limits.connections
        if limit and len(self.connections) >= limit:
            _log.warning("connection refused: limits.connections is reached", limit=limit)
            return False
        self.connections.add(connection)
        return True

    def admit_from(self, address: str, connection: Downstream) -> bool:
        """Count a connection for its address, unless there are too many; before any handshake."""
        visitors = self.snapshot.visitors
        if visitors is None or visitors.on_accept is None:
            return True
        return self.throttle.enter(connection, (visitors.on_accept,), Visitor(address))

    def hand_over(self, connection: Downstream, successor: Downstream) -> None:
        """Let another object go on with a connection that was admitted."""
        self.connections.add(successor)
        self.throttle.hand_over(connection, successor)
        self.forget(connection)

    def forget(self, connection: Downstream) -> None:
        """Take a connection out; it may have been taken out before."""
        self.connections.discard(connection)
        self.throttle.leave(connection)
        if self.is_draining and not self.connections:
            self.all_gone.set()
