"""Where requests go, and whom each route lets in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.access.decision import Access
from proxy.routing.table import Route, RouteTable
from proxy.snapshot.bounds import build_route_limits

if TYPE_CHECKING:
    from proxy.config import model
    from proxy.snapshot.bounds import RouteLimits


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """Where a route leads.

    Attributes:
        access: whom it lets in.
        upstream: a key of ``Snapshot.upstreams``.
        body: most bytes of a request's content; 0 for no limit.
        limits: what visitors may do here; None for whatever they may do everywhere.
    """

    access: Access
    upstream: str
    body: int = 0
    limits: RouteLimits | None = None


def build_routes(config: model.Config) -> RouteTable[RouteTarget]:
    """Return the route table; the configuration has made sure that it is one."""
    targets = [(route, _target(route, config.limits)) for route in config.routes]
    return RouteTable(
        # The limits are a part of the access: else /LOGIN would be a way around those of /login,
        # with an app that takes the one for the other.
        Route(route.host, route.path, (route.access, target.limits), target)
        for route, target in targets
    )


def _target(route: model.Route, limits: model.Limits) -> RouteTarget:
    body = limits.body if route.limits.body is None else route.limits.body
    return RouteTarget(Access(route.access), route.upstream, body, build_route_limits(route))
