"""An accepted connection is counted, bounded in time, and forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.server.accepted import AcceptedConnection
from tests.unit.server.fakes import Socket, settle
from tests.unit.server.world import PORT, World

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld


async def test_it_counts_until_it_is_lost(world: World):
    socket = Socket(AcceptedConnection(world.state, PORT, 10))
    assert world.state.connections == {socket.protocol}
    socket.close()
    await settle()
    assert not world.state.connections


async def test_one_too_many_is_dropped(make_world: MakeWorld):
    world = make_world(limits={"connections": 1})
    first = Socket(AcceptedConnection(world.state, PORT, 10))
    second = Socket(AcceptedConnection(world.state, PORT, 10))
    assert (first.ending, second.ending) == ("", "abort")
    await settle()
    assert world.state.connections == {first.protocol}


async def test_its_time_is_bounded(world: World):
    socket = Socket(AcceptedConnection(world.state, PORT, 10))
    world.tick(9)
    assert not socket.ending
    world.tick(1)
    assert socket.ending == "abort"


async def test_a_drain_waits_for_it_and_may_cut_it(world: World):
    connection = AcceptedConnection(world.state, PORT, 10)
    socket = Socket(connection)
    connection.close_if_idle()
    assert not socket.ending
    connection.abort()
    assert socket.ending == "abort"


@pytest.mark.parametrize(
    ("trusted", "peer", "port", "endings"),
    [
        ([], ("192.0.2.7", 1), PORT, ["", "abort"]),
        (["192.0.2.7"], ("192.0.2.7", 1), PORT, ["", ""]),
        (["10.0.0.0/8"], ("192.0.2.7", 1), PORT, ["", "abort"]),
        ([], "", 0, ["", ""]),
    ],
)
async def test_a_client_is_counted_but_not_a_proxy_of_many(
    make_world: MakeWorld, trusted: list[str], peer: object, port: int, endings: list[str]
):
    """Nor peers without an address, who are not one."""
    world = make_world(trusted_proxies=trusted, limits={"connections_per": {"address": 1}})
    sockets = [Socket(AcceptedConnection(world.state, port, 10), peer) for _ in range(2)]
    assert [socket.ending for socket in sockets] == endings
