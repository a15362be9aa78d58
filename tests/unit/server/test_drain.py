"""The end of a gate: nothing new, what is under way to its end, then the rest cut."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest
from structlog.testing import capture_logs

from proxy.server.downstream import DownstreamConnection
from proxy.server.drain import drain
from tests.unit.server.fakes import settle
from tests.unit.server.fault import Fault
from tests.unit.server.world import GET, OK, Client

if TYPE_CHECKING:
    from proxy.server.listener import Listener
    from tests.unit.server.world import World


class Closed:
    """A listener that is only closed."""

    def __init__(self) -> None:
        self.calls = 0

    def close(self) -> None:
        self.calls += 1


def draining(world: World, seconds: float, *listeners: Closed) -> asyncio.Task[int]:
    return asyncio.ensure_future(
        drain(world.state, cast("tuple[Listener, ...]", listeners), seconds)
    )


async def test_nothing_is_waited_for_where_nothing_is(world: World):
    listener = Closed()
    assert await draining(world, 1000, listener) == 0
    assert listener.calls == 1


async def test_idle_connections_end_at_once(world: World):
    client = world.client()
    server = await world.round_trip(client)
    assert await draining(world, 1000) == 0
    client.read()
    assert client.has_clean_end
    assert server.ending == "abort"


async def test_a_request_under_way_is_answered_first(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    ending = draining(world, 1000)
    await settle()
    assert not ending.done()
    server.feed(OK)
    assert await ending == 0
    assert client.statuses() == [200]


async def test_a_handshake_under_way_gets_its_answer(world: World):
    """The last handshake is not the last connection."""
    client = Client(world.state, "good")
    client.step()
    ending = draining(world, 1000)
    await settle()
    client.shake_hands()
    await settle()
    assert not ending.done()
    (await world.forwarded(client, GET)).feed(OK)
    assert await ending == 0
    assert client.statuses() == [200]


async def test_what_takes_too_long_is_cut_and_logged(world: World):
    busy, silent = world.client(), Client(world.state, "good")
    server = await world.forwarded(busy, GET)
    assert await draining(world, 0.01) == 2
    assert busy.socket.ending == "abort"
    assert silent.socket.ending == "abort"
    assert server.ending == "abort"
    assert [record.status for record in world.log.records] == [499]


@pytest.mark.parametrize("name", ["close_if_idle", "abort"])
async def test_a_connection_that_breaks_keeps_no_other_one_open(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
):
    for client in (world.client(), world.client()):
        if name == "abort":
            client.send(GET)
    await settle()
    Fault(monkeypatch, DownstreamConnection, name)
    with capture_logs() as logs:
        assert await draining(world, 0.01) == 2
    assert [entry["event"] for entry in logs] == ["an error of certgate itself, while draining"] * 2
