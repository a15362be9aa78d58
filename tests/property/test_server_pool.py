"""The pool, used in every order: no connection has two owners, no dead one is handed out."""

from __future__ import annotations

import asyncio
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from proxy.server import pool as pool_module
from tests.unit.server.fakes import Outcome, Socket, settle
from tests.unit.server.world import World, snapshot_of

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from proxy.http1.messages import ResponseHead
    from proxy.server.upstream import UpstreamConnection
    from proxy.server.upstream_failure import UpstreamFailure
    from proxy.snapshot import Snapshot

_MAX_IDLE = 3
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@cache
def snapshot() -> Snapshot:
    with tempfile.TemporaryDirectory() as folder:
        return snapshot_of(Path(folder))


class Asker:
    """An exchange's side: who asked, and what came."""

    method = b"GET"
    is_request_sent = True

    def __init__(self, number: int) -> None:
        self.number = number
        self.got = b""
        self.is_over = False

    def upstream_interim(self, head: ResponseHead) -> None:
        raise AssertionError("nobody sends one")

    def upstream_switched(self, head: ResponseHead, rest: bytes) -> None:
        raise AssertionError("nobody sends one")

    def upstream_response(self, head: ResponseHead, content: bytes, *, ended: bool) -> None:
        self.upstream_content(content, ended=ended)

    def upstream_content(self, content: bytes, *, ended: bool) -> None:
        assert not self.is_over, "bytes after the end of the response"
        self.got += content
        self.is_over = ended

    def upstream_failed(self, failure: UpstreamFailure) -> None:
        assert not self.is_over, "a failure after the end of the response"
        self.is_over = True

    def upstream_paused(self) -> None:
        """Nothing to pause here."""

    def upstream_resumed(self) -> None:
        """Nothing to resume here."""

    def collapse(self) -> None:
        raise AssertionError("certgate itself has failed")


class PoolMachine(RuleBasedStateMachine):
    """Exchanges, an upstream that does anything, and time."""

    busy = Bundle("busy")

    def __init__(self) -> None:
        super().__init__()
        self.patch = patch.object(pool_module, "_MAX_IDLE", _MAX_IDLE)
        self.patch.start()
        self.runner = asyncio.Runner()
        self.world = World(snapshot())
        self.pool = self.world.state.pools.group("app").peers[0].pool
        self.sockets: dict[UpstreamConnection, Socket] = {}
        self.owners: dict[UpstreamConnection, Asker] = {}
        self.asked = 0

    def teardown(self) -> None:
        self.patch.stop()
        self.runner.close()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(coroutine)

    async def _connect(self) -> UpstreamConnection:
        outcome = Outcome()
        self.pool.connect(5, outcome)
        await settle()
        [connection] = outcome.connections
        self.sockets[connection] = self.world.servers[-1]
        return connection

    @rule(target=busy, is_pooled=st.booleans())
    def ask(self, *, is_pooled: bool) -> UpstreamConnection:
        """Begin an exchange, on an idle connection if there is one."""

        async def begin() -> UpstreamConnection:
            connection = self.pool.take() if is_pooled else None
            if connection is None:
                connection = await self._connect()
            assert not connection.is_lost, "a dead connection was handed out"
            assert connection not in self.owners, "one connection, two exchanges"
            socket = self.sockets[connection]
            assert not socket.ending, "a closed connection was handed out"
            assert socket.is_reading(), "a connection that does not read was handed out"
            self.asked += 1
            asker = self.owners[connection] = Asker(self.asked)
            connection.send_request(asker, b"GET %d\r\n" % self.asked, 60)
            assert socket.take().endswith(b"GET %d\r\n" % self.asked)
            return connection

        made: UpstreamConnection = self.run(begin())
        return made

    @rule(
        target=busy,
        connection=consumes(busy),
        pieces=st.integers(1, 4),
        excess=st.sampled_from([b"", b"", b"", b"HTTP/1.1 200 OK\r\n", OK]),
        closes=st.booleans(),
    )
    def answer(
        self, connection: UpstreamConnection, pieces: int, excess: bytes, *, closes: bool
    ) -> object:
        """Let the upstream answer, in pieces, perhaps with more than was asked for."""
        asker = self.owners.pop(connection)
        was_over = asker.is_over  # time was up before
        body = b"%08d" % asker.number
        extra = b"Connection: close\r\n" if closes else b""
        data = b"HTTP/1.1 200 OK\r\n" + extra + b"Content-Length: 8\r\n\r\n" + body + excess
        size = -(-len(data) // pieces)

        async def feed() -> None:
            for at in range(0, len(data), size):
                self.sockets[connection].feed(data[at : at + size])
            await settle()

        self.run(feed())
        assert asker.is_over
        assert asker.got == (b"" if was_over else body), "somebody else's bytes"
        if excess or closes:
            assert connection.is_lost
        return multiple()

    @rule(target=busy, connection=consumes(busy), how=st.sampled_from(["reset", "fin", "late"]))
    def fail(self, connection: UpstreamConnection, how: str) -> object:
        """Let the upstream go away, or stay silent, before it has answered."""
        asker = self.owners.pop(connection)

        async def end() -> None:
            if how == "reset":
                self.sockets[connection].reset()
            elif how == "fin":
                self.sockets[connection].feed(None)
            else:
                self.world.loop.now += 60
                connection.on_deadline()
            await settle()

        self.run(end())
        assert asker.is_over
        assert connection.is_lost
        return multiple()

    @rule(target=busy, connection=consumes(busy))
    def give_up(self, connection: UpstreamConnection) -> object:
        """Let the client go away."""
        self.owners.pop(connection)

        async def abandon() -> None:
            connection.abandon()
            self.sockets[connection].feed(OK)
            await settle()

        self.run(abandon())
        return multiple()

    @rule(
        data=st.data(),
        how=st.sampled_from(["reset", "fin", "bytes"]),
    )
    def disturb(self, data: st.DataObject, how: str) -> None:
        """Let the upstream end or use an idle connection."""
        idle = list(self.pool._idle)
        if not idle:
            return
        connection = data.draw(st.sampled_from(idle))
        socket = self.sockets[connection]

        async def go() -> None:
            if how == "reset":
                socket.reset()
            else:
                socket.feed(OK if how == "bytes" else None)
                assert connection not in self.pool._idle  # before the loop has told
            await settle()

        self.run(go())
        assert connection.is_lost

    @rule(seconds=st.sampled_from([1, 30, 60]))
    def wait(self, seconds: int) -> None:
        """Let time pass: whoever is idle for a minute, or answers nothing for one, is gone."""

        async def pass_by() -> None:
            self.world.tick(seconds)
            await settle()

        owners = dict(self.owners)
        self.run(pass_by())
        for connection, asker in owners.items():
            assert asker.is_over == connection.is_lost

    @rule()
    def reload(self) -> None:
        """A reload with the same servers changes nothing."""
        idle = list(self.pool._idle)
        self.world.state.pools.adopt(snapshot().upstreams, snapshot().limits)
        assert self.world.state.pools.group("app").peers[0].pool is self.pool
        assert self.pool._idle == idle

    @invariant()
    def idle_ones_are_few_alive_and_nobodys(self) -> None:
        """What the pool holds is bounded and fit for use."""
        idle = self.pool._idle
        assert len(idle) <= _MAX_IDLE
        assert len(set(idle)) == len(idle)
        for connection in idle:
            assert not connection.is_lost
            assert connection not in self.owners
            assert connection in self.world.state.pools.live

    @invariant()
    def nobodys_connection_was_closed_under_them(self) -> None:
        """A connection that is assigned is open until its exchange is told otherwise."""
        for connection, asker in self.owners.items():
            assert asker.is_over or not self.sockets[connection].ending

    @invariant()
    def what_is_in_use_is_what_somebody_holds(self) -> None:
        """``max_conns`` and ``least_conn`` count right, whatever went wrong before."""
        held = [one for one in self.owners if not one.is_lost and one not in self.pool._idle]
        assert self.pool.in_use == len(held)


PoolMachine.TestCase.settings = settings(stateful_step_count=30)
TestPool = PoolMachine.TestCase
