"""Where requests go, whom each route lets in, and what is changed on the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from proxy.access.decision import Access
from proxy.routing.claims import Claims
from proxy.routing.table import Route, RouteTable
from proxy.snapshot.answers import build_answer
from proxy.snapshot.bounds import build_route_limits
from proxy.snapshot.error_pages import NO_PAGES, ErrorPages, build_pages
from proxy.snapshot.headers import merged_request_rules, merged_response_rules
from proxy.snapshot.mapping import build_path_mapping, build_response_mapping

if TYPE_CHECKING:
    from proxy.config import model
    from proxy.forward.header_rules import HeaderRules
    from proxy.forward.path_mapping import PathMapping
    from proxy.forward.response_mapping import ResponseMapping
    from proxy.observe.access_record import AccessRecord
    from proxy.snapshot.answers import Answer
    from proxy.snapshot.bounds import RouteLimits
    from proxy.snapshot.faults import Faults

Claim = tuple[Access, "RouteLimits | None"]
"""What a route asks of a client, and how often it may come."""


@dataclass(frozen=True, slots=True, eq=False)
class RouteTarget:
    """Where a route leads.

    Attributes:
        access: whom it lets in.
        upstream: a key of ``Snapshot.upstreams``; empty where ``answer`` is given.
        body: most bytes of a request's content; 0 for no limit.
        limits: what visitors may do here; None for whatever they may do everywhere.
        answer: what answers in place of an app.
        paths: from the clients' paths to the app's; None where they are the same.
        claims: what the routes ask of a client that want the same path of the app; None where this
            route cannot lead past another one.
        mapping: what of the app's responses is put into the clients' words.
        request_rules: the operator's, for fields of requests to the app.
        response_rules: the operator's, for fields of responses to the client.
        pages: the operator's error pages.
        intercepts: they take the place of the app's errors, too.
        is_plain: requests go to the app as they are, and so do its responses to the client.
    """

    access: Access
    upstream: str = ""
    body: int = 0
    limits: RouteLimits | None = None
    answer: Answer | None = None
    paths: PathMapping | None = None
    claims: Claims[Claim] | None = None
    mapping: ResponseMapping | None = None
    request_rules: HeaderRules[AccessRecord] | None = None
    response_rules: HeaderRules[AccessRecord] | None = None
    pages: ErrorPages = NO_PAGES
    intercepts: bool = False
    is_plain: bool = field(init=False)

    def __post_init__(self) -> None:
        """Sum up, so that a request of a plain route looks at one attribute."""
        changes = (self.answer, self.paths, self.claims, self.mapping)
        rules = (self.request_rules, self.response_rules)
        is_plain = not self.intercepts and all(one is None for one in (*changes, *rules))
        object.__setattr__(self, "is_plain", is_plain)


def build_routes(
    config: model.Config, faults: Faults
) -> tuple[RouteTable[RouteTarget], RouteTarget]:
    """Return the route table, and what counts where it has no route.

    The configuration has made sure that it is a table; what error pages lack is a fault.
    """
    pages = build_pages(config.error_pages, "error_pages", faults)
    targets = [
        _build_target(
            config,
            route,
            pages | build_pages(route.error_pages, f"routes[{index}].error_pages", faults),
        )
        for index, route in enumerate(config.routes)
    ]
    table = RouteTable(
        # The limits are a part of the access: else /LOGIN would be a way around those of /login,
        # with an app that takes the one for the other; and /METRICS one into a closed /metrics.
        Route(route.host, route.path, (route.access, target.limits, route.is_closed), target)
        for route, target in zip(config.routes, targets, strict=True)
    )
    response_rules = merged_response_rules(config.response_headers)
    return table, RouteTarget(Access.VERIFIED, response_rules=response_rules, pages=pages)


def _build_target(config: model.Config, route: model.Route, pages: ErrorPages) -> RouteTarget:
    body = config.limits.body if route.limits.body is None else route.limits.body
    plain = RouteTarget(
        access=Access(route.access),
        upstream=route.upstream,
        body=body,
        limits=build_route_limits(route),
        answer=build_answer(route),
        response_rules=merged_response_rules(config.response_headers, route.response_headers),
        pages=pages,
    )
    return plain if plain.answer is not None else _with_app(plain, config, route)


def _with_app(target: RouteTarget, config: model.Config, route: model.Route) -> RouteTarget:
    intercepts = route.intercept_errors
    return replace(
        target,
        paths=build_path_mapping(route),
        claims=_claims(route, config),
        mapping=build_response_mapping(route, config),
        request_rules=merged_request_rules(config.request_headers, route.request_headers),
        intercepts=bool(target.pages)
        and (config.intercept_errors if intercepts is None else intercepts),
    )


def _claims(route: model.Route, config: model.Config) -> Claims[Claim] | None:
    """Return what else counts for requests of this route; see ``proxy/routing/claims.py``.

    A route with an ``upstream_path`` leads to paths for which there may be other routes: all of
    them count. One without leads to its own paths, for which the route table has chosen it; what
    it may meet there are paths that a route with an ``upstream_path`` leads to.
    """
    others = [other for other in config.routes if other.upstream == route.upstream]
    if route.upstream_path is None:
        own = _app_path(route).rstrip("/")
        others = [
            other
            for other in others
            if other.upstream_path is not None and _app_path(other).rstrip("/") != own
        ]
    if all(_claim(other) == _claim(route) for other in others):
        return None
    return Claims((_app_path(other).encode(), _claim(other)) for other in (*others, route))


def _claim(route: model.Route) -> Claim:
    return Access(route.access), build_route_limits(route)


def _app_path(route: model.Route) -> str:
    return route.path if route.upstream_path is None else route.upstream_path
