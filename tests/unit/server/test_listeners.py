"""Listeners from one configuration to the next."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest

from proxy.config.load import load_config
from proxy.errors import CertgateError
from proxy.server.inherited import InheritedSockets
from proxy.server.listeners import Listeners
from tests.gate import free_port, settings, write

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from proxy.config import model
    from proxy.server.state import ServerState
    from tests.unit.server.world import World


@pytest.fixture
async def state(world: World) -> ServerState:
    """A state with an event loop that has real sockets."""
    world.state.loop = asyncio.get_running_loop()
    return world.state


@pytest.fixture
async def listeners() -> AsyncIterator[Listeners]:
    made = Listeners(InheritedSockets({99999: "nobody's"}))
    yield made
    for listener in made:
        listener.close()


def config(folder: Path, *listen: Any) -> model.Config:
    return load_config(write(folder, settings(folder, listen=list(listen))), {})


async def test_each_entry_is_a_listener_of_its_own(
    state: ServerState, listeners: Listeners, tmp_path: Path
):
    """Port 0 is another one each time."""
    await listeners.open(
        state, config(tmp_path, "127.0.0.1:0", f"unix:{tmp_path}/a", "127.0.0.1:0")
    )
    first, second, third = listeners.urls
    assert second == f"unix:{tmp_path}/a"
    assert first != third
    assert len({port for one in listeners for port in one.ports}) == 2


async def test_what_stays_is_left_alone(state: ServerState, listeners: Listeners, tmp_path: Path):
    kept = f"127.0.0.1:{free_port()}"
    await listeners.open(state, config(tmp_path, kept, f"unix:{tmp_path}/old", "127.0.0.1:0"))
    [before, *_] = listeners
    new = config(
        tmp_path, f"unix:{tmp_path}/new", {"address": kept, "redirect_to_port": 443}, "127.0.0.1:0"
    )
    await listeners.open(state, new)
    listeners.settle(new)
    assert {one.entry for one in listeners} == set(new.listen)
    assert before in list(listeners)
    assert before.entry.redirect_to_port == 443
    assert not (tmp_path / "old").exists()
    assert (tmp_path / "new").is_socket()


async def test_a_failure_changes_nothing(state: ServerState, listeners: Listeners, tmp_path: Path):
    await listeners.open(state, config(tmp_path, "127.0.0.1:0"))
    before = list(listeners)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(CertgateError, match="in use by another"):
            await listeners.open(
                state, config(tmp_path, f"unix:{tmp_path}/new", f"127.0.0.1:{port}")
            )
    assert list(listeners) == before
    assert not (tmp_path / "new").exists()


async def test_the_gate_itself_may_be_in_the_way(
    state: ServerState, listeners: Listeners, tmp_path: Path
):
    port = free_port()
    await listeners.open(state, config(tmp_path, f"unix:{tmp_path}/a", f"127.0.0.1:{port}"))
    with pytest.raises(CertgateError) as raised:
        await listeners.open(state, config(tmp_path, f"0.0.0.0:{port}"))
    assert str(raised.value) == (
        f"cannot listen on 0.0.0.0:{port} while certgate listens on 127.0.0.1:{port}: restart it"
    )


async def test_what_is_no_port_is_nobodys_way(
    state: ServerState, listeners: Listeners, tmp_path: Path
):
    await listeners.open(state, config(tmp_path, "127.0.0.1:0"))
    with pytest.raises(CertgateError, match="does not have that address"):
        await listeners.open(state, config(tmp_path, "192.0.2.1:0"))


async def test_sockets_are_taken_over_at_the_start_only(
    state: ServerState, listeners: Listeners, tmp_path: Path
):
    assert listeners.end_of_start() == ["nobody's"]
    with pytest.raises(CertgateError, match="at the start only"):
        await listeners.open(state, config(tmp_path, "fd:3"))
