"""One timer for all deadlines.

A ``call_later`` per request costs more than the request's parsing; a deadline that is only a
number on the object costs nothing, and one sweep over 10,000 connections takes about a
millisecond. The price is precision: a deadline is met up to one interval late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from proxy.server.state import ServerState

_INTERVAL = 0.25  # seconds

_log = structlog.stdlib.get_logger()


class Timed(Protocol):
    """Something that ends when it takes too long; times are those of the event loop."""

    read_deadline: float
    write_deadline: float

    def on_deadline(self) -> None:
        """Act on a deadline that has passed."""


class Sweeper:
    """Looks at every deadline four times a second."""

    __slots__ = ("_chores", "_handle", "_populations", "_state")

    def __init__(
        self,
        state: ServerState,
        populations: Iterable[Collection[Timed]],
        chores: Iterable[Callable[[], None]],
    ) -> None:
        """Start sweeping.

        Args:
            state: gets the time of each sweep.
            populations: live collections of what has deadlines.
            chores: called after each sweep, for what has to be looked at regularly.
        """
        self._state = state
        self._populations = tuple(populations)
        self._chores = tuple(chores)
        self._handle = state.loop.call_later(_INTERVAL, self._sweep)

    def stop(self) -> None:
        """Sweep no more."""
        self._handle.cancel()

    def _sweep(self) -> None:
        self._handle = self._state.loop.call_later(_INTERVAL, self._sweep)
        now = self._state.tick = self._state.now()
        for population in self._populations:
            # Collected first: acting on a deadline changes the population.
            late = [one for one in population if now >= min(one.read_deadline, one.write_deadline)]
            for one in late:
                self._run(one.on_deadline)
        for chore in self._chores:
            self._run(chore)

    @staticmethod
    def _run(action: Callable[[], None]) -> None:
        try:
            action()
        except Exception:  # noqa: BLE001 -- one broken connection must not stop everybody's deadlines
            _log.exception("an error of certgate itself, while sweeping")
