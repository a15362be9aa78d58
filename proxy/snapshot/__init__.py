"""A configuration compiled into one immutable value, and its parts."""

from proxy.snapshot.bounds import Limits, Timeouts
from proxy.snapshot.build import Snapshot, build_snapshot, with_fresh_crls
from proxy.snapshot.routes import RouteTarget
from proxy.snapshot.trust import Trust
from proxy.snapshot.upstreams import Endpoint, Member, Upstream

__all__ = [
    "Endpoint",
    "Limits",
    "Member",
    "RouteTarget",
    "Snapshot",
    "Timeouts",
    "Trust",
    "Upstream",
    "build_snapshot",
    "with_fresh_crls",
]
