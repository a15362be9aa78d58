"""All connections to upstream servers, and the groups in which servers are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.server.group import Group
from proxy.server.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proxy.server.state import ServerState
    from proxy.server.upstream import UpstreamConnection
    from proxy.snapshot import Endpoint, Limits, Upstream


class Pools:
    """All pools of the process; they outlive a reload as long as their server is configured."""

    __slots__ = ("_groups", "_pools", "_state", "live")

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._pools: dict[Endpoint, Pool] = {}
        self._groups: dict[str, Group] = {}
        self.live: set[UpstreamConnection] = set()

    def adopt(self, upstreams: Mapping[str, Upstream], limits: Limits) -> None:
        """Make a pool for each server of a new snapshot, close those that are in none."""
        endpoints = {one.endpoint for upstream in upstreams.values() for one in upstream.members}
        for endpoint in set(self._pools) - endpoints:
            self._pools.pop(endpoint).close_idle()
        for endpoint in endpoints - set(self._pools):
            self._pools[endpoint] = Pool(self._state, endpoint, self.live)
        for pool in self._pools.values():
            pool.max_head, pool.max_fields = limits.head, limits.fields
        for group in self._groups.values():
            group.stop_probes()
        self._groups = {
            name: Group(name, upstream, self._pools, self._groups.get(name))
            for name, upstream in upstreams.items()
        }
        for group in self._groups.values():
            group.start_probes(self._state, limits.head)

    def stop_probes(self) -> None:
        """Ask no server about its health any more."""
        for group in self._groups.values():
            group.stop_probes()

    def group(self, name: str) -> Group:
        """Return the servers of an upstream of the current snapshot."""
        return self._groups[name]

    def close(self) -> None:
        """Close everything."""
        for connection in list(self.live):
            connection.abandon()
