"""A gate inside the test: listener, sweeper and pools on a real loop, with real sockets and TLS."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvloop

from proxy.config.load import load_config
from proxy.observe.counters import Counters
from proxy.server.drain import drain
from proxy.server.inherited import InheritedSockets
from proxy.server.listener import Listener
from proxy.server.state import ServerState
from proxy.server.sweeper import Sweeper
from proxy.snapshot import Snapshot, build_snapshot
from tests.gate import settings, write
from tests.unit.server.world import Log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path

    Scenario = Callable[["Gate"], Coroutine[Any, Any, None]]

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


class Gate:
    """A running gate.

    Attributes:
        state: what its connections share.
        log: its access log.
        errors: what its callbacks raised.
        port: where it listens.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.loop = asyncio.get_running_loop()
        self.log = Log()
        self.errors: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        self.state = ServerState(self.loop, snapshot, self.log, Counters())
        self.state.pools.adopt(snapshot.upstreams, snapshot.limits)
        populations = (self.state.connections, self.state.pools.live)
        self.sweeper = Sweeper(self.state, populations, ())
        self.listener: Listener

    @property
    def port(self) -> int:
        return self.listener.ports[0]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Gate]:
        entry = self.state.snapshot.config.listen[0]
        self.listener = await Listener.open(self.state, entry, InheritedSockets())
        try:
            yield self
        finally:
            await drain(self.state, [self.listener], 0)
            self.sweeper.stop()
            for _ in range(5):
                await asyncio.sleep(0)
        assert not self.errors, self.errors
        assert not self.state.connections
        assert not self.state.pools.live

    async def records(self, count: int) -> list[Any]:
        """Wait for so many lines of the access log."""
        async with asyncio.timeout(20):
            while len(self.log.records) < count:
                await asyncio.sleep(0.005)
        return self.log.records


class Run:
    """Runs a scenario against a gate in front of an upstream."""

    def __init__(self, folder: Path, factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
        self._folder = folder
        self._factory = factory

    def __call__(self, upstream: str, scenario: Scenario, **changes: Any) -> None:
        async def play() -> None:
            path = write(self._folder, settings(self._folder, upstream, **changes))
            async with Gate(build_snapshot(load_config(path, {}))).running() as gate:
                await scenario(gate)

        with asyncio.Runner(loop_factory=self._factory) as runner:
            runner.run(play())


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Run scenarios on each kind of loop."""
    return Run(tmp_path, LOOPS[request.param])
