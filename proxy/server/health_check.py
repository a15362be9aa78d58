"""Probes of one server, one after the other, for as long as its upstream is in force."""

from __future__ import annotations

import asyncio
from random import random
from typing import TYPE_CHECKING

import structlog

from proxy.routing.active_health import first_pause, next_pause
from proxy.server.probe import probe
from proxy.server.upstream_failure import UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.server.state import ServerState
    from proxy.snapshot import Check, Endpoint

_log = structlog.stdlib.get_logger()


class HealthCheck:
    """Asks one server how it is, again and again, until it is told to stop."""

    __slots__ = ("_check", "_endpoint", "_max_head", "_probed", "_task")

    def __init__(
        self,
        state: ServerState,
        endpoint: Endpoint,
        check: Check,
        max_head: int,
        probed: Callable[[UpstreamFailure | None], None],
    ) -> None:
        """Begin.

        Args:
            state: has the event loop.
            endpoint: the server.
            check: what is asked, and how often.
            max_head: most bytes of a response's head.
            probed: gets each result; None for a server that is well.
        """
        self._endpoint = endpoint
        self._check = check
        self._max_head = max_head
        self._probed = probed
        self._task = state.loop.create_task(self._run())

    def stop(self) -> None:
        """Ask no more; a probe under way is broken off and has no result."""
        self._task.cancel()

    async def _run(self) -> None:
        loop, interval = asyncio.get_running_loop(), self._check.interval
        await asyncio.sleep(first_pause(interval, random()))  # noqa: S311 -- no secret
        while True:
            began = loop.time()
            self._probed(await self._ask())
            await asyncio.sleep(next_pause(interval, loop.time() - began, random()))  # noqa: S311

    async def _ask(self) -> UpstreamFailure | None:
        try:
            return await probe(self._endpoint, self._check, self._max_head)
        except Exception:  # noqa: BLE001 -- or nobody would ask this server again, ever
            _log.exception("an error of certgate itself, in a health check")
            return UpstreamFailure(500, "internal_error", "an error of certgate itself")
