"""The connection to an upstream: exactly one response to each request, or a failure."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from proxy.http1.messages import ProtocolError
from proxy.server.forwarding import Forwarding
from proxy.server.pool import Pool
from tests.unit.server.fakes import Socket, settle
from tests.unit.server.fault import Fault
from tests.unit.server.world import GET, OK, Client, World, request

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld

ERROR = "upstream_bad_response"


async def asked(world: World, data: bytes = GET) -> tuple[Client, Socket]:
    """Return a client that waits and the upstream connection that it waits for."""
    client = world.client()
    server = await world.forwarded(client, data)
    server.take()
    return client, server


@pytest.mark.parametrize("size", [1, 7, 4096])
async def test_a_response_may_come_in_any_pieces(world: World, size: int):
    client, server = await asked(world)
    data = b"HTTP/1.1 102 Processing\r\n\r\n" + OK
    server.feed(*(data[at : at + size] for at in range(0, len(data), size)))
    assert client.statuses() == [102, 200]
    assert client.got.endswith(b"\r\n\r\nok")
    assert not server.ending


@pytest.mark.parametrize(
    "answer",
    [
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000,
        b"HTTP/1.1 102 Processing\r\n\r\n" * 17,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    ],
)
async def test_what_is_no_response_is_a_502(world: World, answer: bytes):
    client, server = await asked(world)
    server.feed(answer)
    assert client.statuses()[-1] == 502
    assert server.ending == "abort"
    assert world.log.records[0].error == ERROR


async def test_sixteen_interim_responses_are_not_a_flood(world: World):
    client, server = await asked(world)
    server.feed(b"HTTP/1.1 102 Processing\r\n\r\n" * 16 + OK)
    assert client.statuses() == [102] * 16 + [200]


async def test_a_101_to_another_protocol_than_was_asked_for_is_a_502(world: World):
    upgrade = request("Connection: upgrade", "Upgrade: websocket")
    client, server = await asked(world, upgrade)
    switched = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    server.feed(switched)
    assert client.statuses() == [502]


async def test_a_client_that_leaves_at_an_interim_response_gets_nothing_more(world: World):
    """What comes behind it in the same piece is not read on its behalf."""
    client, server = await asked(world)
    transport = client.connection.transport
    write = transport.write

    def leave(data: bytes) -> None:
        write(data)
        client.connection.end_received(clean=True)

    class Leaving:
        def __getattr__(self, name: str) -> object:
            return leave if name == "write" else getattr(transport, name)

    client.connection.transport = Leaving()  # type: ignore[assignment]
    server.feed(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
    assert client.statuses() == [103]
    assert [record.status for record in world.log.records] == [499]


async def test_content_that_is_malformed_cuts_the_response(world: World):
    client, server = await asked(world)
    server.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n", b"zz\r\n")
    client.read()
    assert not client.got.endswith(b"0\r\n\r\n")
    assert not client.has_clean_end
    assert client.socket.ending == "close"


async def test_connection_close_is_honoured(world: World):
    client, server = await asked(world)
    server.feed(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    assert server.ending == "close"
    assert client.statuses() == [200]
    assert not client.socket.ending


async def test_an_end_that_does_not_end_the_response_is_a_failure(world: World):
    client, server = await asked(world)
    server.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour", None)
    await settle()
    client.read()
    assert client.socket.ending == "close"
    assert not client.has_clean_end


async def test_an_idle_connection_that_ends_is_out_of_the_pool_at_once(world: World):
    """A request in the same turn of the loop must not meet it, above all one with content."""
    client = world.client()
    server = await world.round_trip(client)
    server.feed(None)
    client.send(request("Content-Length: 1", method="POST", body=b"x"))
    await settle()
    world.servers[1].feed(OK)
    assert client.statuses() == [200, 200]


async def test_an_idle_connection_is_closed_after_a_minute(world: World):
    server = await world.round_trip(world.client())
    world.tick(59)
    assert not server.ending
    world.tick(1)
    assert server.ending == "abort"
    assert not world.state.pools.live


async def test_a_connection_by_name_is_not_used_for_ever(world: World):
    """The name may have another address by now, and a busy connection is never idle."""
    client = world.client()
    pool = world.state.pools.group("app").peers[0].pool
    pool.max_age = 60.0
    server = await world.round_trip(client)
    world.tick(59)
    assert await world.round_trip(client) is server
    world.tick(2)
    client.send(GET)
    server.feed(OK)
    await settle()
    assert client.statuses() == [200, 200, 200]
    assert server.ending == "close"


async def test_patience_counts_from_the_last_byte(world: World):
    client, server = await asked(world)
    world.tick(59)
    server.feed(OK[:10])
    world.tick(59)
    assert client.statuses() == []
    world.tick(1)
    assert client.statuses() == [504]


async def test_patience_counts_from_the_last_byte_of_an_upload(make_world: MakeWorld):
    world = make_world(limits={"min_rate": 0})
    client, _ = await asked(world, request("Content-Length: 2", method="POST"))
    world.tick(59)
    client.send(b"x")
    world.tick(59)
    client.send(b"x")
    world.tick(59)
    assert client.statuses() == []
    world.tick(1)
    assert client.statuses() == [504]


async def test_an_upstream_that_does_not_take_the_upload_is_a_504(world: World):
    client, server = await asked(world, request("Content-Length: 999999", method="POST"))
    server.is_taking = False
    client.send(b"x" * 300_000)
    assert not client.socket.is_reading()
    world.tick(60)
    assert client.statuses() == [504]


async def test_a_reader_that_is_slow_is_not_the_upstreams_fault(world: World):
    client, server = await asked(world)
    client.socket.is_taking = False
    server.feed(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 300_000)
    world.tick(59)
    client.socket.is_taking = True
    client.read()
    world.tick(59)
    assert not client.socket.ending


async def test_a_connection_that_was_paused_reads_again_before_it_is_pooled(world: World):
    """All of a response may be there in one piece although the client is slow."""
    client, server = await asked(world)
    client.socket.is_taking = False
    server.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 300002\r\n\r\n", b"x" * 300_000)
    assert not server.is_reading()
    client.socket.is_taking = True
    upstream = server.protocol
    upstream.data_received(b"ok")  # type: ignore[attr-defined]  # read before the pause
    assert server.is_reading()
    client.read()
    assert client.got.endswith(b"xxok")


@pytest.mark.parametrize(("scheme", "status"), [("http", 200), ("https", 502)])
async def test_bytes_before_a_reset_count_only_where_anybody_could_say_them_anyway(
    make_world: MakeWorld, scheme: str, status: int
):
    """With TLS, what lies in the kernel is not authentic: an attacker's response and a RST."""
    client, server = await asked(make_world(upstream=f"{scheme}://127.0.0.1:9"))
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.sendall(OK)
        server._extra["socket"] = ours  # type: ignore[attr-defined]
        server.protocol.connection_lost(ConnectionResetError())
    assert client.statuses() == [status]


async def test_an_alert_after_the_handshake_is_a_failure_of_tls(world: World):
    """So does a TLS 1.3 server refuse the gate's certificate."""
    client, server = await asked(world)
    error = ssl.SSLError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED]")
    server.protocol.connection_lost(error)
    assert client.statuses() == [502]
    assert world.log.records[0].error == "upstream_tls_failed"


async def test_a_pause_of_an_idle_connection_concerns_nobody(world: World):
    server = await world.round_trip(world.client())
    upstream = server.protocol
    upstream.pause_writing()
    upstream.resume_writing()
    assert not server.ending


# Errors of certgate itself: see tests/integration/server/test_server_own_errors.py, too


@pytest.mark.parametrize("event", ["pause_writing", "resume_writing", "on_deadline"])
async def test_an_error_of_certgate_itself_is_a_500_and_costs_the_connection(
    world: World, monkeypatch: pytest.MonkeyPatch, event: str
):
    client, server = await asked(world)
    for name in ("upstream_paused", "upstream_resumed", "upstream_failed"):
        Fault(monkeypatch, Forwarding, name)
    getattr(server.protocol, event)()
    assert client.statuses() == [500]
    assert server.ending == "abort"
    assert not world.state.pools.live
    assert [record.error for record in world.log.records] == ["internal_error"]


async def test_an_error_after_the_response_cuts_the_client_and_costs_the_connection(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """It is in the pool by then."""
    client, server = await asked(world)
    fault = Fault(monkeypatch, world.log, "write")
    server.feed(OK)
    assert client.statuses() == [200]
    assert (client.socket.ending, server.ending) == ("abort", "abort")
    fault.is_armed = False
    other = world.client()
    assert await world.round_trip(other) is not server
    assert other.statuses() == [200]


async def test_what_is_malformed_on_an_ended_response_is_nobodys_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """An error of ours that looks like the app's finds nobody who waits for the app."""

    def fail(*_: object, **__: object) -> None:
        raise ProtocolError(400, "bad_request", "surprise")

    client, server = await asked(world)
    monkeypatch.setattr(world.log, "write", fail)
    server.feed(OK)
    assert client.statuses() == [200]
    assert client.socket.ending
    assert server.ending == "abort"


async def test_an_error_without_anybody_who_waits_is_the_event_loops(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    server = await world.round_trip(world.client())
    Fault(monkeypatch, Pool, "remove")
    with pytest.raises(RuntimeError):
        server.feed(None)
