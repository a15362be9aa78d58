"""The orderly end: nothing new, everything under way to its end, then the rest cut."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from proxy.server.listener import Listener
    from proxy.server.state import ServerState

_log = structlog.stdlib.get_logger()


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
    _run_all(connection.close_if_idle for connection in list(state.connections))
    if state.connections:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await state.all_gone.wait()
    late = list(state.connections)
    _run_all(connection.abort for connection in late)
    state.pools.close()
    await asyncio.sleep(0)  # lets the last connection_lost calls run
    return len(late)


def _run_all(actions: Iterable[Callable[[], None]]) -> None:
    for action in actions:
        try:
            action()
        except Exception:  # noqa: BLE001 -- one broken connection must not keep all others open
            _log.exception("an error of certgate itself, while draining")
