"""Where requests go, and whom each route lets in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.access.decision import Access
from proxy.routing.table import Route, RouteTable

if TYPE_CHECKING:
    from proxy.config.model import Config


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """Where a route leads.

    Attributes:
        access: whom it lets in.
        upstream: a key of ``Snapshot.upstreams``.
    """

    access: Access
    upstream: str


def build_routes(config: Config) -> RouteTable[RouteTarget]:
    """Return the route table; the configuration has made sure that it is one."""
    return RouteTable(
        Route(
            host=route.host,
            path=route.path,
            access=route.access,
            payload=RouteTarget(Access(route.access), route.upstream),
        )
        for route in config.routes
    )
