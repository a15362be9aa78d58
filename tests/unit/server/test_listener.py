"""Listening sockets: what they are called, and why one cannot be had."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from proxy.config import model
from proxy.config.listen_addresses import parse_listen_address
from proxy.server.handshake import Handshake
from proxy.server.inherited import InheritedSockets
from proxy.server.listener import Listener
from proxy.server.proxy_header import ProxyHeaderReader
from proxy.server.redirect import RedirectConnection

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.server.state import ServerState
    from tests.unit.server.world import World


async def opened(state: ServerState, address: str, **keys: Any) -> Listener:
    entry = model.Listener(address=parse_listen_address(address), **keys)
    return await Listener.open(state, entry, InheritedSockets())


@pytest.fixture
async def state(world: World) -> ServerState:
    """A state with an event loop that has real sockets."""
    world.state.loop = asyncio.get_running_loop()
    return world.state


async def test_the_port_that_the_system_chose_is_told(state: ServerState):
    listener = await opened(state, "127.0.0.1:0")
    [port] = listener.ports
    assert port
    assert listener.urls == [f"https://127.0.0.1:{port}/"]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()
    listener.close()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", port)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("0.0.0.0:0", "127.0.0.1"),
        ("[::]:0", "[::1]"),
        ("[::1]:0", "[::1]"),
        ("localhost:0", "localhost"),
    ],
)
async def test_urls_are_those_that_work_on_this_machine(
    state: ServerState, address: str, shown: str
):
    listener = await opened(state, address)
    assert set(listener.urls) == {f"https://{shown}:{listener.ports[0]}/"}
    listener.close()


async def test_a_port_alone_is_the_same_one_for_both_families(state: ServerState):
    listener = await opened(state, ":0")
    [port] = listener.ports
    assert listener.urls == [f"https://127.0.0.1:{port}/", f"https://[::1]:{port}/"]
    for host in ("127.0.0.1", "::1"):
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()
    listener.close()


async def test_a_unix_socket_is_there_until_it_is_closed(state: ServerState, tmp_path: Path):
    path = tmp_path / "gate.sock"
    listener = await opened(state, f"unix:{path}")
    assert listener.urls == [f"unix:{path}"]
    assert listener.ports == []
    _, writer = await asyncio.open_unix_connection(path)
    writer.close()
    await writer.wait_closed()
    listener.close()
    assert not path.exists()


async def test_a_socket_that_was_passed_is_taken_over(state: ServerState):
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    listener = await opened(state, f"fd:{sock.detach()}")
    assert listener.urls == [f"https://127.0.0.1:{port}/"]
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()
    await writer.wait_closed()
    listener.close()


async def test_urls_say_what_is_spoken(state: ServerState):
    listener = await opened(state, "127.0.0.1:0", proxy_protocol=True, redirect_to_port=443)
    [port] = listener.ports
    assert listener.urls == [
        f"http://127.0.0.1:{port}/ (redirects to https, port 443) (PROXY protocol)"
    ]
    listener.close()


async def test_a_changed_entry_counts_for_later_connections(state: ServerState):
    listener = await opened(state, "127.0.0.1:0")
    assert isinstance(listener._accepted(1), Handshake)
    address = listener.entry.address
    listener.entry = model.Listener(address=address, redirect_to_port=443)
    assert isinstance(listener._accepted(1), RedirectConnection)
    listener.entry = model.Listener(address=address, proxy_protocol=True)
    assert isinstance(listener._accepted(1), ProxyHeaderReader)
    listener.close()
