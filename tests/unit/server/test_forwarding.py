"""Forwarding: retries, early answers, interim responses, framing, and nobody else's bytes."""

from __future__ import annotations

import asyncio
import re
from email.utils import formatdate
from typing import TYPE_CHECKING

import pytest

from tests.unit.server.fakes import settle
from tests.unit.server.world import GET, OK, World, request

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld

POST = request("Content-Length: 4", method="POST", body=b"post")
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n"


# A connection that died while it was idle


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])
async def test_a_stale_connection_is_replaced_without_the_client_knowing(world: World, method: str):
    client = world.client()
    stale = await world.round_trip(client)
    client.send(request(method=method))
    stale.reset()
    await settle()
    fresh = world.servers[1]
    assert fresh.take().startswith(method.encode())
    fresh.feed(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert client.statuses() == [200, 204]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(request(method="POST"), id="not idempotent"),
        pytest.param(POST.replace(b"POST", b"PUT"), id="has content"),
    ],
)
async def test_what_cannot_be_repeated_safely_is_not(world: World, data: bytes):
    client = world.client()
    stale = await world.round_trip(client)
    client.send(data)
    stale.reset()
    await settle()
    assert client.statuses() == [200, 502]
    assert len(world.servers) == 1


async def test_a_new_connection_that_dies_is_the_upstreams_answer(world: World):
    client = world.client()
    (await world.forwarded(client, GET)).reset()
    await settle()
    assert client.statuses() == [502]
    assert len(world.servers) == 1


async def test_there_is_one_retry_and_no_more(world: World):
    client = world.client()
    stale = await world.round_trip(client)
    client.send(GET)
    stale.reset()
    await settle()
    world.servers[1].reset()
    await settle()
    assert client.statuses() == [200, 502]
    assert len(world.servers) == 2


async def test_a_connection_that_answered_in_part_is_not_stale(world: World):
    client = world.client()
    server = await world.round_trip(client)
    client.send(GET)
    server.feed(EARLY_HINTS)
    server.reset()
    await settle()
    assert client.statuses() == [200, 103, 502]
    assert len(world.servers) == 1


# Connecting


async def test_an_upstream_that_is_down_is_a_502_and_the_client_stays(world: World):
    world.loop.obstacles.append(ConnectionRefusedError(111, "Connection refused"))
    client = world.client()
    client.send(GET)
    await settle()
    assert client.statuses() == [502]
    assert world.log.records[0].error == "upstream_unreachable"
    assert world.log.records[0].upstream_address == "127.0.0.1:9"
    await world.round_trip(client)
    assert client.statuses() == [502, 200]


async def test_the_next_server_is_tried_whatever_the_method(make_world: MakeWorld):
    servers = ["http://127.0.0.1:9", "http://127.0.0.1:10"]
    world = make_world(upstream=None, upstreams={"app": {"servers": servers}})
    world.loop.obstacles.append(ConnectionRefusedError(111, "Connection refused"))
    client = world.client()
    server = await world.forwarded(client, POST)
    assert world.loop.asked == [("127.0.0.1", 9), ("127.0.0.1", 10)]
    assert server.take().endswith(b"\r\n\r\npost")
    server.feed(OK)
    assert client.statuses() == [200]
    assert world.log.records[0].upstream_address == "127.0.0.1:10"


async def test_servers_take_turns(make_world: MakeWorld):
    servers = ["http://127.0.0.1:9", "http://127.0.0.1:10"]
    world = make_world(upstream=None, upstreams={"app": {"servers": servers}})
    client = world.client()
    for _ in range(2):
        client.send(GET)
        await settle()
        world.servers[-1].feed(OK)
    assert [port for _, port in world.loop.asked] == [9, 10]


async def test_a_connection_that_takes_too_long_is_a_504(make_world: MakeWorld):
    world = make_world(timeouts={"connect": 0.01})
    world.loop.obstacles.append(asyncio.Event())
    client = world.client()
    client.send(GET)
    while not world.log.records:
        await asyncio.sleep(0.005)
    assert client.statuses() == [504]


async def test_a_client_that_leaves_while_connecting_makes_no_connection(world: World):
    is_up = asyncio.Event()
    world.loop.obstacles.append(is_up)
    client = world.client()
    client.send(GET)
    await settle()
    client.send_end()
    is_up.set()
    await settle()
    assert world.servers == []
    assert [record.status for record in world.log.records] == [499]


async def test_a_connection_that_dies_as_it_comes_about_is_a_502_at_once(world: World):
    """An upstream that speaks first: its bytes are nobody's, and nobody waits for a minute."""
    create = world.loop.create_connection

    async def create_and_greet(*arguments: object) -> object:
        made = await create(*arguments)  # type: ignore[arg-type]
        made[0].feed(b"SSH-2.0-OpenSSH_9.2p1\r\n")
        await settle()
        return made

    world.loop.create_connection = create_and_greet  # type: ignore[assignment,method-assign]
    client = world.client()
    client.send(GET)
    for _ in range(4):
        await settle()
    assert client.statuses() == [502]


# Framing


async def test_a_response_of_unknown_length_is_chunked_for_http_1_1(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    server.feed(b"HTTP/1.1 200 OK\r\n\r\none", b"two", None)
    client.read()
    assert client.got.endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert not client.socket.ending


async def test_a_response_of_unknown_length_ends_the_connection_for_http_1_0(world: World):
    client = world.client()
    server = await world.forwarded(client, b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    server.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n")
    client.read()
    assert client.got.endswith(b"\r\n\r\none")
    assert client.has_clean_end


async def test_chunks_of_the_upstream_are_made_anew(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server.feed(head + b"1;x=y\r\na\r\n", b"2\r\nbc", b"\r\n0\r\nX: y\r\n\r\n")
    client.read()
    assert client.got.endswith(b"\r\n\r\n1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")


async def test_a_cut_response_never_looks_complete(world: World):
    client = world.client()
    server = await world.forwarded(client, b"GET / HTTP/1.0\r\n\r\n")
    server.feed(b"HTTP/1.1 200 OK\r\n\r\nhalf")
    server.reset()
    await settle()
    client.read()
    assert client.socket.ending == "close"
    assert not client.has_clean_end
    assert world.log.records[0].error == "upstream_bad_response"
    assert world.counters.upstream_errors == {"app/upstream_bad_response": 1}


# Interim responses


async def test_early_hints_are_passed_on_and_100_is_not(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    server.feed(EARLY_HINTS + b"HTTP/1.1 100 Continue\r\n\r\n" + OK)
    assert client.statuses() == [103, 200]


async def test_http_1_0_gets_no_interim_response(world: World):
    client = world.client()
    server = await world.forwarded(client, b"GET / HTTP/1.0\r\n\r\n")
    server.feed(EARLY_HINTS + OK)
    assert client.statuses() == [200]


async def test_a_client_that_expects_100_gets_it_when_the_upstream_is_there(world: World):
    is_up = asyncio.Event()
    world.loop.obstacles.append(is_up)
    client = world.client()
    client.send(request("Expect: 100-continue", "Content-Length: 4", method="POST"))
    await settle()
    assert client.statuses() == []
    is_up.set()
    await settle()
    assert client.statuses() == [100]
    client.send(b"post")
    assert world.servers[0].take().endswith(b"post")


async def test_a_client_that_did_not_wait_for_100_does_not_get_it(world: World):
    client = world.client()
    data = request("Expect: 100-continue", "Content-Length: 4", method="POST", body=b"post")
    server = await world.forwarded(client, data)
    server.feed(OK)
    assert client.statuses() == [200]


async def test_an_upstream_that_goes_away_under_a_100_is_no_retry(world: World):
    client = world.client()
    server = await world.round_trip(client)
    client.send(request("Expect: 100-continue", "Content-Length: 4", method="PUT"))
    server.reset()
    await settle()
    assert client.statuses() == [200, 100, 502]


# Early answers


async def test_an_answer_before_the_end_of_the_upload_closes_both_connections(world: World):
    client = world.client()
    server = await world.forwarded(client, request("Content-Length: 9", method="POST") + b"half")
    server.feed(OK)
    assert client.statuses() == [200]
    assert b"Connection: close" in client.got
    assert client.socket.has_ended
    assert server.ending == "abort"
    client.send(b"rest!" + GET)
    await settle()
    assert len(world.servers) == 1


async def test_an_upload_goes_on_under_an_answer_that_has_begun(world: World):
    client = world.client()
    server = await world.forwarded(client, request("Content-Length: 4", method="POST"))
    server.take()
    server.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
    client.send(b"post")
    assert server.take() == b"post"
    server.feed(b"k")
    assert client.statuses() == [200]
    assert client.read() == b""
    assert client.socket.ending == "close"
    assert not server.ending  # the request is complete: the connection is good for another


# One client's bytes never reach another


async def test_bytes_after_a_response_are_nobodys(world: World):
    poison = OK.replace(b"ok", b"no")
    first, second = world.client(), world.client()
    server = await world.forwarded(first, GET)
    server.feed(OK + poison)
    assert server.ending == "abort"
    fresh = await world.forwarded(second, GET)
    assert fresh is not server
    fresh.feed(OK)
    assert second.read().endswith(b"ok")
    assert first.read().endswith(b"ok")


async def test_bytes_on_an_idle_connection_are_nobodys(world: World):
    first, second = world.client(), world.client()
    server = await world.round_trip(first)
    server.feed(OK.replace(b"ok", b"no"))
    assert server.ending == "abort"
    fresh = await world.forwarded(second, GET)
    assert fresh is not server
    fresh.feed(OK)
    assert second.read().endswith(b"ok")


async def test_late_bytes_that_meet_the_next_request_cannot_be_known_but_announced_ones_can(
    world: World,
):
    """A 304 that announced content may have it on its way: no further request on it."""
    first, second = world.client(), world.client()
    server = await world.forwarded(first, GET)
    server.feed(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n")
    assert server.ending == "close"
    assert await world.forwarded(second, GET) is not server


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
async def test_content_that_comes_late_and_unannounced_meets_nobody(world: World, status: bytes):
    """After a response without content by rule a connection rests before it is used again."""
    first, second = world.client(), world.client()
    server = await world.round_trip(first, b"HTTP/1.1 %b\r\n\r\n" % status)
    fresh = await world.forwarded(second, GET)
    assert fresh is not server
    server.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")
    assert server.ending == "abort"
    fresh.feed(OK)
    assert second.read().endswith(b"ok")


async def test_a_rested_connection_serves_again(world: World):
    first, second = world.client(), world.client()
    server = await world.round_trip(first, b"HTTP/1.1 304 Not Modified\r\n\r\n")
    world.tick(1)
    assert await world.forwarded(second, GET) is server


async def test_a_client_that_left_does_not_leave_its_answer_to_the_next(world: World):
    first, second = world.client(), world.client()
    server = await world.forwarded(first, GET)
    first.socket.reset()
    await settle()
    server.feed(OK.replace(b"ok", b"no"))
    fresh = await world.forwarded(second, GET)
    assert fresh is not server
    fresh.feed(OK)
    assert second.read().endswith(b"ok")


async def test_a_connection_is_not_pooled_with_unsent_bytes(world: World):
    """An app that answers without reading: what is left of one upload is not the next one's."""
    client = world.client()
    server = await world.forwarded(client, request("Content-Length: 400000", method="POST"))
    server.take()
    server.is_taking = False
    client.send(b"x" * 400_000)
    server.feed(OK)
    assert client.statuses() == [200]
    assert server.ending == "abort"


async def test_a_slow_reader_leaves_the_next_one_a_connection_that_reads(world: World):
    """The last piece fills the client's buffer when the connection is already back in the pool."""
    slow, other = world.client(), world.client()
    server = await world.forwarded(slow, GET)
    server.take()
    slow.socket.is_taking = False
    server.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n", b"x" * 400_000)
    assert server.is_reading()
    assert await world.forwarded(other, GET) is server
    server.feed(OK)
    assert other.statuses() == [200]


# Time


async def test_an_upstream_that_is_silent_is_a_504(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    world.tick(60)
    assert client.statuses() == [504]
    assert server.ending == "abort"


async def test_an_answer_without_a_date_gets_one_each_time_anew(world: World):
    client, dates = world.client(), []
    for _ in range(2):
        world.wall += 1
        dates.append(formatdate(world.wall, usegmt=True).encode())
        (await world.forwarded(client)).feed(OK)
    assert re.findall(rb"Date: (.*)\r\n", client.read()) == dates


async def test_the_date_of_the_app_stays(world: World):
    client = world.client()
    (await world.forwarded(client)).feed(OK.replace(b"\r\n", b"\r\nDate: then\r\n", 1))
    assert re.findall(rb"(?i)date: (.*)\r\n", client.read()) == [b"then"]


@pytest.mark.parametrize("framing", ["Content-Length: 4", "Transfer-Encoding: chunked"])
async def test_a_slow_upload_is_not_the_upstreams_fault(make_world: MakeWorld, framing: str):
    """``response`` counts from the end of the request, as nginx's ``proxy_read_timeout``."""
    world = make_world(timeouts={"response": 10})
    halves = [b"2\r\nab\r\n", b"2\r\ncd\r\n0\r\n\r\n"] if "chunked" in framing else [b"ab", b"cd"]
    client = world.client()
    server = await world.forwarded(client, request(framing, method="POST", body=halves[0]))
    world.tick(59)
    assert client.statuses() == []
    client.send(halves[1])
    world.tick(9)
    assert client.statuses() == []
    world.tick(1)
    assert client.statuses() == [504]
    assert server.ending == "abort"


async def test_an_event_stream_has_the_patience_of_a_tunnel(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    server.feed(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    world.tick(3599)
    server.feed(b"data: 1\n\n")
    world.tick(3599)
    client.read()
    assert not client.socket.ending
    world.tick(1)
    client.read()
    assert client.socket.ending == "close"
    assert not client.has_clean_end


async def test_while_draining_the_answer_says_that_it_was_the_last(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    world.state.is_draining = True
    server.feed(OK)
    assert b"Connection: close" in client.read()
    assert client.socket.ending == "close"
