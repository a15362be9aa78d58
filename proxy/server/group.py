"""The servers of one upstream: who is fit, and whose turn it is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import structlog

from proxy.routing.active_health import ActiveHealth
from proxy.routing.health import Health
from proxy.server.balance import rule_of
from proxy.server.health_check import HealthCheck
from proxy.server.peer import Peer
from proxy.server.tier import Tier
from proxy.server.upstream_failure import UpstreamFailure

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from proxy.config.addresses import Server
    from proxy.observe.access_record import AccessRecord
    from proxy.server.pool import Pool
    from proxy.server.state import ServerState
    from proxy.snapshot import Endpoint, Upstream

    Probed = Mapping[Server, ActiveHealth]

_log = structlog.stdlib.get_logger()


class Group:
    """An upstream's servers, and the rule by which they are chosen.

    A reload begins anew, as after a reload of nginx; only what probes have shown is kept.

    Attributes:
        buffering: how the content of requests is stored; None where it streams.
        name: of the upstream.
        only: the server of an upstream that has no other and no limits: nothing to choose.
        peers: all servers.
        upstream: as configured.
    """

    __slots__ = ("_checks", "_tiers", "buffering", "name", "only", "peers", "upstream")

    def __init__(
        self,
        name: str,
        upstream: Upstream,
        pools: Mapping[Endpoint, Pool],
        previous: Group | None = None,
    ) -> None:
        """Begin with servers of which nothing bad is known.

        Args:
            name: of the upstream.
            upstream: as configured.
            pools: of all servers.
            previous: the group of this name that a reload replaces.
        """
        self.name = name
        self.upstream = upstream
        self.buffering = upstream.buffering
        self.peers = _peers(upstream, pools, _known(upstream, previous))
        by_rank: dict[bool, list[Peer]] = {False: []}  # those in use come first
        for peer, member in zip(self.peers, upstream.members, strict=True):
            by_rank.setdefault(member.backup, []).append(peer)
        self._tiers = tuple(Tier(peers, rule_of(upstream, peers)) for peers in by_rank.values())
        is_free = len(self.peers) == 1 and not upstream.members[0].max_conns
        self.only = self.peers[0] if is_free and upstream.check is None else None
        self._checks: tuple[HealthCheck, ...] = ()

    def choose(self, tried: Collection[Peer], record: AccessRecord, now: float) -> Peer | None:
        """Return the server for a request, or None when no further one has room.

        Servers that are down are the last resort. What is known about them is from the past, and
        they may be back; to hold back from all there are would help nobody. A server that takes
        requests again is found by the first one, where nginx answers 502 for ``fail_timeout``.
        A probe tells of the present, so what fails its probes is not asked at all.

        Args:
            tried: those that failed this request already.
            record: of the request; some rules look at it.
            now: the event loop's time.
        """
        for tier in self._tiers:
            peer = tier.choose(tried, record, now)
            if peer is not None:
                return self._chosen(peer, now)
        for tier in self._tiers:
            peer = tier.last_resort(tried, record)
            if peer is not None:
                return self._chosen(peer, now)
        return None

    def _chosen(self, peer: Peer, now: float) -> Peer:
        peer.health.chosen(now)
        if peer.health.is_down:
            self.look_again()  # it is being tried: nobody else is, for a while
        return peer

    def failed(self, peer: Peer, now: float) -> None:
        """Note that a server did not answer."""
        if peer.health.failed(now):
            _log.warning("upstream server is down", upstream=self.name, address=peer.address)
        self.look_again()

    def succeeded(self, peer: Peer) -> None:
        """Note that a server answered."""
        if peer.health.succeeded():
            _log.info("upstream server is up", upstream=self.name, address=peer.address)
        self.look_again()

    # Probes

    def start_probes(self, state: ServerState, max_head: int) -> None:
        """Begin to ask the servers how they are, if that is configured."""
        check = self.upstream.check
        if check is not None:
            self._checks = tuple(
                HealthCheck(
                    state, member.endpoint, check, max_head, partial(self._probed, state, peer)
                )
                for member, peer in zip(self.upstream.members, self.peers, strict=True)
            )

    def stop_probes(self) -> None:
        """Ask no more."""
        for check in self._checks:
            check.stop()
        self._checks = ()

    def _probed(self, state: ServerState, peer: Peer, failure: UpstreamFailure | None) -> None:
        if failure is not None:
            state.counters.probe_failed(self.name, failure.code)
        if peer.active is None or not peer.active.probed(passed=failure is None):
            return
        state.counters.health_changed(self.name, is_up=failure is None)
        self.look_again()
        if failure is None:
            _log.info("upstream server is up", upstream=self.name, address=peer.address, by="probe")
        else:
            _log.warning(
                "upstream server is down",
                upstream=self.name,
                address=peer.address,
                by="probe",
                code=failure.code,
                reason=failure.reason,
            )

    def look_again(self) -> None:
        """What is known about a server has changed."""
        for tier in self._tiers:
            tier.look_again()

    def unavailable(self) -> UpstreamFailure:
        """Return the failure of a request for which no server has room."""
        down = sum(not peer.is_up for peer in self.peers)
        full = sum(not peer.has_room for peer in self.peers)
        reason = f"of {len(self.peers)} servers {down} fail their health check"
        return UpstreamFailure(
            503, "upstream_unavailable", f"{reason}, {full} have max_conns requests under way"
        )


def _known(upstream: Upstream, previous: Group | None) -> Probed:
    """Return what probes have shown of servers that are still probed in the same way."""
    if previous is None or previous.upstream.check != upstream.check:
        return {}
    servers = (member.endpoint.server for member in previous.upstream.members)
    return {
        server: peer.active
        for server, peer in zip(servers, previous.peers, strict=True)
        if peer.active is not None
    }


def _peers(upstream: Upstream, pools: Mapping[Endpoint, Pool], known: Probed) -> Sequence[Peer]:
    # As nginx: to hold back from the only server there is would help nobody.
    max_fails = upstream.max_fails if len(upstream.members) > 1 else 0
    peers = []
    for member in upstream.members:
        active = known.get(member.endpoint.server)
        if active is None and upstream.check is not None:
            active = ActiveHealth(upstream.check.fails, upstream.check.passes)
        health = Health(max_fails, upstream.fail_timeout)
        peers.append(Peer(member, pools[member.endpoint], health, active))
    return peers
