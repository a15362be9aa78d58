"""Several servers of one upstream: whose turn it is, who is down, and who is asked next."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.unit.server.fakes import settle
from tests.unit.server.world import GET, OK, World, request

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld
    from tests.unit.server.fakes import Socket
    from tests.unit.server.world import Client

REFUSED = ConnectionRefusedError(111, "Connection refused")
SLOW = {"head": 1e6, "body": 1e6, "keepalive": 1e6}


def app(*servers: Any, **settings: Any) -> dict[str, Any]:
    """Return the keys of a configuration with these servers; a number is a port."""
    named = [f"http://127.0.0.1:{one}" if isinstance(one, int) else one for one in servers]
    return {
        "upstream": None,
        "upstreams": {"app": {"servers": named, **settings}},
        "timeouts": SLOW,
    }


def server(port: int, **settings: Any) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{port}", **settings}


def ports(world: World) -> list[int]:
    return [port for _, port in world.loop.asked]


async def busy(world: World, client: Client) -> Socket:
    """Send a request that stays unanswered; return the connection that has it."""
    before = len(world.servers)
    client.send(GET)
    await settle()
    assert len(world.servers) == before + 1
    return world.servers[-1]


async def test_weights_are_shares(make_world: MakeWorld):
    world = make_world(**app(server(1, weight=3), 2))
    for _ in range(8):
        await busy(world, world.client())
    assert Counter(ports(world)) == {1: 6, 2: 2}


async def test_least_conn_goes_where_the_least_is_under_way(make_world: MakeWorld):
    world = make_world(**app(1, 2, balance="least_conn"))
    slow = world.client()
    await busy(world, slow)
    for _ in range(3):
        client = world.client()
        client.send(GET)
        await settle()
        world.servers[1].feed(OK)
        assert client.statuses() == [200]
    assert ports(world) == [1, 2]


@pytest.mark.parametrize("balance", ["ip_hash", "random_two"])
async def test_the_other_rules_choose_among_all(make_world: MakeWorld, balance: str):
    world = make_world(**app(1, 2, 3, balance=balance))
    for _ in range(30):
        await busy(world, world.client())
    found = set(ports(world))
    assert len(found) == 1 if balance == "ip_hash" else found == {1, 2, 3}


async def test_ip_hash_moves_on_when_its_server_is_down(make_world: MakeWorld):
    world = make_world(**app(1, 2, balance="ip_hash"))
    world.loop.obstacles.append(REFUSED)
    await busy(world, world.client())
    assert set(ports(world)) == {1, 2}


async def test_a_backup_is_asked_only_when_all_others_are_down(make_world: MakeWorld):
    world = make_world(**app(1, server(2, backup=True)))
    await busy(world, world.client())
    assert ports(world) == [1]
    world.loop.obstacles.append(REFUSED)
    await busy(world, world.client())
    assert ports(world) == [1, 1, 2]
    await busy(world, world.client())
    assert ports(world) == [1, 1, 2, 2]


async def test_a_server_gets_no_more_requests_than_max_conns(make_world: MakeWorld):
    world = make_world(**app(server(1, max_conns=2), server(2, max_conns=1)))
    clients = [world.client() for _ in range(3)]
    for client in clients:
        await busy(world, client)
    assert sorted(ports(world)) == [1, 1, 2]
    turned_away = world.client()
    turned_away.send(GET)
    await settle()
    assert turned_away.statuses() == [503]
    world.servers[0].feed(OK)
    turned_away.send(GET)
    await settle()
    assert len(world.servers) == 3  # over the connection that became free
    world.servers[0].feed(OK)
    assert turned_away.statuses() == [503, 200]


async def test_max_conns_counts_for_a_single_server_too(make_world: MakeWorld):
    world = make_world(**app(server(1, max_conns=1)))
    await busy(world, world.client())
    client = world.client()
    client.send(GET)
    await settle()
    assert client.statuses() == [503]
    [record] = world.log.records
    assert (record.error, record.upstream, record.upstream_address) == (
        "upstream_unavailable",
        "app",
        "",
    )


async def test_a_server_that_is_down_is_not_asked_for_ten_seconds(make_world: MakeWorld):
    world = make_world(**app(1, 2))
    world.loop.obstacles.append(REFUSED)
    for _ in range(3):
        await busy(world, world.client())
    assert ports(world) == [1, 2, 2, 2]
    world.tick(10.1)
    for _ in range(2):
        await busy(world, world.client())
    assert sorted(ports(world)[4:]) == [1, 2]


async def test_an_answer_brings_a_server_back(make_world: MakeWorld):
    world = make_world(**app(1, 2))
    world.loop.obstacles.append(REFUSED)
    await busy(world, world.client())
    world.tick(10.1)
    asked = [await busy(world, world.client()) for _ in range(2)]
    for one in asked:
        one.feed(OK)
    group = world.state.pools.group("app")
    assert [peer.health.fails for peer in group.peers] == [0, 0]


async def test_an_upgrade_is_an_answer_too(make_world: MakeWorld):
    world = make_world(**app(1, 2))
    world.loop.obstacles.append(REFUSED)
    await busy(world, world.client())
    world.tick(10.1)
    upgrade = request("Connection: upgrade", "Upgrade: websocket")
    for _ in range(2):
        world.client().send(upgrade)
        await settle()
        world.servers[-1].feed(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
    assert [peer.health.fails for peer in world.state.pools.group("app").peers] == [0, 0]


async def test_when_all_are_down_all_are_asked_all_the_same(make_world: MakeWorld):
    """What is known of them is from the past; nginx answers 502 for ten seconds."""
    world = make_world(**app(1, 2, server(3, backup=True)))
    world.loop.obstacles += [REFUSED] * 6
    client = world.client()
    for _ in range(2):
        client.send(GET)
        await settle()
    assert client.statuses() == [502, 502]
    assert ports(world)[:3] == [1, 2, 3]
    assert sorted(ports(world)[3:5]) == [1, 2]
    assert ports(world)[5:] == [3]
    assert world.counters.upstream_errors == {"app/upstream_unreachable": 6}


async def test_the_answer_of_a_last_resort_brings_it_back(make_world: MakeWorld):
    """From then on nobody else is asked first."""
    world = make_world(**app(1, 2))
    world.loop.obstacles += [REFUSED] * 2
    client = world.client()
    client.send(GET)
    await settle()
    world.tick(1)
    back = await busy(world, client)
    back.feed(OK)
    down = [peer.health.is_down for peer in world.state.pools.group("app").peers]
    assert sorted(down) == [False, True]
    for _ in range(3):
        client.send(GET)
        back.feed(OK)
    assert client.statuses() == [502, 200, 200, 200, 200]
    assert ports(world) == [1, 2, 1 + down.index(False)]


async def test_a_request_that_failed_is_also_sent_to_one_that_was_down(make_world: MakeWorld):
    world = make_world(**app(1, 2))
    world.loop.obstacles.append(REFUSED)
    client = world.client()
    second = await busy(world, client)
    second.reset()
    await settle()
    assert ports(world) == [1, 2]  # the first was asked for this request already
    client.send(GET)
    await settle()
    world.servers[-1].feed(OK)
    world.tick(1)
    assert client.statuses() == [502, 200]


async def test_the_only_server_is_always_asked(make_world: MakeWorld):
    world = make_world(**app(1))
    world.loop.obstacles += [REFUSED, REFUSED]
    client = world.client()
    for _ in range(2):
        client.send(GET)
        await settle()
    assert client.statuses() == [502, 502]
    assert ports(world) == [1, 1]


async def test_max_fails_0_asks_a_server_whatever_it_did(make_world: MakeWorld):
    world = make_world(**app(1, 2, health={"max_fails": 0}))
    world.loop.obstacles.append(REFUSED)
    for _ in range(3):
        await busy(world, world.client())
    assert ports(world) == [1, 2, 1, 2] or Counter(ports(world))[1] >= 2


async def test_a_stale_connection_is_not_the_servers_fault(make_world: MakeWorld):
    """Nginx takes the server out for ten seconds."""
    world = make_world(**app(1, 2))
    client = world.client()
    (await busy(world, client)).feed(OK)
    (await busy(world, client)).feed(OK)
    client.send(GET)
    world.servers[0].reset()
    await settle()
    world.servers[2].feed(OK)
    assert ports(world) == [1, 2, 1]
    assert client.statuses() == [200, 200, 200]
    assert not any(peer.health.fails for peer in world.state.pools.group("app").peers)


# Retries


async def test_a_get_that_got_no_answer_goes_to_the_next_server(make_world: MakeWorld):
    world = make_world(**app(1, 2))
    client = world.client()
    (await busy(world, client)).reset()
    await settle()
    assert ports(world) == [1, 2]
    world.servers[1].feed(OK)
    assert client.statuses() == [200]
    assert world.counters.upstream_errors == {"app/upstream_bad_response": 1}


async def test_so_does_one_that_waited_too_long(make_world: MakeWorld):
    changes = app(1, 2)
    changes["timeouts"] = {**SLOW, "response": 5}
    world = make_world(**changes)
    client = world.client()
    await busy(world, client)
    world.tick(5)
    await settle()
    world.servers[1].feed(OK)
    assert client.statuses() == [200]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(request(method="POST"), id="not idempotent"),
        pytest.param(request("Content-Length: 1", method="PUT", body=b"x"), id="has content"),
    ],
)
async def test_what_cannot_be_repeated_is_not(make_world: MakeWorld, data: bytes):
    world = make_world(**app(1, 2))
    client = world.client()
    client.send(data)
    await settle()
    world.servers[0].reset()
    await settle()
    assert client.statuses() == [502]
    assert ports(world) == [1]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", id="an error of the app"),
        pytest.param(b"garbage\r\n\r\n", id="garbage"),
    ],
)
async def test_a_response_of_whatever_kind_is_the_answer(make_world: MakeWorld, answer: bytes):
    world = make_world(**app(1, 2))
    client = world.client()
    (await busy(world, client)).feed(answer)
    await settle()
    assert client.statuses() in ([500], [502])
    assert ports(world) == [1]


async def test_after_an_interim_response_nobody_else_is_asked(make_world: MakeWorld):
    """The client has a part of the answer already."""
    world = make_world(**app(1, 2))
    client = world.client()
    first = await busy(world, client)
    first.feed(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    first.reset()
    await settle()
    assert client.statuses() == [103, 502]


async def test_each_server_is_asked_once_at_most(make_world: MakeWorld):
    world = make_world(**app(1, 2, 3))
    client = world.client()
    client.send(GET)
    await settle()
    for number in range(3):
        world.servers[number].reset()
        await settle()
    assert client.statuses() == [502]
    assert ports(world) == [1, 2, 3]


async def test_tries_are_bounded(make_world: MakeWorld):
    world = make_world(**app(1, 2, 3, retries={"tries": 2}))
    world.loop.obstacles += [REFUSED, REFUSED]
    client = world.client()
    client.send(GET)
    await settle()
    assert client.statuses() == [502]
    assert ports(world) == [1, 2]


async def test_the_time_of_retries_is_bounded(make_world: MakeWorld):
    world = make_world(**app(1, 2, retries={"timeout": "2s"}))
    client = world.client()
    first = await busy(world, client)
    world.loop.now += 2
    first.reset()
    await settle()
    assert client.statuses() == [502]
    assert ports(world) == [1]
