"""Connecting by name: every address is tried, and a dead one costs a moment only."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING, Any

import pytest

from proxy.config.addresses import parse_server
from proxy.server.dialling import dial
from proxy.snapshot import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

Info = tuple[int, int, int, str, Any]


class Greeted(asyncio.Protocol):
    """A connection that notes who is at its other end."""

    peer: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.peer = transport.get_extra_info("peername")
        transport.close()


def info(address: tuple[str, int]) -> Info:
    return (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", address)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def swallower() -> Iterator[tuple[str, int]]:
    """An address whose backlog is full: the kernel drops what would open a connection."""
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(8):
            each = waiting.enter_context(socket.socket())
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        yield full.getsockname()


def resolve(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Let the system's resolver find these, in this order."""

    async def getaddrinfo(*_: Any, **__: Any) -> list[Info]:
        return [info(address) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def connect(url: str) -> Greeted:
    return await dial(asyncio.get_running_loop(), Endpoint(parse_server(url)), Greeted)


async def test_an_address_is_not_looked_up(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
):
    resolve(monkeypatch)
    address = listener.getsockname()
    assert (await connect(f"http://127.0.0.1:{address[1]}")).peer == address


async def test_a_name_is_looked_up(listener: socket.socket, monkeypatch: pytest.MonkeyPatch):
    address = listener.getsockname()
    resolve(monkeypatch, address)
    assert (await connect("http://app.test:3000")).peer == address


async def test_after_an_address_that_refuses_the_next_is_tried_at_once(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()
    resolve(monkeypatch, nobody, listener.getsockname())
    assert (await connect("http://app.test:3000")).peer == listener.getsockname()


async def test_an_address_that_swallows_packets_costs_a_quarter_of_a_second(
    listener: socket.socket, swallower: tuple[str, int], monkeypatch: pytest.MonkeyPatch
):
    resolve(monkeypatch, swallower, listener.getsockname())
    began = time.monotonic()
    assert (await connect("http://app.test:3000")).peer == listener.getsockname()
    assert 0.2 < time.monotonic() - began < 5


async def test_when_all_addresses_refuse_the_error_says_so(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()
    resolve(monkeypatch, nobody, nobody)
    with pytest.raises(ConnectionRefusedError):
        await connect("http://app.test:3000")


async def test_what_uvloop_raises_instead_is_an_error_of_the_system_too(
    monkeypatch: pytest.MonkeyPatch,
):
    async def sock_connect(*_: Any) -> None:
        raise RuntimeError("busy")

    resolve(monkeypatch, ("127.0.0.1", 9))
    monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", sock_connect)
    with pytest.raises(OSError, match="busy"):
        await connect("http://app.test:3000")


async def test_an_unknown_name_is_told_as_one():
    with pytest.raises(socket.gaierror):
        await connect("http://app.invalid:3000")
