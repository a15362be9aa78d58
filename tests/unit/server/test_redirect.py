"""Plain HTTP that leads to https: one answer, in bounded time and memory, logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from proxy.server import redirect as redirect_module
from proxy.server import rejection as rejection_module
from proxy.server.redirect import RedirectConnection
from tests.unit.server.fakes import Socket, settle
from tests.unit.server.fault import Fault
from tests.unit.server.world import GET, World, request

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld


def accepted(world: World, *pieces: bytes | None) -> Socket:
    socket = Socket(RedirectConnection(world.state, 8080, 443))
    socket.feed(*pieces)
    return socket


def status_of(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 ")
    return int(answer[9:12])


async def test_a_request_is_sent_to_https(world: World):
    socket = accepted(world, request("User-Agent: curl", "Referer: http://x/", path="/a?b"))
    answer = socket.take()
    assert status_of(answer) == 301
    assert b"\r\nLocation: https://localhost/a?b\r\n" in answer
    assert b"\r\nConnection: close\r\n" in answer
    assert socket.has_ended
    assert world.counters.responses == {"3xx": 1}
    [record] = world.log.records
    assert (record.status, record.remote_addr, record.error) == (301, "192.0.2.7", "")
    assert (record.method, record.target, record.host) == (b"GET", b"/a?b", b"localhost")
    assert (record.user_agent, record.referer) == (b"curl", b"http://x/")
    assert record.version == b"1.1"
    assert f"\r\nX-Request-ID: {record.request_id}\r\n".encode() in answer
    socket.feed(None)
    await settle()
    assert not world.state.connections


async def test_the_pieces_do_not_matter(world: World):
    socket = accepted(world, *(GET[at : at + 1] for at in range(len(GET))))
    assert status_of(socket.take()) == 301


async def test_empty_lines_before_a_request_do_not_count(world: World):
    assert status_of(accepted(world, b"\r\n", GET).take()) == 301


async def test_the_answer_to_head_has_no_content(world: World):
    answer = accepted(world, request(method="HEAD")).take()
    assert status_of(answer) == 301
    assert answer.endswith(b"\r\n\r\n")
    assert world.log.records[0].body_bytes_sent == 0


async def test_content_is_not_read(world: World):
    """308 lets the client send it again, to the right place."""
    socket = accepted(
        world, request("Content-Length: 9", method="POST"), b"something", GET, b"x" * 100_000
    )
    answer = socket.take()
    assert status_of(answer) == 308
    assert answer.count(b"HTTP/1.1") == 1
    assert len(world.log.records) == 1


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a/@evil.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\nSet-Cookie: x\r\n\r\n", 400),
        (b"GET /\rSet-Cookie: x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 40_000, 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"x: y\r\n" * 101 + b"\r\n", 431),
    ],
)
async def test_what_is_no_request_is_refused(world: World, data: bytes, status: int):
    socket = accepted(world, data)
    answer = socket.take()
    assert status_of(answer) == status
    assert b"Location" not in answer
    assert b"Set-Cookie" not in answer
    [record] = world.log.records
    assert record.status == status
    assert record.error
    assert len(record.request_line) <= 1024


async def test_who_says_nothing_is_dropped(world: World):
    socket = accepted(world)
    world.tick(14)
    assert not socket.ending
    world.tick(1)
    assert socket.ending == "abort"
    assert world.log.records == []


async def test_who_is_too_slow_is_told(world: World):
    socket = accepted(world, GET[:10])
    world.tick(14)
    socket.feed(GET[10:12])
    world.tick(1)
    assert status_of(socket.take()) == 408
    assert world.log.records[0].error == "request_timeout"


async def test_who_stays_is_dropped(world: World):
    socket = accepted(world, GET)
    world.tick(4)
    assert not socket.ending
    socket.feed(b"more")
    world.tick(1)
    assert socket.ending == "abort"
    assert len(world.log.records) == 1


async def test_an_idle_one_ends_with_the_gate(world: World):
    idle, busy = accepted(world), accepted(world, GET[:5])
    for connection in list(world.state.connections):
        connection.close_if_idle()
    assert (idle.ending, busy.ending) == ("close", "")


async def test_the_log_names_the_client_behind_a_trusted_proxy(make_world: MakeWorld):
    world = make_world(trusted_proxies=["192.0.2.0/24"])
    accepted(world, request("X-Forwarded-For: 1.1.1.1, 203.0.113.9"))
    assert world.log.records[0].remote_addr == "203.0.113.9"


async def test_old_clients_are_redirected_too(world: World):
    accepted(world, b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
    assert world.log.records[0].version == b"1.0"
    assert world.log.records[0].status == 301


# Errors of certgate itself


@pytest.mark.parametrize("name", ["redirect", "own_response", "TrustedHop"])
async def test_an_error_of_certgate_itself_is_a_500_and_one_record(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
):
    Fault(monkeypatch, redirect_module, name)
    with capture_logs() as lines:
        socket = accepted(world, request(path="/a"))
    assert status_of(socket.take()) == 500
    assert socket.has_ended
    [record] = world.log.records
    assert (record.status, record.error) == (500, "internal_error")
    assert record.request_line == b"GET /a HTTP/1.1"
    assert [line.get("exc_info") for line in lines if line["log_level"] == "error"] == [True]
    world.tick(5)
    await settle()
    assert not world.state.connections


async def test_an_error_while_it_is_told_ends_the_connection(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    Fault(monkeypatch, redirect_module, "redirect")
    Fault(monkeypatch, rejection_module, "render_error")
    socket = accepted(world, GET)
    await settle()
    assert (socket.take(), socket.ending) == (b"", "abort")
    assert not world.state.connections


async def test_an_error_after_the_answer_tells_nobody_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    Fault(monkeypatch, Socket, "write_eof")
    socket = accepted(world, GET)
    assert socket.ending == "abort"
    assert [record.status for record in world.log.records] == [301]


async def test_an_error_at_a_deadline_comes_once(world: World, monkeypatch: pytest.MonkeyPatch):
    Fault(monkeypatch, redirect_module, "reject")
    socket = accepted(world, GET[:10])
    world.tick(15)
    assert status_of(socket.take()) == 500
    world.tick(1)
    assert [record.error for record in world.log.records] == ["internal_error"]
