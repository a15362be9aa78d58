"""What routes have to obey, each by itself and all together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic_core import PydanticCustomError

from proxy.config.findings import Finding, raise_any, repetitions
from proxy.config.units import quoted, refuse_switch
from proxy.routing.path import CLEAN_PATH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from proxy.config.model import ClientAuth, Route, Upstream

# A route is compared with the decoded and resolved path of a request (proxy/routing/path.py). What
# cannot stand there, or what apps read in different ways, has no place in a route.
_NOT_IN_ROUTE_PATH: Final = {
    "%": "write the path decoded",
    "?": "a route looks at the path, not at the query",
    "#": "a fragment never reaches a server",
    "*": "a path is the start of what it takes; leave the * out",
    ";": "apps differ in what a ; means",
    "\\": "apps differ in what a \\ means",
}

# The keys of a route that answer in place of an app; a route has one of them or an upstream.
ANSWERS: Final = ("static", "respond", "redirect")
# What there is to do only with an app's requests and responses.
_OF_APPS: Final = ("upstream", "upstream_path", "rewrite", "request_headers", "intercept_errors")


def check_route_path(text: str) -> str:
    """Refuse a path that no request can have, or that does not mean one thing only."""
    if not text.startswith("/"):
        raise ValueError(f"{quoted(text)} does not begin with /")
    for character, advice in _NOT_IN_ROUTE_PATH.items():
        if character in text:
            raise ValueError(f"{quoted(text)} contains {character}: {advice}")
    segments = text.split("/")[1:]
    if "" in segments[:-1] or not {".", ".."}.isdisjoint(segments):
        raise ValueError(f"{quoted(text)}: write it without empty segments, . and ..")
    if not text.isprintable():
        raise ValueError(f"{quoted(text)} contains a control character")
    return text


def check_upstream_path(text: str) -> str:
    """Refuse a path that an app could read in two ways; it is sent as it stands here."""
    check_route_path(text)
    if not CLEAN_PATH.fullmatch(text.encode()):
        raise ValueError(
            f"{quoted(text)}: a path for the app is made of ASCII letters and digits, and of"
            " -._~!$&'()*+,=:@"
        )
    return text


def check_index(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is not the plain name of a file that may be served."""
    for name in names:
        refuse_switch(name, "write the name of a file such as index.html, or remove the key")
        if not name or name.startswith(".") or not {"/", "\\", "\0"}.isdisjoint(name):
            raise ValueError(
                f"{quoted(name)}: write the name of a file that stands in each folder, without "
                "slashes and not with a dot first"
            )
    return names


def settle_routes(
    routes: tuple[Route, ...], upstreams: dict[str, Upstream], client_auth: ClientAuth | None
) -> tuple[Route, ...]:
    """Return the routes with their upstreams filled in.

    Raises:
        ValidationError: for every route that repeats another, names no upstream of these, has two
            answers, or lets strangers in where the handshake already refuses them.
        PydanticCustomError: ``no_app``, when a route needs an app and there is none.
    """
    if not upstreams and not all(answer_of(route) for route in routes):
        raise PydanticCustomError(
            "no_app", "there is no app; write upstream: http://host:port, or upstreams"
        )
    raise_any(
        [
            *repetitions(routes, _spot, "a route for this host and path is given above", "path"),
            *_case_conflicts(routes),
            *_answer_faults(routes),
            *_upstream_faults(routes, upstreams),
            *_handshake_conflicts(routes, client_auth),
            *_unbounded_stores(routes, upstreams),
        ]
    )
    only = next(iter(upstreams), "")
    return tuple(
        route if route.upstream or answer_of(route) else route.model_copy(update={"upstream": only})
        for route in routes
    )


def answer_of(route: Route) -> str:
    """Return the key that answers in place of an app, or nothing."""
    return next((key for key in ANSWERS if getattr(route, key) is not None), "")


def _spot(route: Route) -> tuple[str, str]:
    return route.host, route.path.rstrip("/")


def _case_conflicts(routes: Iterable[Route]) -> Iterator[Finding]:
    """An app that ignores case cannot tell such paths apart, so neither of them would be safe."""
    first: dict[tuple[str, str], Route] = {}
    for index, route in enumerate(routes):
        host, path = _spot(route)
        other = first.setdefault((host, path.lower()), route)
        if _spot(other) == _spot(route):
            continue
        beginning = f"differs from {quoted(other.path)} in letter case only"
        if other.access != route.access:
            yield (index, "path"), f"{beginning}, but not in access"
        elif other.limits.of_visitors != route.limits.of_visitors:
            yield (index, "path"), f"{beginning}, but not in limits"
        elif other.is_closed != route.is_closed:
            yield (index, "path"), f"{beginning}, but one of them is closed by respond"


def _answer_faults(routes: Iterable[Route]) -> Iterator[Finding]:
    for index, route in enumerate(routes):
        first = answer_of(route)
        for key in ANSWERS:
            if first and key != first and getattr(route, key) is not None:
                yield (index, key), f"{first} is given as well; keep one of the two"
        for key in _OF_APPS if first else ():
            if key in route.model_fields_set:
                yield (index, key), f"has no effect: {first} answers in place of an app"


def _upstream_faults(routes: Iterable[Route], upstreams: dict[str, Upstream]) -> Iterator[Finding]:
    for index, route in enumerate(routes):
        if route.upstream and route.upstream not in upstreams:
            known = ", ".join(upstreams)
            yield (index, "upstream"), f"{quoted(route.upstream)} is not among upstreams: {known}"
        elif not route.upstream and not answer_of(route) and len(upstreams) > 1:
            yield (index,), "has no upstream, and there are several; name one"


def _unbounded_stores(routes: Iterable[Route], upstreams: dict[str, Upstream]) -> Iterator[Finding]:
    for index, route in enumerate(routes):
        upstream = upstreams.get(route.upstream or next(iter(upstreams), ""))
        if upstream is not None and upstream.buffering.requests and route.limits.body == 0:
            yield (index, "limits", "body"), "its app stores requests: 0 is no limit, give one"


def _handshake_conflicts(
    routes: Iterable[Route], client_auth: ClientAuth | None
) -> Iterator[Finding]:
    if client_auth is None or client_auth.reject_with == "page":
        return
    for index, route in enumerate(routes):
        if route.access != "verified":
            message = f"{route.access} access needs client_auth.reject_with: page"
            yield (index, "access"), message


def refuse_access_rules(value: object) -> object:
    """Say of allow and deny rules that they will be taken one day."""
    if isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - pydantic reports ValueErrors
            "allow, deny and methods are not in this version; write verified, optional or public"
        )
    return value
