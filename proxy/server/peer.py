"""One server of one upstream, as those see it who choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.routing.active_health import ActiveHealth
    from proxy.routing.health import Health
    from proxy.server.pool import Pool
    from proxy.snapshot import Member

_NEVER = float("inf")


class Peer:
    """One server of one upstream, from one reload to the next.

    Attributes:
        active: what probes have shown; None without probes. It outlives a reload.
        address: for logs.
        credit: for round robin.
        health: what requests have shown.
        pool: its connections; shared with other upstreams that have this server.
        weight: its share.
    """

    __slots__ = ("_max_conns", "active", "address", "credit", "health", "pool", "weight")

    def __init__(
        self, member: Member, pool: Pool, health: Health, active: ActiveHealth | None
    ) -> None:
        self._max_conns = member.max_conns
        self.active = active
        self.address = pool.address
        self.credit = 0
        self.health = health
        self.pool = pool
        self.weight = member.weight

    @property
    def in_use(self) -> int:
        """Connections with a request under way, and those that are being made."""
        return self.pool.in_use

    @property
    def has_room(self) -> bool:
        """One more connection may be in use."""
        return not self._max_conns or self.pool.in_use < self._max_conns

    @property
    def is_up(self) -> bool:
        """No probe says otherwise; what requests have shown is another matter."""
        return self.active is None or self.active.is_up

    def is_fit(self, now: float) -> bool:
        """Tell whether a request may be sent, by all that is known."""
        return self.is_up and self.health.is_fit(now)

    @property
    def fit_after(self) -> float:
        """The time after which it is fit again by itself; never while a probe says it is down."""
        return self.health.fit_after if self.is_up else _NEVER
