"""Where requests go, and whom each route lets in."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.access.decision import Access
from proxy.routing.table import Route, RouteTable
from proxy.snapshot.bounds import build_route_limits

if TYPE_CHECKING:
    from proxy.config import model
    from proxy.snapshot.bounds import RouteLimits


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """A folder whose files are served.

    Attributes:
        folder: its absolute path.
        index: names of files that stand for their folder.
        depth: how many segments of a request's path are the route's; what follows is the file's.
    """

    folder: bytes
    index: tuple[bytes, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """Where a route leads.

    Attributes:
        access: whom it lets in.
        upstream: a key of ``Snapshot.upstreams``; empty where it leads to no app.
        body: most bytes of a request's content; 0 for no limit.
        limits: what visitors may do here; None for whatever they may do everywhere.
        static: the folder whose files answer, in place of an app.
    """

    access: Access
    upstream: str
    body: int = 0
    limits: RouteLimits | None = None
    static: StaticFiles | None = None


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
    return RouteTarget(
        Access(route.access), route.upstream, body, build_route_limits(route), _static_files(route)
    )


def _static_files(route: model.Route) -> StaticFiles | None:
    if route.static is None:
        return None
    index = tuple(os.fsencode(name) for name in route.index)
    depth = route.path.removesuffix("/").count("/")
    return StaticFiles(os.fsencode(route.static.absolute()), index, depth)
