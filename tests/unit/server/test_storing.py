"""Requests that are stored before an app is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from proxy.server.stored_content import StoredContent
from tests.unit.server.fakes import settle
from tests.unit.server.world import GET, OK, World, request

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.server.conftest import MakeWorld

LENGTH = "Content-Length: 10"
CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    return make_world(**storing())


def storing(**buffering: Any) -> dict[str, Any]:
    upstream = {"servers": "http://127.0.0.1:9", "buffering": {"requests": True, **buffering}}
    return {"upstream": None, "upstreams": {"app": upstream}, "limits": {"body": 1000}}


async def test_no_server_is_asked_before_the_request_is_complete(world: World):
    client = world.client()
    client.send(request(LENGTH, method="POST", body=b"01234"))
    await settle()
    assert world.loop.asked == []
    client.send(b"56789")
    await settle()
    [server] = world.servers
    assert server.take().endswith(b"\r\n\r\n0123456789")
    server.feed(OK)
    assert client.statuses() == [200]


async def test_chunks_become_a_length(world: World):
    client = world.client()
    client.send(request(CHUNKED, method="POST", body=b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"))
    await settle()
    got = world.servers[0].take()
    assert b"\r\nContent-Length: 5\r\n" in got
    assert b"chunked" not in got
    assert got.endswith(b"\r\n\r\nabcde")


async def test_no_content_in_chunks_is_a_length_of_nothing(world: World):
    client = world.client()
    client.send(request(CHUNKED, method="POST", body=b"0\r\n\r\n"))
    await settle()
    got = world.servers[0].take()
    assert b"\r\nContent-Length: 0\r\n" in got
    world.servers[0].feed(OK)
    assert client.statuses() == [200]


async def test_the_same_head_streams_where_nothing_is_stored(make_world: MakeWorld):
    """What is remembered of a head does not carry the one's length to the other."""
    world = make_world(
        **{
            **storing(),
            "upstreams": {
                "app": storing()["upstreams"]["app"],
                "streaming": {"servers": "http://127.0.0.1:10"},
            },
            "routes": [{"upstream": "app"}, {"path": "/stream", "upstream": "streaming"}],
        }
    )
    client = world.client()
    for path in ("/", "/stream", "/"):
        client.send(request(CHUNKED, method="POST", path=path, body=b"1\r\nx\r\n0\r\n\r\n"))
        await settle()
        [server] = [one for one in world.servers if one.taken]
        stored = path == "/"
        got = server.take()
        assert (b"Content-Length: 1\r\n" in got) is stored
        assert (b"chunked" in got) is not stored
        server.feed(OK)
    assert client.statuses() == [200] * 3


async def test_a_request_without_content_is_forwarded_as_ever(world: World):
    client = world.client()
    await world.round_trip(client, OK)
    client.send(GET)
    assert world.servers[0].taken
    assert client.connection._exchange is not None
    assert client.connection._exchange.stored is None


async def test_a_client_that_waits_is_told_to_go_on_at_once(world: World):
    client = world.client()
    client.send(request(LENGTH, "Expect: 100-continue", method="POST"))
    assert client.statuses() == [100]
    client.send(b"0123456789")
    await settle()
    world.servers[0].feed(OK)
    assert client.statuses() == [100, 200]
    assert b"Expect" not in world.servers[0].taken


async def test_content_beyond_the_limit_is_refused_and_forgotten(world: World):
    client = world.client()
    client.send(request(CHUNKED, method="POST", body=b"3e9\r\n" + b"x" * 1001))
    await settle()
    assert client.statuses() == [413]
    assert world.loop.asked == []
    assert world.state.buffering_memory.free == 64 << 20


async def test_a_client_that_leaves_is_forgotten(world: World):
    client = world.client()
    client.send(request(LENGTH, method="POST", body=b"01234"))
    assert world.state.buffering_memory.free == (64 << 20) - 5
    client.send_end()
    await settle()
    assert world.state.buffering_memory.free == 64 << 20
    assert [record.error for record in world.log.records] == ["client_gone"]


async def test_a_disk_that_takes_nothing_is_a_507_and_the_log_says_so(
    make_world: MakeWorld, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "spool"
    folder.mkdir()
    world = make_world(**storing(memory=0, folder=str(folder)))
    folder.rmdir()
    client = world.client()
    client.send(request(LENGTH, "Accept: text/plain", method="POST", body=b"01234"))
    assert client.statuses() == [507]
    assert world.log.records[0].error == "body_not_stored"
    assert world.loop.asked == []


async def test_the_time_of_the_upload_is_not_the_apps(world: World):
    client = world.client()
    client.send(request(LENGTH, method="POST", body=b"01234"))
    world.loop.now += 30
    client.send(b"56789")
    await settle()
    world.loop.now += 2
    world.servers[0].feed(OK)
    [record] = world.log.records
    assert record.request_time == pytest.approx(32)
    assert record.upstream_time == pytest.approx(2)


async def test_a_client_that_takes_no_answer_meanwhile_changes_nothing(world: World):
    """Its earlier answer waits in our buffers; what it sends has its place."""
    client = world.client()
    client.send(request(LENGTH, method="POST", body=b"01234"))
    client.connection.pause_writing()
    client.connection.resume_writing()
    client.send(b"56789")
    await settle()
    assert world.servers[0].take().endswith(b"0123456789")


# StoredForwarding


BIG = 700_000


@pytest.fixture
def big(make_world: MakeWorld) -> World:
    changes = storing()
    changes["limits"] = {"body": BIG}
    return make_world(**changes)


def upload(size: int = BIG) -> bytes:
    return request(f"Content-Length: {size}", method="PUT", body=b"x" * size)


async def test_large_content_goes_out_in_pieces_as_fast_as_the_app_takes_it(big: World):
    big.loop.takes_at_once = False
    client = big.client()
    client.send(upload())
    await settle()
    [server] = big.servers
    assert server._is_paused
    assert len(server._unsent) < BIG
    got = b""
    while len(got) < BIG:
        server.is_taking = True
        got += server.take()
        server.is_taking = False
        await settle()
    assert got.count(b"x") >= BIG
    server.is_taking = True
    server.feed(OK)
    assert client.statuses() == [200]


async def test_a_server_that_fails_in_the_middle_is_followed_by_another_from_the_beginning(
    make_world: MakeWorld,
):
    changes = storing()
    changes["upstreams"]["app"]["servers"] = ["http://127.0.0.1:9", "http://127.0.0.1:10"]
    changes["limits"] = {"body": BIG}
    world = make_world(**changes)
    client = world.client()
    client.send(upload())
    await settle()
    world.servers[0].reset()
    await settle()
    assert world.servers[1].take().endswith(b"\r\n\r\n" + b"x" * BIG)
    world.servers[1].feed(OK)
    assert client.statuses() == [200]


async def test_a_post_that_was_sent_is_not_sent_again(make_world: MakeWorld):
    """Its content is still there; what it did is not known."""
    changes = storing()
    changes["upstreams"]["app"]["servers"] = ["http://127.0.0.1:9", "http://127.0.0.1:10"]
    world = make_world(**changes)
    client = world.client()
    client.send(request(LENGTH, method="POST", body=b"0123456789"))
    await settle()
    world.servers[0].reset()
    await settle()
    assert client.statuses() == [502]
    assert len(world.servers) == 1


async def test_a_stale_connection_is_replaced_for_stored_content_too(world: World):
    client = world.client()
    stale = await world.round_trip(client)
    client.send(request(LENGTH, method="PUT", body=b"0123456789"))
    stale.reset()
    await settle()
    assert world.servers[1].take().endswith(b"0123456789")


async def test_an_answer_in_the_middle_ends_the_upload_and_keeps_the_client(big: World):
    """The client has sent everything: its connection is as good as before."""
    big.loop.takes_at_once = False
    client = big.client()
    client.send(upload())
    await settle()
    [server] = big.servers
    server.feed(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
    await settle()
    assert client.statuses() == [401]
    assert server.ending == "abort"
    assert not client.socket.ending
    assert big.state.buffering_memory.free == 64 << 20


async def test_patience_begins_when_the_app_has_everything(big: World):
    big.loop.takes_at_once = False
    client = big.client()
    client.send(upload())
    await settle()
    [server] = big.servers
    server.is_taking = True
    for _ in range(5):
        server.take()
        await settle()
    big.tick(59)
    assert client.statuses() == []
    big.tick(2)
    await settle()
    assert client.statuses() == [504]


@pytest.mark.parametrize("begun", [False, True])
async def test_a_disk_that_gives_nothing_back_never_looks_like_an_answer(
    big: World, monkeypatch: pytest.MonkeyPatch, begun: bool
):
    big.loop.takes_at_once = False
    client = big.client()
    client.send(upload())
    await settle()
    [server] = big.servers
    if begun:
        server.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfo")

    def read(*_: Any) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(StoredContent, "read", read)
    server.is_taking = True
    server.take()
    await settle()
    assert server.ending == "abort"
    assert client.statuses() == ([200] if begun else [507])
    assert big.log.records[0].error == "body_not_stored"
    assert not begun or not client.has_clean_end


async def test_a_route_with_other_words_is_stored_too(make_world: MakeWorld):
    """The path for the app, its redirect for the client, and chunks that became a length."""
    changes = storing()
    changes["routes"] = [{"path": "/app", "upstream": "app", "upstream_path": "/"}]
    world = make_world(**changes)
    client = world.client()
    head = request(CHUNKED, method="POST", path="/app/x")
    client.send(head + b"2\r\nok\r\n")
    await settle()
    assert world.servers == []
    client.send(b"0\r\n\r\n")
    await settle()
    [server] = world.servers
    got = server.take()
    assert got.startswith(b"POST /x HTTP/1.1\r\n")
    assert b"\r\nContent-Length: 2\r\n" in got
    assert b"chunked" not in got
    assert got.endswith(b"\r\n\r\nok")
    server.feed(b"HTTP/1.1 302 Found\r\nLocation: http://localhost/y\r\nContent-Length: 0\r\n\r\n")
    client.read()
    assert b"/app/y\r\n" in client.got


async def test_an_error_page_in_place_of_the_apps_leaves_the_client_its_connection(
    make_world: MakeWorld, tmp_path: Path
):
    """Although the app has not read everything: the client has sent it all."""
    (tmp_path / "403.html").write_text("no")
    changes = storing()
    changes |= {"error_pages": {403: "403.html"}, "intercept_errors": True}
    changes["limits"] = {"body": BIG}
    world = make_world(**changes)
    world.loop.takes_at_once = False
    client = world.client()
    client.send(upload())
    await settle()
    world.servers[0].feed(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
    await settle()
    assert client.statuses() == [403]
    assert not client.socket.ending
