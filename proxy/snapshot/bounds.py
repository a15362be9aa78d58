"""Limits and timeouts as plain values: a field of a pydantic model costs ten times as much."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.access.rate import Rate
    from proxy.config import model

Per = Literal["certificate", "address", "route"]


@dataclass(frozen=True, slots=True)
class Limits:
    """As configured, for all clients alike."""

    head: int
    fields: int
    body: int
    connections: int
    min_rate: int


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """How often requests may come.

    Attributes:
        route: host and path of the route where it holds; empty for everywhere.
        per: who is counted by itself.
        rate: on average.
        burst: how many may come ahead of it.
        name: all of that in one text. Limits of the same name are the same: counts outlive a
            reload.
    """

    route: str
    per: Per
    rate: Rate
    burst: int
    name: str = field(init=False)

    def __post_init__(self) -> None:
        """Make the name once: it is looked up for each request."""
        name = f"{self.per} {self.rate} {self.burst} {self.route}"
        object.__setattr__(self, "name", name)


@dataclass(frozen=True, slots=True)
class ConnectionLimit:
    """How many connections, or requests under way on a route, there may be at one time."""

    route: str
    per: Per
    most: int


@dataclass(frozen=True, slots=True)
class VisitorLimits:
    """What each visitor may do, by when it is looked at.

    Attributes:
        on_accept: connections of one address.
        on_handshake: connections of one certificate.
        before_decision: requests of one address, refused or not.
        after_decision: requests of one certificate.
        routes: those of all routes that have some.
    """

    on_accept: ConnectionLimit | None
    on_handshake: ConnectionLimit | None
    before_decision: tuple[RequestLimit, ...]
    after_decision: tuple[RequestLimit, ...]
    routes: tuple[RouteLimits, ...]

    @property
    def names(self) -> frozenset[str]:
        """The names of all limits on requests."""
        of_routes = (limit for route in self.routes for limit in route.requests)
        return frozenset(
            limit.name for limit in (*self.before_decision, *self.after_decision, *of_routes)
        )


@dataclass(frozen=True, slots=True)
class RouteLimits:
    """What may be done on one route."""

    requests: tuple[RequestLimit, ...]
    connections: tuple[ConnectionLimit, ...]


@dataclass(frozen=True, slots=True)
class Timeouts:
    """As configured, in seconds."""

    handshake: float
    head: float
    body: float
    send: float
    keepalive: float
    connect: float
    response: float
    tunnel: float
    shutdown: float


def build_limits(limits: model.Limits) -> Limits:
    """Return what holds for all clients alike."""
    return Limits(limits.head, limits.fields, limits.body, limits.connections, limits.min_rate)


def build_visitor_limits(config: model.Config) -> VisitorLimits | None:
    """Return what each visitor may do; None where nothing is limited, which then costs nothing."""
    limits = config.limits
    requests = _request_limits("", limits.requests)
    built = VisitorLimits(
        _connection_limit("", "address", limits.connections_per.address),
        _connection_limit("", "certificate", limits.connections_per.certificate),
        tuple(limit for limit in requests if limit.per == "address"),
        tuple(limit for limit in requests if limit.per == "certificate"),
        tuple(filter(None, map(build_route_limits, config.routes))),
    )
    return built if built != _NOTHING else None


def build_route_limits(route: model.Route) -> RouteLimits | None:
    """Return what may be done on this route; None for whatever is allowed everywhere."""
    limits, name = route.limits, f"{route.host}{route.path}"
    connections = (
        _connection_limit(name, "certificate", limits.connections_per.certificate),
        _connection_limit(name, "address", limits.connections_per.address),
        _connection_limit(name, "route", limits.connections),
    )
    built = RouteLimits(_request_limits(name, limits.requests), tuple(filter(None, connections)))
    return built if built.requests or built.connections else None


_NOTHING = VisitorLimits(None, None, (), (), ())


def _request_limits(route: str, limits: Iterable[model.RequestLimit]) -> tuple[RequestLimit, ...]:
    return tuple(
        RequestLimit(
            route,
            limit.per,
            limit.rate,
            limit.rate.count - 1 if limit.burst is None else limit.burst,
        )
        for limit in limits
    )


def _connection_limit(route: str, per: Per, most: int) -> ConnectionLimit | None:
    return ConnectionLimit(route, per, most) if most else None
