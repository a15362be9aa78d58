"""One probe against real sockets; what faulty servers do to it is in tests/blackbox."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from proxy.config.addresses import parse_server
from proxy.server.probe import probe, request_of
from proxy.snapshot import Check, Endpoint
from tests.gate import free_port
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MAX_HEAD = 32 * 1024


def check(**changes: Any) -> Check:
    values: dict[str, Any] = {
        "path": "/healthz",
        "host": "",
        "interval": 5.0,
        "timeout": 5.0,
        "fails": 3,
        "passes": 2,
        "statuses": frozenset({200}),
    }
    return Check(**{**values, **changes})


def answering(*pieces: bytes) -> Callable[[Connection], Awaitable[None]]:
    async def script(connection: Connection) -> None:
        await connection.request()
        for piece in pieces:
            await connection.send(piece)
            await asyncio.sleep(0.02)

    return script


async def outcome(url: str, **changes: Any) -> str:
    """Return the code of the failure, or nothing for a server that is well."""
    failure = await probe(Endpoint(parse_server(url)), check(**changes), MAX_HEAD)
    return failure.code if failure is not None else ""


@pytest.mark.parametrize(
    "pieces",
    [
        [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"],
        [b"HTTP/1.1 200 OK\r\n", b"Content-Length: 2\r\n\r\n", b"o", b"k"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", b"0\r\n\r\n"],
        [b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
        [b"HTTP/1.0 200 OK\r\n\r\n", b"until the end"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"and more"],
    ],
)
async def test_a_whole_good_answer_passes_in_whatever_pieces(pieces: list[bytes]):
    with Scripted(answering(*pieces)) as app:
        assert await outcome(app.url) == ""


async def test_another_status_does_not():
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    with Scripted(answering(answer)) as app:
        assert await outcome(app.url) == "upstream_unwell"
        assert await outcome(app.url, statuses=frozenset(range(200, 300))) == ""


async def test_nobody_there_and_no_such_name_are_told_apart():
    assert await outcome(f"http://127.0.0.1:{free_port()}") == "upstream_unreachable"
    assert await outcome("http://app.invalid:80") == "upstream_unresolved"


async def test_a_server_that_takes_too_long_is_a_timeout():
    async def hang(connection: Connection) -> None:
        await connection.until_closed()

    with Scripted(hang) as app:
        assert await outcome(app.url, timeout=0.1) == "upstream_timeout"


async def test_a_probe_that_is_cancelled_lets_its_connection_go():
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    async def hang(connection: Connection) -> None:
        await connection.request()
        await connection.until_closed()
        loop.call_soon_threadsafe(ended.set)

    with Scripted(hang) as app:
        task = asyncio.create_task(outcome(app.url))
        await asyncio.to_thread(app.received)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(ended.wait(), 10)


@pytest.mark.parametrize(
    ("url", "host", "expected"),
    [
        ("http://127.0.0.1:3000", "", "127.0.0.1:3000"),
        ("https://[::1]:3000", "", "[::1]:3000"),
        ("unix:/run/app.sock", "", "localhost"),
        ("http://127.0.0.1:3000", "app.test", "app.test"),
    ],
)
def test_the_request_names_a_host_and_nobody(url: str, host: str, expected: str):
    request = request_of(parse_server(url), check(host=host, path="/up?x=1"))
    assert request == (
        b"GET /up?x=1 HTTP/1.1\r\n"
        b"Host: %b\r\n"
        b"User-Agent: certgate-health-check\r\n"
        b"Accept: */*\r\n"
        b"Connection: close\r\n\r\n" % expected.encode()
    )
