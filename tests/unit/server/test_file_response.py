"""A file as the answer: whole or cut, never blocking, nothing left open, logged once."""

from __future__ import annotations

import asyncio
import gc
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxy.server import file_response
from tests.unit.server.fakes import settle
from tests.unit.server.world import World, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.unit.server.conftest import MakeWorld
    from tests.unit.server.world import Client

PIECE = file_response._PIECE
BIG = os.urandom(30 * PIECE + 17)


@pytest.fixture
def public(tmp_path: Path) -> Path:
    """The folder that is served."""
    made = tmp_path / "public"
    (made / "sub").mkdir(parents=True)
    (made / "a.txt").write_bytes(b"0123456789" * 100)
    (made / "empty").write_bytes(b"")
    (made / "big").write_bytes(BIG)
    return made


@pytest.fixture
def world(public: Path, make_world: MakeWorld) -> World:
    """A gate with nothing behind it but a folder."""
    return make_world(
        upstream=None,
        routes=[
            {"path": "/s/", "static": "public"},
            {"path": "/open/", "static": "public", "access": "public"},
        ],
    )


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Nothing stays open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


async def get(client: Client, path: str = "/s/a.txt", *lines: str, method: str = "GET") -> bytes:
    """Send one request and return what came for it."""
    client.send(request(*lines, method=method, path=path))
    got = client.read()
    for _ in range(20):
        await settle()
        got += client.read()
    return got


def content(answer: bytes) -> bytes:
    return answer.partition(b"\r\n\r\n")[2]


async def test_a_small_file_goes_out_at_once(world: World, descriptors: None):
    client = world.client()
    client.send(request(path="/s/a.txt"))
    answer = client.read()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert content(answer) == b"0123456789" * 100
    [record] = world.log.records
    assert (record.status, record.body_bytes_sent, record.error) == (200, 1000, "")
    assert (record.decision, record.upstream, record.upstream_time) == ("admitted", "", None)
    assert world.loop.asked == []


async def test_a_big_file_goes_out_in_pieces(world: World, descriptors: None):
    client = world.client()
    client.send(request(path="/s/big"))
    assert len(content(client.read())) == PIECE  # then the others have their turn
    await settle()
    assert not world.log.records
    while not world.log.records:
        await settle()
    client.read()
    assert content(client.got) == BIG
    assert world.log.records[0].body_bytes_sent == len(BIG)


async def test_the_connection_goes_on_afterwards(world: World):
    client = world.client()
    client.send(request(path="/s/big") + request(path="/s/a.txt"))
    while len(world.log.records) < 2:
        await settle()
    assert client.statuses() == [200, 200]
    assert client.got.endswith(b"0123456789")


async def test_the_first_segments_are_the_routes(world: World, public: Path):
    (public / "s").mkdir()
    (public / "s" / "x").write_bytes(b"nested")
    client = world.client()
    assert content(await get(client, "/s/s/x")) == b"nested"
    assert b" 404 " in await get(client, "/s/x")
    assert content(await get(client, "/%73/%61.txt")) == b"0123456789" * 100
    assert content(await get(client, "//s/./x/../a.txt")) == b"0123456789" * 100


async def test_a_refused_client_learns_nothing(world: World, descriptors: None):
    """What is there and what is not get the same answer, before any file is looked at."""
    answers = set()
    for path in ("/s/a.txt", "/s/none", "/s/sub", "/s/.env", "/s/"):
        client = world.client("expired")
        answer = await get(client, path)
        answers.add((client.statuses()[0], len(answer)))
    assert len(answers) == 1
    assert answers.pop()[0] == 403


async def test_an_open_route_serves_everybody(world: World):
    assert content(await get(world.client(None), "/open/a.txt"))


async def test_head_is_get_without_content(world: World, descriptors: None):
    client = world.client()
    of_get = (await get(client)).partition(b"\r\n\r\n")[0]
    assert await get(client, method="HEAD") == of_get + b"\r\n\r\n"
    assert world.log.records[1].body_bytes_sent == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PROPFIND"])
async def test_files_are_only_read(world: World, method: str):
    answer = await get(world.client(), method=method)
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert b"\r\nAllow: GET, HEAD\r\n" in answer
    assert world.log.records[0].error == "method_not_allowed"


async def test_options_of_the_server_are_not_the_folders(make_world: MakeWorld, public: Path):
    world = make_world(upstream=None, routes=[{"path": "/", "static": "public"}])
    assert b" 405 " in await get(world.client(), "*", method="OPTIONS")


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/s/sub", b"/s/sub/"),
        ("/s", b"/s/"),
        ("/s/sub?a=b&c", b"/s/sub/?a=b&c"),
        ("/s/sub?", b"/s/sub/?"),
        ("//s//sub", b"/s/sub/"),
        ("/x/..//s/sub?//evil.example", b"/s/sub/?//evil.example"),
        ("/%73/%73ub", b"/%73/%73ub/"),
    ],
)
async def test_a_folder_gets_its_slash(world: World, path: str, location: bytes):
    answer = await get(world.client(), path)
    assert answer.startswith(b"HTTP/1.1 301 ")
    assert b"\r\nLocation: " + location + b"\r\n" in answer
    assert world.log.records[0].status == 301


async def test_a_redirect_never_leads_to_another_host(make_world: MakeWorld, public: Path):
    (public / "evil.example").mkdir()
    (public / "\\evil.example").mkdir()
    world = make_world(upstream=None, routes=[{"path": "/", "static": "public"}])
    for path in ("//evil.example", "/.//evil.example", "/%2fevil.example", "/\\evil.example"):
        answer = await get(world.client(), path)
        assert b"Location: //" not in answer
        assert b"Location: /\\" not in answer


async def test_a_redirect_is_written_as_the_client_wrote_it(world: World, public: Path):
    (public / "Grüße").mkdir()
    answer = await get(world.client(), "/s/Gr%C3%BC%c3%9fe?%FF")
    assert b"\r\nLocation: /s/Gr%C3%BC%c3%9fe/?%FF\r\n" in answer


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [("/s/none", 404, "not_found"), ("/s/sub/", 403, "not_readable")],
)
async def test_what_cannot_be_sent_gets_a_page(world: World, path: str, status: int, code: str):
    client = world.client()
    answer = await get(client, path, "Accept: application/problem+json")
    assert client.statuses() == [status]
    assert code.encode() in answer
    assert b"Connection: close" not in answer
    assert world.log.records[0].error == code


async def test_an_empty_file_is_a_complete_answer(world: World, descriptors: None):
    client = world.client()
    assert b"\r\nContent-Length: 0\r\n" in await get(client, "/s/empty")
    await get(client)
    assert client.statuses() == [200, 200]


async def test_conditions_and_ranges(world: World, descriptors: None):
    client = world.client()
    etag = (await get(client)).partition(b"ETag: ")[2].partition(b"\r\n")[0].decode()
    not_modified = await get(client, "/s/a.txt", f"If-None-Match: {etag}")
    assert not_modified.startswith(b"HTTP/1.1 304 Not Modified\r\n")
    assert b"Content-Length" not in not_modified
    assert content(await get(client, "/s/a.txt", "Range: bytes=-3")) == b"789"
    assert b" 412 " in await get(client, "/s/a.txt", 'If-Match: "x"')
    beyond = await get(client, "/s/a.txt", "Range: bytes=1000-")
    assert beyond.startswith(b"HTTP/1.1 416 ")
    assert b"\r\nContent-Range: bytes */1000\r\n" in beyond
    assert client.statuses() == [200, 304, 206, 412, 416]
    assert [record.body_bytes_sent for record in world.log.records[:3]] == [1000, 0, 3]


async def test_several_big_ranges(world: World, descriptors: None):
    """Parts that are longer than a piece, and that begin within one."""
    first, second = (0, PIECE + 5), (3 * PIECE + 1, 6 * PIECE)
    asked = ",".join(f"{start}-{end}" for start, end in (first, second))
    client = world.client()
    client.send(request(f"Range: bytes={asked}", path="/s/big"))
    while not world.log.records:
        await settle()
    client.read()
    head, _, got = client.got.partition(b"\r\n\r\n")
    length = int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0])
    assert length == len(got) == world.log.records[0].body_bytes_sent
    for start, end in (first, second):
        assert BIG[start : end + 1] in got


async def test_http_1_0_keeps_the_connection_when_it_asks_to(world: World):
    client = world.client()
    client.send(b"GET /s/a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"\r\nConnection: keep-alive\r\n" in client.read()
    client.send(b"GET /s/a.txt HTTP/1.0\r\n\r\n")
    assert b"\r\nConnection: close\r\n" in client.read()
    assert client.has_clean_end


async def test_a_get_with_content_is_answered_and_the_connection_ended(world: World):
    client = world.client()
    client.send(request("Content-Length: 5", path="/s/a.txt"))
    assert b"\r\nConnection: close\r\n" in client.read()
    client.send(b"12345")
    await settle()
    assert content(client.got) == b"0123456789" * 100


async def test_content_during_a_long_answer_is_dropped(world: World):
    client = world.client()
    client.send(request("Content-Length: 5", path="/s/big"))
    client.send(b"12345")
    while not world.log.records:
        await settle()
    client.read()
    assert content(client.got) == BIG
    assert client.has_clean_end


# Slow and vanishing clients


async def test_a_client_that_does_not_read_is_not_read_for(world: World, descriptors: None):
    client = world.client()
    client.socket.is_taking = False
    client.send(request(path="/s/big"))
    for _ in range(10):
        await settle()
    waiting = client.socket.get_write_buffer_size()
    assert PIECE < waiting < 4 * PIECE
    client.socket.is_taking = True
    client.read()
    while not world.log.records:
        await settle()
    client.read()
    assert content(client.got) == BIG


async def test_a_pause_between_two_pieces_holds_the_next_one(world: World):
    client = world.client()
    client.send(request(path="/s/big"))
    client.connection.pause_writing()
    got = len(content(client.read()))
    await settle()
    assert not client.read()
    client.connection.resume_writing()
    client.connection.resume_writing()  # twice is once
    while not world.log.records:
        await settle()
    client.read()
    assert got == PIECE
    assert content(client.got) == BIG


@pytest.mark.parametrize("way", ["reset", "send_end"])
async def test_a_client_that_leaves_leaves_nothing_open(world: World, descriptors: None, way: str):
    client = world.client()
    client.send(request(path="/s/big"))
    if way == "reset":
        client.socket.reset()
    else:
        client.send_end()
    for _ in range(5):
        await settle()
    [record] = world.log.records
    assert (record.status, record.error) == (200, "client_gone")
    assert PIECE <= record.body_bytes_sent < len(BIG)


async def test_an_answer_leaves_no_cycle_behind(world: World):
    client = world.client()
    await get(client)
    gc.collect()
    gc.disable()
    try:
        await get(client)
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        left = [one for one in gc.garbage if isinstance(one, file_response.FileResponse)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert left == []


# Files that change


async def test_a_file_that_is_replaced_is_sent_as_it_was(world: World, public: Path):
    client = world.client()
    client.send(request(path="/s/big"))
    (public / "new").write_bytes(b"new")
    (public / "new").replace(public / "big")
    while not world.log.records:
        await settle()
    client.read()
    assert content(client.got) == BIG


async def test_a_file_that_shrinks_is_cut_and_does_not_look_complete(
    world: World, public: Path, descriptors: None
):
    client = world.client()
    client.send(request(path="/s/big"))
    os.truncate(public / "big", PIECE + 5)
    while not world.log.records:
        await settle()
    client.read()
    assert not client.has_clean_end
    assert len(content(client.got)) < len(BIG)
    [record] = world.log.records
    assert (record.status, record.error) == (200, "internal_error")


def no_memory(*_: object) -> None:
    """Nothing is in the kernel's memory."""


async def threads_are_done(world: World) -> None:
    while not world.log.records:
        await asyncio.sleep(0.001)


async def test_what_is_on_the_disk_is_read_by_threads(
    world: World, descriptors: None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(file_response, "read_cached", no_memory)
    client = world.client()
    client.send(request(path="/s/big"))
    assert not client.read()
    await threads_are_done(world)
    client.read()
    assert content(client.got) == BIG


async def test_a_client_that_leaves_while_a_thread_reads(
    world: World, descriptors: None, monkeypatch: pytest.MonkeyPatch
):
    """The descriptor is closed when nobody reads from it any more; nothing was sent: 499."""
    monkeypatch.setattr(file_response, "read_cached", no_memory)
    client = world.client()
    client.send(request(path="/s/big"))
    client.socket.reset()
    await threads_are_done(world)
    world.state.disk.shutdown()
    await settle()
    [record] = world.log.records
    assert (record.status, record.body_bytes_sent) == (499, 0)


@pytest.mark.parametrize("by_thread", [False, True])
async def test_a_disk_that_fails_before_the_first_byte_gets_an_error_page(
    world: World, descriptors: None, monkeypatch: pytest.MonkeyPatch, by_thread: bool
):
    def fail(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    if by_thread:
        monkeypatch.setattr(file_response, "read_cached", no_memory)
        monkeypatch.setattr(file_response.os, "pread", fail)
    else:
        monkeypatch.setattr(file_response, "read_cached", fail)
    client = world.client()
    client.send(request("Accept: application/problem+json", path="/s/big"))
    await threads_are_done(world)
    assert b'"code": "internal_error"' in client.read()
    [record] = world.log.records
    assert (record.status, record.error) == (500, "internal_error")


async def test_a_disk_that_fails_later_cuts(
    world: World, descriptors: None, monkeypatch: pytest.MonkeyPatch
):
    client = world.client()
    client.send(request(path="/s/big"))
    monkeypatch.setattr(file_response, "read_cached", no_memory)
    monkeypatch.setattr(file_response.os, "pread", lambda *_: b"")
    await threads_are_done(world)
    client.read()
    assert not client.has_clean_end
    assert len(content(client.got)) == PIECE


async def test_a_folder_that_is_gone_is_our_fault(world: World, public: Path):
    public.rename(public.with_name("gone"))
    assert b" 500 " in await get(world.client())


async def test_nobody_chooses_what_separates_parts(public: Path, make_world: MakeWorld):
    """A trusted proxy's request ids have letters that no boundary may have."""
    world = make_world(
        upstream=None,
        trusted_proxies="192.0.2.0/24",
        routes=[{"path": "/s/", "static": "public"}],
    )
    chosen = "a=b/c:" + "d" * 100
    for _ in range(2):
        client = world.client()
        lines = ("Range: bytes=0-1,500-501", f"X-Request-ID: {chosen}")
        answer = await get(client, "/s/a.txt", *lines)
        match = re.search(rb"multipart/byteranges; boundary=([0-9a-f]{32})\r\n", answer)
        assert match
        assert content(answer).endswith(b"--" + match[1] + b"--\r\n")


async def test_a_rule_for_responses_knows_the_status(public: Path, make_world: MakeWorld):
    world = make_world(
        upstream=None,
        response_headers={"set": {"X-Status": "$status"}},
        routes=[{"path": "/s/", "static": "public"}],
    )
    client = world.client()
    for lines, status in (
        ((), b"200"),
        (("Range: bytes=0-1",), b"206"),
        (("If-None-Match: *",), b"304"),
        (('If-Match: "x"',), b"412"),
    ):
        answer = await get(client, "/s/a.txt", *lines)
        assert answer.startswith(b"HTTP/1.1 " + status)
        assert b"\r\nX-Status: " + status + b"\r\n" in answer
