"""Listening sockets: what they are called, and why one cannot be had."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from proxy.config.addresses import Address
from proxy.errors import CertgateError
from proxy.server.listener import Listener

if TYPE_CHECKING:
    from proxy.server.state import ServerState
    from tests.unit.server.world import World


@pytest.fixture
async def state(world: World) -> ServerState:
    """A state with an event loop that has real sockets."""
    world.state.loop = asyncio.get_running_loop()
    return world.state


async def test_the_port_that_the_system_chose_is_told(state: ServerState):
    listener = await Listener.open(state, Address("127.0.0.1", 0))
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
    ("host", "shown"),
    [
        ("", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("gate.example.com", "gate.example.com"),
    ],
)
async def test_urls_are_those_that_work_on_this_machine(state: ServerState, host: str, shown: str):
    listener = await Listener.open(state, Address("127.0.0.1", 0))
    listener.address = Address(host, 0)
    assert listener.urls == [f"https://{shown}:{listener.ports[0]}/"]
    listener.close()


async def test_a_port_in_use_says_so(state: ServerState):
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = Address("127.0.0.1", other.getsockname()[1])
        with pytest.raises(CertgateError, match=r"cannot listen on 127.*in use by another"):
            await Listener.open(state, address)


async def test_an_address_of_another_machine_says_so(state: ServerState):
    with pytest.raises(CertgateError, match="does not have that address"):
        await Listener.open(state, Address("192.0.2.1", 0))


async def test_a_name_that_does_not_resolve_says_so(state: ServerState):
    with pytest.raises(CertgateError, match=r"cannot listen on nowhere\.invalid:1: "):
        await Listener.open(state, Address("nowhere.invalid", 1))
