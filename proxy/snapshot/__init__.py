"""A configuration compiled into one immutable value, and its parts."""

from proxy.snapshot.answers import Answer, FixedResponse, Redirect, StaticFiles
from proxy.snapshot.bounds import (
    ConnectionLimit,
    Limits,
    RequestLimit,
    RouteLimits,
    Timeouts,
    VisitorLimits,
)
from proxy.snapshot.build import Snapshot, build_snapshot, with_fresh_crls
from proxy.snapshot.routes import RouteTarget
from proxy.snapshot.trust import Trust
from proxy.snapshot.upstreams import Buffering, Check, Endpoint, HashKey, Member, Upstream

__all__ = [
    "Answer",
    "Buffering",
    "Check",
    "ConnectionLimit",
    "Endpoint",
    "FixedResponse",
    "HashKey",
    "Limits",
    "Member",
    "Redirect",
    "RequestLimit",
    "RouteLimits",
    "RouteTarget",
    "Snapshot",
    "StaticFiles",
    "Timeouts",
    "Trust",
    "Upstream",
    "VisitorLimits",
    "build_snapshot",
    "with_fresh_crls",
]
