"""The servers of one upstream: who is fit, and whose turn it is."""

from __future__ import annotations

from ipaddress import ip_address
from random import random
from typing import TYPE_CHECKING

import structlog

from proxy.forward.trusted_proxies import UNIX
from proxy.routing.balancing import ip_hash, least_conn, random_two, round_robin
from proxy.routing.health import Health
from proxy.server.upstream_failure import UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from proxy.server.downstream import DownstreamConnection
    from proxy.server.pool import Pool
    from proxy.snapshot import Endpoint, Member, Upstream

_log = structlog.stdlib.get_logger()


class Peer:
    """One server of one upstream, from one reload to the next."""

    __slots__ = ("_max_conns", "credit", "health", "pool", "weight")

    def __init__(self, member: Member, pool: Pool, health: Health) -> None:
        self._max_conns = member.max_conns
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


class Group:
    """An upstream's servers, and the rule by which they are chosen.

    A reload begins anew: everybody is healthy, as after a reload of nginx.

    Attributes:
        only: the server of an upstream that has no other and no limits: nothing to choose.
        retries: bounds of asking further servers.
    """

    __slots__ = ("_backups", "_balance", "_name", "_primaries", "only", "retries")

    def __init__(self, name: str, upstream: Upstream, pools: Mapping[Endpoint, Pool]) -> None:
        members = upstream.members
        # As nginx: to hold back from the only server there is would help nobody.
        max_fails = upstream.max_fails if len(members) > 1 else 0
        peers = [
            Peer(member, pools[member.endpoint], Health(max_fails, upstream.fail_timeout))
            for member in members
        ]
        self._name = name
        self._primaries = [p for p, member in zip(peers, members, strict=True) if not member.backup]
        self._backups = [p for p, member in zip(peers, members, strict=True) if member.backup]
        self.only = peers[0] if len(peers) == 1 and not members[0].max_conns else None
        self._balance = _BALANCE[upstream.balance]
        self.retries = upstream.retries

    @property
    def peers(self) -> Sequence[Peer]:
        """All servers, the backups last."""
        return [*self._primaries, *self._backups]

    def choose(self, tried: Collection[Peer], client: DownstreamConnection) -> Peer | None:
        """Return the server for a request, or None when no further one has room.

        Servers that are down are the last resort. What is known about them is from the past, and
        they may be back; to hold back from all there are would help nobody. A server that takes
        requests again is found by the first one, where nginx answers 502 for ``fail_timeout``.

        Args:
            tried: those that failed this request already.
            client: who asks; its address and the time are looked up only where they count.
        """
        now = client.state.tick
        for is_last_resort in (False, True):
            for servers in (self._primaries, self._backups):
                fit = [
                    peer
                    for peer in servers
                    if (is_last_resort or peer.health.is_fit(now))
                    and peer.has_room
                    and peer not in tried
                ]
                if fit:
                    peer = self._balance(servers, fit, client.client_address)
                    peer.health.chosen(now)
                    return peer
        return None

    def failed(self, peer: Peer, now: float) -> None:
        """Note that a server did not answer."""
        if peer.health.failed(now):
            _log.warning("upstream server is down", upstream=self._name, address=peer.pool.address)

    def succeeded(self, peer: Peer) -> None:
        """Note that a server answered."""
        if peer.health.succeeded():
            _log.info("upstream server is up", upstream=self._name, address=peer.pool.address)

    def unavailable(self) -> UpstreamFailure:
        """Return the failure of a request for which no server has room."""
        reason = f"all {len(self.peers)} servers have max_conns requests under way"
        return UpstreamFailure(503, "upstream_unavailable", reason)


def _by_address(servers: Sequence[Peer], fit: Sequence[Peer], client: str) -> Peer:
    is_ip = client not in ("", UNIX)
    address = ip_address(client).packed if is_ip else b""
    return ip_hash(address, servers, fit) or round_robin(fit)


_BALANCE: dict[str, Callable[[Sequence[Peer], Sequence[Peer], str], Peer]] = {
    "round_robin": lambda _servers, fit, _client: round_robin(fit),
    "least_conn": lambda _servers, fit, _client: least_conn(fit),
    "random_two": lambda _servers, fit, _client: random_two(fit, (random(), random())),  # noqa: S311 -- no secret
    "ip_hash": _by_address,
}
