"""The orderly end: nothing new, everything under way to its end, then the rest cut."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.server.listener import Listener
    from proxy.server.state import ServerState


async def drain(state: ServerState, listeners: Iterable[Listener], seconds: float) -> int:
    """Close everything in order.

    Args:
        state: whose connections end.
        listeners: closed first.
        seconds: after this long, what is still open is cut (tunnels, mostly).

    Returns:
        How many connections had to be cut.
    """
    for listener in listeners:
        listener.close()
    state.is_draining = True
    state.pools.stop_probes()
    for connection in list(state.connections):
        connection.close_if_idle()
    if state.connections:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await state.all_gone.wait()
    late = list(state.connections)
    for connection in late:
        connection.abort()
    state.pools.close()
    await asyncio.sleep(0)  # lets the last connection_lost calls run
    return len(late)
