"""Tunnels after a 101: bytes both ways, half-close, back-pressure, deadlines, revocation."""

from __future__ import annotations

import pytest

from tests.pki import client as identity_of
from tests.unit.server.fakes import Socket, settle
from tests.unit.server.world import Client, World, request

UPGRADE = request("Connection: upgrade", "Upgrade: websocket")
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
MANY = b"x" * 300_000


async def opened(world: World, early: bytes = b"", first: bytes = b"") -> tuple[Client, Socket]:
    """Return both ends of a tunnel; ``early`` comes with the request, ``first`` with the 101."""
    client = world.client()
    server = await world.forwarded(client, UPGRADE + early)
    server.take()
    server.feed(SWITCHED + first)
    return client, server


async def test_bytes_go_both_ways(world: World):
    client, server = await opened(world, b"early", b"first")
    assert server.take() == b"early"
    assert client.read().endswith(b"\r\n\r\nfirst")
    client.send(b"ping")
    assert server.take() == b"ping"
    server.feed(b"pong")
    assert client.read() == b"pong"
    assert client.statuses() == [101]
    assert world.log.records == []


async def test_the_client_may_end_first(world: World):
    client, server = await opened(world)
    client.send_end()
    assert server.has_ended
    server.feed(b"last words")
    assert client.read().endswith(b"last words")
    server.feed(None)
    client.read()
    assert client.has_clean_end
    await settle()
    assert server.ending == "close"
    assert client.socket.ending == "close"
    [record] = world.log.records
    assert (record.status, record.error) == (101, "")
    assert record.body_bytes_sent == len(b"last words")


async def test_the_upstream_may_end_first(world: World):
    client, server = await opened(world)
    server.feed(None)
    client.read()
    assert client.has_clean_end
    client.send(b"last words")
    assert server.take() == b"last words"
    client.send_end()
    await settle()
    assert server.ending == "close"
    assert world.log.records[0].error == ""


async def test_over_tls_the_client_ends_both_directions(world: World):
    """asyncio cannot end one direction of a TLS connection, and the app has to hear of the end."""
    client, server = await opened(world)
    server.can_half_close = False
    client.send_end()
    await settle()
    assert server.ending == "close"
    assert world.log.records[0].error == ""


async def test_over_tls_the_app_ends_both_directions(world: World):
    client, server = await opened(world)
    server.can_half_close = False
    server.feed(None)
    await settle()
    client.read()
    assert client.has_clean_end
    assert world.log.records[0].error == ""


async def test_a_client_that_is_cut_off_does_not_look_like_one_that_ended(world: World):
    client, server = await opened(world)
    client.socket.feed(None)
    assert server.ending == "abort"
    assert not server.has_ended
    await settle()
    assert [record.error for record in world.log.records] == ["client_gone"]


async def test_a_client_that_vanishes_resets_the_upstream(world: World):
    client, server = await opened(world)
    client.socket.reset()
    await settle()
    assert server.ending == "abort"
    assert [record.error for record in world.log.records] == ["client_gone"]


async def test_an_upstream_that_vanishes_does_not_look_like_one_that_ended(world: World):
    client, server = await opened(world)
    server.reset()
    await settle()
    client.read()
    assert client.socket.ending == "close"
    assert not client.has_clean_end
    assert [record.error for record in world.log.records] == ["upstream_closed"]


@pytest.mark.parametrize("end", ["client", "server"])
async def test_the_loss_of_a_half_closed_side_is_an_end(world: World, end: str):
    client, server = await opened(world)
    client.send_end()
    (client.socket if end == "client" else server).reset()
    await settle()
    assert [record.error for record in world.log.records] == [""]
    assert not world.state.pools.live


async def test_a_slow_client_stops_the_upstream(world: World):
    client, server = await opened(world)
    client.socket.is_taking = False
    server.feed(MANY)
    assert not server.is_reading()
    client.socket.is_taking = True
    client.read()
    assert server.is_reading()


async def test_a_slow_upstream_stops_the_client(world: World):
    client, server = await opened(world)
    server.is_taking = False
    client.send(MANY)
    assert not client.socket.is_reading()
    server.take()
    assert client.socket.is_reading()


async def test_the_last_bytes_reach_a_slow_client(world: World):
    """The tunnel is over, but what was written is not yet there."""
    client, server = await opened(world)
    client.send_end()
    client.socket.is_taking = False
    server.feed(MANY[:200_000], None)
    await settle()
    world.tick()
    assert client.socket.ending == "close"
    client.read()
    assert client.got.endswith(MANY[:200_000])


async def test_a_silent_tunnel_is_cut_and_a_live_one_is_not(world: World):
    client, server = await opened(world)
    world.tick(3599)
    server.feed(b"x")
    world.tick(3599)
    client.send(b"x")
    world.tick(3599)
    assert not server.ending
    world.tick(1)
    assert server.ending == "abort"
    await settle()
    assert [record.error for record in world.log.records] == ["tunnel_timeout"]


@pytest.mark.parametrize("slow", ["client", "server"])
async def test_a_reader_that_is_slow_is_not_silent(world: World, slow: str):
    """It takes what waits for it, so slowly that its own side says nothing for hours."""
    client, server = await opened(world)
    reader = client.socket if slow == "client" else server
    reader.is_taking = False
    (server.feed if slow == "client" else client.send)(MANY)
    for _ in range(3):
        world.tick(3600)
        assert not server.ending
        reader.take_some(1000)
    world.tick(3600)
    world.tick(3600)
    assert server.ending == "abort"
    assert [record.error for record in world.log.records] == ["tunnel_timeout"]


async def test_a_client_that_just_leaves_after_the_apps_end_did_nothing_wrong(world: World):
    """Without a close_notify; what it said may have been cut off, all the same."""
    client, server = await opened(world)
    server.feed(None)
    client.read()
    client.socket.feed(None)
    assert server.ending == "abort"
    await settle()
    assert [record.error for record in world.log.records] == [""]


async def test_the_end_of_a_drain_is_not_the_clients_doing(world: World):
    _, server = await opened(world)
    [connection] = world.state.connections
    connection.abort()
    assert server.ending == "abort"
    await settle()
    assert [record.error for record in world.log.records] == ["shutting_down"]


async def test_a_tunnel_has_no_other_deadline(world: World):
    client, server = await opened(world)
    client.socket.is_taking = False
    server.feed(MANY)
    world.tick(3000)
    assert not server.ending
    assert not client.socket.ending


async def test_a_tunnel_of_a_certificate_that_is_no_longer_good_is_cut(world: World):
    client, server = await opened(world)
    world.tick()
    assert not server.ending
    world.swap(anchors=frozenset())
    world.tick()
    assert server.ending == "abort"
    assert client.socket.ending == "close"
    await settle()
    assert [record.error for record in world.log.records] == ["certificate_no_longer_valid"]


async def test_a_tunnel_is_cut_when_its_certificate_expires(world: World):
    _, server = await opened(world)
    world.wall = identity_of("good").leaf.not_valid_after_utc.timestamp()
    world.tick()
    assert server.ending == "abort"


async def test_what_comes_after_the_end_of_the_upstream_harms_nobody(world: World):
    client, server = await opened(world)
    server.reset()
    client.send(b"x")
    client.send_end()
    await settle()
    assert len(world.log.records) == 1
