"""The client's connection: phases, pipelining, back-pressure, deadlines, the end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from proxy.server import downstream as downstream_module
from proxy.server.exchange import Exchange
from proxy.server.forwarding import Forwarding
from proxy.server.request_reader import RequestReader
from proxy.server.tls_transport import TLSTransport
from tests.unit.server.fakes import settle
from tests.unit.server.fault import Fault
from tests.unit.server.world import GET, OK, World, request

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld

MANY = b"x" * 300_000  # more than the high mark of a write buffer
BIG = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(MANY) + MANY
UPLOAD = request("Content-Length: 10", method="POST")


# Requests


async def test_one_request_after_the_other_is_answered(world: World):
    client = world.client()
    server = await world.round_trip(client)
    assert client.statuses() == [200]
    client.send(GET)
    server.feed(OK)
    assert client.statuses() == [200, 200]
    assert len(world.servers) == 1


async def test_pipelined_requests_are_answered_in_order(world: World):
    client = world.client()
    server = await world.forwarded(client, request(path="/1") + request(path="/2") + GET[:10])
    assert server.take().startswith(b"GET /1 ")
    server.feed(OK.replace(b"ok", b"#1"))
    assert server.take().startswith(b"GET /2 ")
    server.feed(OK.replace(b"ok", b"#2"))
    client.send(GET[10:])
    assert server.take().startswith(b"GET / ")
    server.feed(OK)
    client.read()
    assert client.got.index(b"#1") < client.got.index(b"#2")
    assert client.statuses() == [200] * 3


async def test_a_head_may_come_byte_by_byte(world: World):
    client = world.client()
    for at in range(len(GET)):
        client.send(GET[at : at + 1])
    await settle()
    assert world.servers[0].take().startswith(b"GET / HTTP/1.1\r\n")


async def test_empty_lines_before_a_request_are_skipped(world: World):
    """RFC 9112, section 2.2."""
    client = world.client()
    client.send(b"\r\n")
    client.send(b"\r")
    assert (await world.forwarded(client, b"\n\r\n" + GET)).take().startswith(b"GET / ")


async def test_little_of_what_is_no_request_is_logged(world: World):
    """Whoever sends noise without end must not write our disk full with it."""
    client = world.client(None)
    client.send(b"x" * 200_000)
    assert client.statuses() == [414]
    assert world.log.records[0].request_line == b"x" * 1024


@pytest.mark.parametrize(
    ("data", "status", "error"),
    [
        (b"garbage\r\n\r\n", 400, "bad_request"),
        (b"GET / HTTP/2.0\r\n\r\n", 505, "version_not_supported"),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405, "method_not_allowed"),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 9000, 431, "head_too_large"),
    ],
)
async def test_what_is_no_request_is_answered_logged_and_ends_the_connection(
    world: World, data: bytes, status: int, error: str
):
    client = world.client()
    client.send(data + GET)
    assert client.statuses() == [status]
    assert client.has_clean_end
    assert client.socket.has_ended
    [record] = world.log.records
    assert (record.status, record.error) == (status, error)
    assert record.request_line == data.split(b"\r\n")[0]
    assert not world.servers


async def test_what_follows_an_error_is_dropped_and_never_forwarded(world: World):
    """Pipelining with errors: the bytes after a malformed request have no reading."""
    client = world.client()
    client.send(GET[:-2] + b"Content-Length: +1\r\n\r\n" + GET)
    client.send(GET)
    await settle()
    assert client.statuses() == [400]
    assert world.loop.asked == []


async def test_a_refusal_in_a_pipeline_ends_the_connection_and_what_follows_is_dropped(
    world: World,
):
    client = world.client("expired")
    client.send(GET + GET)
    assert client.statuses() == [403]
    assert client.has_clean_end
    assert client.socket.has_ended
    assert world.loop.asked == []


async def test_own_answers_in_a_pipeline_come_one_after_the_other(make_world: MakeWorld):
    """Answers that are ready at once do not pile up the stack."""
    world = make_world(upstream=None, upstreams={"app": {"servers": ["9"]}}, routes=[_ROUTE])
    client = world.client()
    client.send(request(path="/nowhere") * 500)
    assert client.statuses() == [404] * 500


_ROUTE = {"path": "/app/", "upstream": "app"}


# Content


@pytest.mark.parametrize(
    ("lines", "content", "sent"),
    [
        (["Content-Length: 10"], b"0123456789", b"0123456789"),
        (
            ["Transfer-Encoding: chunked"],
            b"4\r\n0123\r\n6\r\n456789\r\n0\r\nX-Trailer: gone\r\n\r\n",
            b"a\r\n0123456789\r\n0\r\n\r\n",
        ),
    ],
)
async def test_content_that_comes_with_the_head_leaves_with_the_head(
    world: World, lines: list[str], content: bytes, sent: bytes
):
    client = world.client()
    server = await world.forwarded(client, request(*lines, method="POST") + content)
    assert server.take().partition(b"\r\n\r\n")[2] == sent


async def test_content_is_passed_on_as_it_comes(world: World):
    client = world.client()
    server = await world.forwarded(client, UPLOAD + b"01234")
    assert server.take().endswith(b"\r\n\r\n01234")
    client.send(b"56")
    assert server.take() == b"56"
    client.send(b"789" + GET)  # and the next request behind it
    assert server.take() == b"789"
    server.feed(OK)
    assert server.take().startswith(b"GET / ")


async def test_malformed_chunks_are_a_400_and_the_upstream_never_sees_an_end(world: World):
    client = world.client()
    data = request("Transfer-Encoding: chunked", method="POST")
    server = await world.forwarded(client, data + b"1\r\nx\r\n")
    client.send(b"zz\r\n")
    assert client.statuses() == [400]
    assert not server.take().endswith(b"0\r\n\r\n")
    assert server.ending == "abort"


async def test_content_over_the_limit_is_413_by_its_announcement(make_world: MakeWorld):
    world = make_world(limits={"body": 9})
    client = world.client()
    client.send(UPLOAD + b"01234")
    client.send(b"56789")
    await settle()
    assert client.statuses() == [413]
    assert world.loop.asked == []


async def test_content_over_the_limit_is_413_when_it_comes(make_world: MakeWorld):
    world = make_world(limits={"body": 9})
    client = world.client()
    data = request("Transfer-Encoding: chunked", method="POST")
    server = await world.forwarded(client, data + b"9\r\n123456789\r\n")
    client.send(b"1\r\nx\r\n0\r\n\r\n")
    assert client.statuses() == [413]
    assert server.ending == "abort"


# Back-pressure


async def test_pipelined_requests_beyond_a_bound_wait_in_the_socket(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    flood = request("X: " + "y" * 4000, path="/flood")
    for _ in range(20):
        client.send(flood)
    assert not client.socket.is_reading()
    assert len(client.connection._reader.buffer) < 80_000
    server.take()
    server.feed(OK)
    assert server.take().startswith(b"GET /flood ")
    for _ in range(20):
        server.feed(OK)
        await settle()
    assert client.statuses() == [200] * 21


async def test_a_client_that_does_not_read_gets_no_further_request_begun(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    server.take()
    client.socket.is_taking = False
    server.feed(BIG)
    client.send(GET)
    await settle()
    assert server.take() == b""
    client.read()
    assert server.take().startswith(b"GET / ")


async def test_a_client_that_sends_without_reading_does_not_fill_the_memory(world: World):
    """Between two requests, too, what it sends is bounded while its answers are stuck."""
    client = world.client()
    server = await world.forwarded(client, GET)
    server.take()
    client.socket.is_taking = False
    server.feed(BIG)
    for _ in range(200):
        client.send(request("X: " + "y" * 4000))
    assert not client.socket.is_reading()
    assert len(client.connection._reader.buffer) < 80_000
    client.socket.is_taking = True
    client.read()
    for _ in range(200):
        await settle()
        server.feed(OK)
    assert client.statuses() == [200] * 201


async def test_a_slow_reader_stops_the_upstream(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    client.socket.is_taking = False
    server.feed(b"HTTP/1.1 200 OK\r\n\r\n", MANY)
    assert not server.is_reading()
    client.read()
    assert server.is_reading()


async def test_a_slow_upstream_stops_the_upload_and_no_deadline_runs(world: World):
    client = world.client()
    server = await world.forwarded(client, request("Content-Length: 999999", method="POST"))
    server.is_taking = False
    client.send(MANY)
    assert not client.socket.is_reading()
    assert client.connection.read_deadline == float("inf")
    server.take()
    assert client.socket.is_reading()
    assert client.connection.read_deadline == world.loop.now + 60


async def test_an_upload_waits_for_the_connection_to_the_upstream(world: World):
    is_up = asyncio.Event()
    world.loop.obstacles.append(is_up)
    client = world.client()
    client.send(UPLOAD + b"01")
    client.send(b"23")
    await settle()
    assert not client.socket.is_reading()
    is_up.set()
    await settle()
    assert world.servers[0].take().endswith(b"\r\n\r\n0123")
    assert client.socket.is_reading()


async def test_an_upload_that_fills_a_new_connection_stops_at_once(world: World):
    """The upstream's pause must not be undone by the connection having come about."""
    world.loop.takes_at_once = False
    client = world.client()
    client.send(request("Content-Length: 999999", method="POST") + MANY)
    await settle()
    assert not client.socket.is_reading()


# Deadlines


async def test_an_idle_connection_is_closed_after_keepalive(world: World):
    client = world.client()
    world.tick(74)
    assert not client.socket.ending
    world.tick(1)
    client.read()
    assert client.has_clean_end
    assert client.socket.ending == "close"
    assert world.log.records == []


async def test_an_idle_client_that_does_not_take_the_end_is_dropped(world: World):
    client = world.client()
    client.socket.is_taking = False
    world.tick(75)
    assert client.socket.ending == "close"
    for _ in range(20):
        world.tick(5)
    assert client.socket.ending == "abort"


async def test_a_slow_head_is_a_408_however_steadily_it_drips(world: World):
    client = world.client()
    for at in range(15):
        client.send(GET[at : at + 1])
        assert client.statuses() == []
        world.tick(1)
    assert client.statuses() == [408]
    assert world.log.records[0].error == "request_timeout"


async def test_a_gap_in_the_content_is_a_408(make_world: MakeWorld):
    world = make_world(limits={"min_rate": 0})
    client = world.client()
    server = await world.forwarded(client, UPLOAD)
    world.tick(59)
    client.send(b"0")
    world.tick(59)
    assert client.statuses() == []
    world.tick(1)
    assert client.statuses() == [408]
    assert server.ending == "abort"
    await settle()
    assert [record.status for record in world.log.records] == [408]


async def test_content_that_drips_is_a_408(world: World):
    """A byte each 59 seconds keeps ``timeouts.body``, and would keep a connection to the app."""
    client = world.client()
    server = await world.forwarded(client, request("Content-Length: 99999", method="POST"))
    client.send(b"x" * 240 * 60)
    world.tick(60 - 1)
    client.send(b"x")
    world.tick(1)
    assert client.statuses() == []  # enough in this minute, too little in the next
    world.tick(58)
    client.send(b"x" * 100)
    world.tick(1)
    assert client.statuses() == []
    world.tick(1)
    assert client.statuses() == [408]
    assert server.ending == "abort"


async def test_time_in_which_the_app_takes_no_more_is_not_the_clients(world: World):
    client = world.client()
    server = await world.forwarded(client, request("Content-Length: 9999999", method="POST"))
    server.is_taking = False
    client.send(MANY)
    for _ in range(9):
        world.tick(6.5)  # the app's own deadline is timeouts.response
    assert client.statuses() == []
    server.take()  # it goes on, and so does the client's time
    world.tick(59)
    assert client.statuses() == []
    world.tick(1)
    assert client.statuses() == [408]


async def test_slow_content_under_a_response_that_has_begun_cuts_it(world: World):
    client = world.client()
    server = await world.forwarded(client, UPLOAD)
    server.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour")
    world.tick(60)
    client.read()
    assert client.socket.ending == "close"
    assert not client.has_clean_end
    assert world.log.records[0].error == "request_timeout"


async def test_a_client_that_does_not_read_is_dropped_after_send(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    client.socket.is_taking = False
    server.feed(BIG)
    world.tick(59)
    assert not client.socket.ending
    world.tick(1)
    assert client.socket.ending == "abort"


async def test_a_cut_response_that_is_not_taken_does_not_hold_the_socket_for_ever(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    client.socket.is_taking = False
    server.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfour")
    server.reset()
    await settle()
    assert client.socket.ending == "close"
    world.tick(29)
    assert client.socket.ending == "close"  # a slow one gets its time
    for _ in range(20):
        world.tick(5)
    assert client.socket.ending == "abort"


@pytest.mark.parametrize(("min_rate", "taken"), [(0, 1), (240, 240 * 60)])
async def test_a_client_that_reads_slowly_but_reads_is_not_dropped(
    make_world: MakeWorld, min_rate: int, taken: int
):
    """``send`` is the gap between two writes, as nginx's ``send_timeout``, and not a total."""
    world = make_world(limits={"min_rate": min_rate})
    client = world.client()
    server = await world.forwarded(client, GET)
    client.socket.is_taking = False
    server.feed(BIG)
    for _ in range(5):
        client.socket.take_some(taken)
        world.tick(60)
        assert not client.socket.ending
    client.socket.take_some(taken - 1)
    world.tick(60)
    assert client.socket.ending == "abort"


# The end


async def test_a_refused_upload_is_read_and_dropped_so_that_the_page_arrives(world: World):
    """Lingering close: a reset would destroy the answer in the client's buffers."""
    client = world.client("expired")
    client.send(request("Content-Length: 999999", method="POST"))
    assert client.statuses() == [403]
    assert client.socket.has_ended
    for _ in range(5):
        client.send(MANY[:100_000])
        world.tick(4)
        assert not client.socket.ending
    world.tick(5)
    assert client.socket.ending == "abort"


async def test_lingering_ends_after_a_total_however_much_comes(world: World):
    client = world.client("expired")
    client.send(request("Content-Length: 999999", method="POST"))
    for _ in range(30):
        assert not client.socket.ending
        client.send(b"x")
        world.tick(1)
    assert client.socket.ending == "abort"


async def test_lingering_waits_for_a_slow_reader_of_the_response(world: World):
    """An early answer to an upload is as long as it likes; the gap counts from its last byte."""
    client = world.client()
    server = await world.forwarded(client, UPLOAD)
    client.socket.is_taking = False
    server.feed(BIG)
    await settle()
    world.tick(6)
    assert not client.socket.ending
    client.socket.is_taking = True
    assert client.read().endswith(b"xxx")
    world.tick(6)
    assert client.socket.ending == "abort"


async def test_lingering_ends_when_the_client_ends(world: World):
    client = world.client("expired")
    client.send(request("Content-Length: 9", method="POST"))
    client.read()
    client.send_end()
    assert client.socket.ending == "close"


async def test_a_client_that_says_goodbye_gets_one(world: World):
    client = world.client()
    client.send_end()
    client.read()
    assert client.has_clean_end
    await settle()
    assert not world.state.connections


async def test_a_client_that_leaves_without_a_word_is_forgotten(world: World):
    client = world.client()
    client.socket.feed(None)
    await settle()
    assert client.socket.ending == "close"
    assert not world.state.connections


@pytest.mark.parametrize("is_clean", [True, False])
async def test_a_client_that_ends_its_side_ends_the_exchange(world: World, *, is_clean: bool):
    client = world.client()
    server = await world.forwarded(client, GET)
    client.send_end() if is_clean else client.socket.feed(None)
    assert server.ending == "abort"
    assert [(one.status, one.error) for one in world.log.records] == [(499, "client_gone")]


@pytest.mark.parametrize("is_clean", [True, False])
async def test_a_response_that_a_half_closed_client_broke_off_does_not_look_complete(
    world: World, *, is_clean: bool
):
    """An HTTP/1.0 client takes the close_notify for the end of the content; it may still read."""
    client = world.client()
    server = await world.forwarded(client, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    server.feed(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
    client.send_end() if is_clean else client.socket.feed(None)
    client.read()
    assert client.got.endswith(b"half of it")
    assert client.socket.ending == "close"
    assert not client.has_clean_end


async def test_a_reset_ends_the_exchange_and_is_logged_once(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    client.socket.reset()
    await settle()
    assert server.ending == "abort"
    assert [record.status for record in world.log.records] == [499]


async def test_a_reset_between_requests_is_not_logged(world: World):
    client = world.client()
    await world.round_trip(client)
    client.socket.reset()
    await settle()
    assert len(world.log.records) == 1


async def test_connection_close_is_honoured(world: World):
    client = world.client()
    server = await world.forwarded(client, request("Connection: close"))
    server.feed(OK)
    assert b"Connection: close" in client.read()
    assert client.has_clean_end
    assert client.socket.ending == "close"


async def test_what_follows_a_request_that_closes_is_lingered_away(world: World):
    client = world.client()
    server = await world.forwarded(client, request("Connection: close") + GET)
    server.take()
    server.feed(OK)
    assert client.statuses() == [200]
    assert client.socket.has_ended
    assert not client.socket.ending
    assert server.take() == b""


async def test_while_draining_an_idle_connection_is_closed_and_a_busy_one_finishes(world: World):
    idle, busy, begun = world.client(), world.client(), world.client()
    server = await world.forwarded(busy, GET)
    begun.send(GET[:5])
    world.state.is_draining = True
    for connection in list(world.state.connections):
        connection.close_if_idle()
    assert (idle.socket.ending, busy.socket.ending, begun.socket.ending) == ("close", "", "")
    server.feed(OK)
    assert b"Connection: close" in busy.read()
    assert busy.socket.ending == "close"
    begun.send(GET[5:])
    server.take()
    server.feed(OK)
    assert begun.statuses() == [200]
    assert begun.socket.ending == "close"
    await settle()
    assert world.state.all_gone.is_set()


async def test_a_limit_is_that_of_the_snapshot_in_force(make_world: MakeWorld):
    """``limits.fields`` of a reload counts for connections that come after it."""
    world = make_world()
    old = world.client()
    limits = world.state.snapshot.limits
    world.swap(limits=replace(limits, fields=2))
    many = request("A: 1", "B: 2", "C: 3")
    await world.round_trip(old)
    fresh = world.client()
    fresh.send(many)
    assert fresh.statuses() == [431]


# Errors of certgate itself


async def test_an_error_while_reading_the_next_request_is_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    """It comes up in a callback of the connection to the first one's app."""
    client = world.client()
    server = await world.forwarded(client, GET + request(path="/second"))
    Fault(monkeypatch, RequestReader, "read_head")
    server.feed(OK)
    assert client.statuses() == [200, 500]
    assert client.has_clean_end
    assert not server.ending
    first, second = world.log.records
    assert (first.status, first.error) == (200, "")
    assert (second.status, second.error) == (500, "internal_error")
    assert second.request_line == b"GET /second HTTP/1.1"


async def test_an_error_between_two_requests_ends_the_connection_without_a_record(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    client = world.client()
    Fault(monkeypatch, TLSTransport, "close")
    world.tick(75)
    assert client.socket.ending == "abort"
    await settle()
    assert not world.state.connections
    assert world.log.records == []


async def test_an_error_at_a_deadline_comes_once(world: World, monkeypatch: pytest.MonkeyPatch):
    client = world.client()
    await world.forwarded(client, UPLOAD)
    Fault(monkeypatch, downstream_module, "_too_slow")
    world.tick(60)
    assert client.statuses() == [500]
    world.tick(60)
    assert [record.error for record in world.log.records] == ["internal_error"]


@pytest.mark.parametrize(
    ("raising", "event", "arguments"),
    [
        ("client_paused", "pause_writing", ()),
        ("client_resumed", "resume_writing", ()),
        ("content_received", "data_received", (b"x",)),
    ],
)
async def test_an_error_under_an_exchange_ends_it(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    raising: str,
    event: str,
    arguments: tuple[bytes, ...],
):
    client = world.client()
    server = await world.forwarded(client, UPLOAD)
    Fault(monkeypatch, Forwarding, raising)
    getattr(client.connection, event)(*arguments)
    assert client.statuses() == [500]
    assert server.ending == "abort"
    assert [record.error for record in world.log.records] == ["internal_error"]


@pytest.mark.parametrize("is_clean", [True, False])
async def test_an_error_when_the_client_ends_leaves_one_record(
    world: World, monkeypatch: pytest.MonkeyPatch, *, is_clean: bool
):
    client = world.client()
    server = await world.forwarded(client, GET)
    Fault(monkeypatch, Exchange, "client_gone")
    if is_clean:
        client.send_end()
    else:
        client.socket.reset()
    await settle()
    assert client.socket.ending
    assert server.ending == "abort"
    assert [record.error for record in world.log.records] == ["internal_error"]
