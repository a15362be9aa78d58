"""The pools of all servers, from one reload to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.server.fakes import Outcome, settle
from tests.unit.server.world import GET, OK, World

if TYPE_CHECKING:
    from proxy.server.pool import Pool
    from proxy.server.upstream import UpstreamConnection
    from tests.unit.server.conftest import MakeWorld


def pool_of(world: World) -> Pool:
    """Return the connections to the first server."""
    return world.state.pools.group("app").peers[0].pool


@pytest.fixture
def pool(world: World) -> Pool:
    return pool_of(world)


async def connect(pool: Pool) -> UpstreamConnection:
    """Return a new connection."""
    outcome = Outcome()
    pool.connect(5, outcome)
    await settle()
    return outcome.connections[0]


async def test_a_reload_does_not_go_on_with_a_tls_connection(make_world: MakeWorld):
    """It was made under the trust of before."""
    world = make_world(upstream="https://127.0.0.1:9")
    pool = pool_of(world)
    idle = await connect(pool)
    pool.give(idle)
    again = make_world(upstream="https://127.0.0.1:9").state.snapshot
    world.state.pools.adopt(again.upstreams, again.limits)
    assert idle.is_lost
    assert pool_of(world).take() is None


async def test_a_server_that_a_reload_removed_loses_its_idle_connections(make_world: MakeWorld):
    world = make_world(upstream=None, upstreams=_apps(9, 10))
    kept = make_world(upstream=None, upstreams=_apps(10)).state.snapshot
    old, new = (peer.pool for peer in world.state.pools.group("app").peers)
    idle = await connect(old)
    other = await connect(new)
    old.give(idle)
    new.give(other)
    world.state.pools.adopt(kept.upstreams, kept.limits)
    assert idle.is_lost
    assert not other.is_lost
    assert pool_of(world) is new


async def test_a_response_under_way_outlives_its_server_in_the_configuration(
    make_world: MakeWorld,
):
    world = make_world(upstream=None, upstreams=_apps(9))
    client = world.client()
    server = await world.forwarded(client, GET)
    kept = make_world(upstream=None, upstreams=_apps(10)).state.snapshot
    world.state.pools.adopt(kept.upstreams, kept.limits)
    world.state.snapshot = kept
    server.feed(OK)
    assert client.statuses() == [200]
    client.send(GET)
    await settle()
    assert world.loop.asked == [("127.0.0.1", 9), ("127.0.0.1", 10)]
    world.tick(60)
    assert server.ending == "abort"


async def test_closing_leaves_nothing(world: World, pool: Pool):
    idle, busy = [await connect(pool) for _ in range(2)]
    pool.give(idle)
    world.state.pools.close()
    assert idle.is_lost
    assert busy.is_lost
    assert not world.state.pools.live
    assert pool.take() is None


def test_limits_of_a_reload_count_for_old_pools_too(make_world: MakeWorld, pool: Pool):
    fewer = make_world(limits={"head": "1KiB", "fields": 7}).state.snapshot
    pool.state.pools.adopt(fewer.upstreams, fewer.limits)
    assert (pool.max_head, pool.max_fields) == (1024, 7)


def _apps(*ports: int) -> dict[str, object]:
    return {"app": {"servers": [f"http://127.0.0.1:{port}" for port in ports]}}
