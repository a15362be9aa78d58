"""The connections to one upstream server: made when needed, kept while idle."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from proxy.server.dialling import dial
from proxy.server.upstream import UpstreamConnection
from proxy.server.upstream_failure import connect_failure, connect_timeout, lost_at_once

if TYPE_CHECKING:
    from proxy.server.state import ServerState
    from proxy.server.upstream_handlers import Asker
    from proxy.snapshot import Endpoint

# nginx keeps 32 idle connections a worker, for a minute; one process here does the work of many.
_MAX_IDLE = 128
_IDLE_SECONDS = 60.0
_REST_SECONDS = 0.5
# A busy connection never rests: without an end it would stay with an address that the server's
# name had long ago. nginx ends them after an hour (keepalive_time).
_NAMED_SECONDS = 60.0
_FOR_EVER = float("inf")


class Connecting:
    """A connection that is being made; its outcome is a connection or a failure."""

    __slots__ = ("_task",)

    def __init__(self, task: asyncio.Task[None]) -> None:
        self._task = task

    def cancel(self) -> None:
        """The one who asked is gone."""
        self._task.cancel()


class Pool:
    """The connections to one server.

    Attributes:
        address: of the server, for logs.
        is_tls: it is spoken to over TLS.
        max_age: seconds after which a connection takes no further request.
        max_head, max_fields: of responses; as the newest snapshot has it.
        state: what all connections share.
    """

    __slots__ = (
        "_connecting",
        "_connections",
        "_endpoint",
        "_idle",
        "_live",
        "_resting",
        "address",
        "is_tls",
        "max_age",
        "max_fields",
        "max_head",
        "state",
    )

    def __init__(
        self,
        state: ServerState,
        endpoint: Endpoint,
        live: set[UpstreamConnection],
    ) -> None:
        self.state = state
        self._idle: list[UpstreamConnection] = []
        self._resting: deque[UpstreamConnection] = deque()
        self._connections: set[UpstreamConnection] = set()  # idle or not
        self._connecting: set[asyncio.Task[None] | None] = set()
        self._live = live  # of all pools: the sweeper's population
        self.max_head = self.max_fields = 0
        self.address = endpoint.server.address
        self.is_tls = endpoint.tls is not None
        self._endpoint = endpoint
        self.max_age = _NAMED_SECONDS if endpoint.server.is_named else _FOR_EVER

    @property
    def in_use(self) -> int:
        """How many connections have a request under way, or are being made for one."""
        made = len(self._connections) + len(self._connecting)
        return made - len(self._idle) - len(self._resting)

    def take(self) -> UpstreamConnection | None:
        """Return the connection that was used last, or None: it is the least likely to be dead."""
        if self._idle:
            return self._idle.pop()
        if self._resting and self._resting[0].rested_at <= self.state.tick:
            return self._resting.popleft()
        return None

    def rest(self, connection: UpstreamConnection) -> None:
        """Take back a connection whose last response had no content by rule (204, 304, HEAD).

        A faulty app sends some all the same, perhaps a moment later. Then nobody may be waiting
        for an answer on this connection: bytes that nobody asked for close it.
        """
        if len(self._resting) >= _MAX_IDLE:
            connection.abandon()
            return
        connection.rested_at = self.state.tick + _REST_SECONDS
        connection.read_deadline = self.state.tick + _IDLE_SECONDS
        self._resting.append(connection)

    def give(self, connection: UpstreamConnection) -> None:
        """Take back a connection whose response is complete."""
        if len(self._idle) >= _MAX_IDLE:
            connection.abandon()
            return
        connection.read_deadline = self.state.tick + _IDLE_SECONDS
        self._idle.append(connection)

    def remove(self, connection: UpstreamConnection) -> None:
        """Forget a connection that is gone, idle or not."""
        self._live.discard(connection)
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        elif connection in self._resting:
            self._resting.remove(connection)

    def connect(self, seconds: float, asker: Asker) -> Connecting:
        """Make a new connection.

        Args:
            seconds: the longest time that it may take.
            asker: told the outcome, once, and later.
        """
        task = self.state.loop.create_task(self._connect(seconds, asker))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return Connecting(task)

    async def _connect(self, seconds: float, asker: Asker) -> None:
        connection = None
        try:
            connection = await self._made(seconds, asker)
            if connection is not None:
                asker.connected(connection)
        except Exception:  # noqa: BLE001 -- e.g. no thread can be started to look a name up
            asker.collapse()
            if connection is not None:
                connection.abandon()

    async def _made(self, seconds: float, asker: Asker) -> UpstreamConnection | None:
        """Return a new connection, or tell why there is none."""
        try:
            async with asyncio.timeout(seconds):
                connection = await dial(
                    self.state.loop, self._endpoint, lambda: UpstreamConnection(self)
                )
        except TimeoutError:
            asker.not_connected(connect_timeout(self.address, seconds))
        except (OSError, UnicodeError) as error:  # the latter: a name that DNS cannot hold
            asker.not_connected(connect_failure(self.address, error, is_tls=self.is_tls))
        else:
            if not connection.is_lost:
                self._live.add(connection)
                self._connections.add(connection)
                self._connecting.discard(asyncio.current_task())
                return connection
            asker.not_connected(lost_at_once(self.address))  # uvloop reads before our turn
        return None

    def close_idle(self) -> None:
        """Close what nobody uses."""
        for connection in (*self._idle, *self._resting):
            connection.abandon()
