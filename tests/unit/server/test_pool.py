"""The pools of upstream connections."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING

import pytest

from proxy.server import pool as pool_module
from tests.unit.server.fakes import Outcome, settle
from tests.unit.server.fault import Fault

if TYPE_CHECKING:
    from proxy.server.pool import Pool
    from tests.unit.server.conftest import MakeWorld
    from tests.unit.server.world import World


def pool_of(world: World) -> Pool:
    """Return the connections to the first server."""
    return world.state.pools.group("app").peers[0].pool


@pytest.fixture
def pool(world: World) -> Pool:
    return pool_of(world)


async def connect(pool: Pool, seconds: float = 5) -> Outcome:
    outcome = Outcome()
    pool.connect(seconds, outcome)
    await settle()
    return outcome


async def test_the_connection_used_last_is_taken_first(pool: Pool):
    """It is the least likely to be dead."""
    older, newer = [(await connect(pool)).connections[0] for _ in range(2)]
    pool.give(older)
    pool.give(newer)
    assert pool.take() is newer
    assert pool.take() is older
    assert pool.take() is None


async def test_idle_connections_are_bounded(pool: Pool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pool_module, "_MAX_IDLE", 2)
    made = [(await connect(pool)).connections[0] for _ in range(3)]
    for connection in made:
        pool.give(connection)
    assert [connection.is_lost for connection in made] == [False, False, True]


async def test_callbacks_come_later_and_only_one_of_them(world: World, pool: Pool):
    outcome = Outcome()
    pool.connect(5, outcome)
    assert not outcome.connections
    await settle()
    assert len(outcome.connections) == 1
    assert not outcome.failures
    assert outcome.connections[0] in world.state.pools.live


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (OSError("Multiple exceptions: x"), "Multiple exceptions: x"),
        (OSError(), "OSError"),
    ],
)
async def test_a_failure_says_why(world: World, pool: Pool, error: Exception, reason: str):
    world.loop.obstacles.append(error)
    [failure] = (await connect(pool)).failures
    assert (failure.status, failure.code) == (502, "upstream_unreachable")
    assert failure.reason == f"cannot connect to 127.0.0.1:9: {reason}"
    assert not failure.is_stale


@pytest.mark.parametrize(
    "error",
    [
        ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"),
        ConnectionResetError(),
        ConnectionAbortedError("SSL handshake is taking longer than 1 seconds"),
    ],
)
async def test_a_handshake_that_fails_is_told_apart(make_world: MakeWorld, error: Exception):
    world = make_world(upstream="https://127.0.0.1:9")
    world.loop.obstacles.append(error)
    [failure] = (await connect(pool_of(world))).failures
    assert (failure.status, failure.code) == (502, "upstream_tls_failed")


async def test_an_https_server_that_refuses_the_connection_is_merely_down(make_world: MakeWorld):
    world = make_world(upstream="https://127.0.0.1:9")
    world.loop.obstacles.append(ConnectionRefusedError(111, "Connection refused"))
    [failure] = (await connect(pool_of(world))).failures
    assert failure.code == "upstream_unreachable"


async def test_a_unix_socket_is_connected_to(make_world: MakeWorld):
    world = make_world(upstream="unix:/run/app.sock")
    assert (await connect(pool_of(world))).connections
    assert world.loop.asked == [("/run/app.sock", 0)]


async def test_what_is_in_use_is_counted(world: World, pool: Pool):
    """Connections being made count, idle ones do not, and nothing is left over."""
    is_up = asyncio.Event()
    world.loop.obstacles.append(is_up)
    outcome = Outcome()
    pool.connect(5, outcome)
    assert pool.in_use == 1
    is_up.set()
    await settle()
    [connection] = outcome.connections
    assert pool.in_use == 1
    pool.give(connection)
    assert pool.in_use == 0
    assert pool.take() is connection
    assert pool.in_use == 1
    connection.abandon()
    await settle()
    assert pool.in_use == 0


async def test_failed_and_cancelled_attempts_are_not_in_use(world: World, pool: Pool):
    world.loop.obstacles += [ConnectionRefusedError(), asyncio.Event()]
    await connect(pool)
    assert pool.in_use == 0
    connecting = pool.connect(5, Outcome())
    assert pool.in_use == 1
    connecting.cancel()  # before it began
    await settle()
    assert pool.in_use == 0


async def test_a_cancelled_attempt_calls_nobody(world: World, pool: Pool):
    world.loop.obstacles.append(asyncio.Event())
    outcome = Outcome()
    connecting = pool.connect(5, outcome)
    await settle()
    connecting.cancel()
    await settle()
    assert not outcome.connections
    assert not outcome.failures


async def test_an_error_of_certgate_itself_is_told_to_who_waits(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
):
    Fault(monkeypatch, pool_module, "dial")
    outcome = await connect(pool)
    assert (outcome.connections, outcome.failures, outcome.collapses) == ([], [], 1)
    assert pool.in_use == 0


async def test_a_connection_that_its_asker_cannot_take_is_closed(
    world: World, pool: Pool, monkeypatch: pytest.MonkeyPatch
):
    Fault(monkeypatch, Outcome, "connected")
    outcome = await connect(pool)
    assert outcome.collapses == 1
    assert world.servers[0].ending == "abort"
    assert pool.in_use == 0
    assert not world.state.pools.live
