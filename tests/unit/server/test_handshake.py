"""The first bytes of a connection: TLS in time, a failed handshake counted, plain HTTP answered."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from proxy.server import handshake as handshake_module
from proxy.server.handshake import Handshake
from proxy.tls.connection import TLSConnection
from proxy.tls.context import ClientCertContext
from tests.unit.server.fakes import Socket, settle
from tests.unit.server.fault import Fault
from tests.unit.server.world import GET, OK, PORT, Client, World
from tests.unit.tls.memory import BOTH_VERSIONS, TLS_1_3

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld


def plain(world: World, *pieces: bytes | None, peer: object = ("192.0.2.7", 5)) -> Socket:
    """Return a socket whose peer sent these bytes without TLS."""
    socket = Socket(Handshake(world.state, PORT), peer)
    socket.feed(*pieces)
    return socket


@pytest.mark.parametrize(*BOTH_VERSIONS)
@pytest.mark.parametrize("who", ["good", "expired", None])
async def test_everybody_gets_through_the_handshake(
    world: World, who: str | None, version: ssl.TLSVersion
):
    client = world.client(who, version)
    assert client.connection.logged_client.tls_protocol == version.name.replace("_", ".")
    client.send(GET)
    await settle()
    if who == "good":
        world.servers[0].feed(OK)
    assert client.statuses() == [200 if who == "good" else 403]


async def test_a_request_that_comes_with_the_end_of_the_handshake_is_answered(world: World):
    """TLS 1.3: the client's Finished and its first request may be one segment."""
    client = Client(world.state, "good", TLS_1_3)
    assert not client.step()
    client.tls.do_handshake()
    client.socket.feed(client.sealed(GET))
    await settle()
    world.servers[0].feed(OK)
    assert client.statuses() == [200]


async def test_a_handshake_may_come_byte_by_byte(world: World):
    client = Client(world.state, "good")
    feed = client.socket.feed
    client.socket.feed = (
        lambda *pieces: feed(  # type: ignore[method-assign]
            *(piece[at : at + 1] for piece in pieces if piece for at in range(len(piece)))
        )
    )
    client.shake_hands()
    await world.round_trip(client)
    assert client.statuses() == [200]


@pytest.mark.parametrize("start", [b"", b"\x16\x03\x01"])
async def test_a_client_that_is_too_slow_is_dropped_and_counted(world: World, start: bytes):
    socket = plain(world, *([start] if start else []))
    world.tick(9)
    assert not socket.ending
    world.tick(1)
    assert socket.ending == "abort"
    assert world.counters.handshake_failures == {"timeout": 1}
    await settle()
    assert not world.state.connections


@pytest.mark.parametrize("start", [b"", b"\x16\x03\x01"])
async def test_a_client_that_leaves_is_counted(world: World, start: bytes):
    socket = plain(world, *([start] if start else []), None)
    assert socket.ending == "close"
    assert world.counters.handshake_failures == {"client left": 1}


async def test_a_handshake_that_fails_gets_its_alert(world: World):
    socket = plain(world, b"\x16\x03\x01\x00\x05hello")
    assert socket.ending == "close"
    assert socket.take()[0] == 21
    assert sum(world.counters.handshake_failures.values()) == 1
    await settle()
    assert not world.state.connections


async def test_reject_with_alert_refuses_in_the_handshake(make_world: MakeWorld):
    world = make_world(client_auth={"ca": "ca.crt", "reject_with": "alert"})
    client = Client(world.state, "expired", ssl.TLSVersion.TLSv1_2)
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        client.shake_hands()
    assert client.socket.ending == "close"
    await world.round_trip(world.client())


async def test_plain_http_is_told_to_use_https(world: World):
    socket = plain(world, GET, b"more")
    answer = socket.take()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"8443" in answer
    assert socket.has_ended
    assert not socket.ending
    assert world.counters.handshake_failures == {"plain http": 1}
    [record] = world.log.records
    assert (record.status, record.error) == (400, "plain_http")
    assert record.request_line == b"GET / HTTP/1.1"
    assert record.remote_addr == "192.0.2.7"
    socket.feed(None)
    assert socket.ending == "close"


async def test_a_plain_client_that_stays_is_dropped(world: World):
    socket = plain(world, GET)
    world.tick(4)
    socket.feed(b"more and more")
    world.tick(1)
    assert socket.ending == "abort"
    assert world.counters.handshake_failures == {"plain http": 1}


async def test_a_plain_line_without_end_is_not_logged_without_end(world: World):
    plain(world, b"GET /" + b"x" * 100_000)
    assert len(world.log.records[0].request_line) == 1024


@pytest.mark.parametrize(
    "start", [b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\n", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"]
)
async def test_a_proxy_header_where_none_is_expected_is_named(world: World, start: bytes):
    """The operator has forgotten one of two settings, or somebody tries it."""
    socket = plain(world, start)
    assert socket.ending == "abort"
    assert socket.take() == b""
    assert world.counters.handshake_failures == {"unexpected proxy_protocol": 1}
    assert world.log.records == []


async def test_a_peer_without_an_address_is_logged_without_one(world: World):
    plain(world, GET, peer="")
    assert world.log.records[0].remote_addr == ""


async def test_what_is_neither_tls_nor_http_is_dropped(world: World):
    socket = plain(world, b"\x00\x01\x02")
    assert socket.ending == "abort"
    assert socket.take() == b""
    assert world.counters.handshake_failures == {"not tls": 1}
    assert world.log.records == []


async def test_the_snapshot_of_the_moment_of_connecting_is_used(make_world: MakeWorld):
    """A reload never swaps the context inside a handshake."""
    world = make_world()
    client = Client(world.state, "good")
    client.step()
    world.swap(tls=None)
    client.shake_hands()
    await world.round_trip(client)
    assert client.statuses() == [200]


async def test_an_aborted_handshake_is_forgotten(world: World):
    socket = plain(world)
    [handshake] = world.state.connections
    handshake.close_if_idle()
    assert not socket.ending
    handshake.abort()
    await settle()
    assert not world.state.connections


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (ClientCertContext, "new_connection"),
        (TLSConnection, "handshake"),
        (handshake_module, "read_peer"),
        (handshake_module, "DownstreamConnection"),
    ],
)
async def test_an_error_of_certgate_itself_ends_the_connection(
    world: World, monkeypatch: pytest.MonkeyPatch, owner: object, name: str
):
    """asyncio would log it and let the client wait for the deadline."""
    fault = Fault(monkeypatch, owner, name)
    with capture_logs() as logs:
        client = Client(world.state, "good")
        while client.socket.ending != "abort":
            client.step()
    assert client.socket.ending == "abort"
    assert world.state.counters.handshake_failures == {"internal_error": 1}
    assert [entry["log_level"] for entry in logs] == ["error"]
    await settle()
    assert not world.state.connections
    fault.is_armed = False
    await world.round_trip(world.client("good"))
