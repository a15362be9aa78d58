"""What can be used but was hardly meant so: warnings about a configuration that is valid."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from proxy.config.addresses import Address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.config.model import Config, Route, Upstream
    from proxy.config.source import Place

_OPEN: Final = ("public", "optional")


def advise(config: Config) -> Iterator[tuple[Place, str]]:
    """Yield the place of each doubtful key, and what is doubtful about it."""
    used = {route.upstream for route in config.routes}
    for name, upstream in config.upstreams.items():
        if name not in used:
            yield ("upstreams", name), "no route leads to this app"
        yield from _advise_tls(("upstreams", name, "tls"), upstream)
        yield from _advise_health(("upstreams", name, "health"), upstream)
    client_auth = config.client_auth
    if client_auth.crl and client_auth.crl_check == "off":
        yield ("client_auth", "crl"), "is never looked into: crl_check is off"
    asked_for = "crl_check" in client_auth.model_fields_set and client_auth.crl_check != "off"
    if asked_for and not client_auth.crl:
        yield ("client_auth", "crl_check"), "has no effect: there is no crl to look into"
    yield from _advise_trust(config)
    if not config.limits.head:
        yield ("limits", "head"), "without a limit one client can fill the memory"
    for index, route in enumerate(config.routes):
        pers = {limit.per for limit in route.limits.requests}
        if route.access != "verified" and pers == {"certificate"}:
            place = ("routes", index, "limits", "requests")
            yield place, "strangers have no certificate: nothing limits them; add one per address"
    if all(route.access == "public" for route in config.routes):
        yield ("routes",), "every route is public: the proxy keeps nobody out"
    yield from _advise_paths(config.routes)
    yield from _advise_folders(config.routes)
    yield from _advise_pages(config)
    yield from _advise_redirects(config)


def _advise_paths(routes: tuple[Route, ...]) -> Iterator[tuple[Place, str]]:
    """Warn of routes that lead to paths of an app for which another one asks for more."""
    for index, route in enumerate(routes):
        if route.upstream_path is None or route.access not in _OPEN:
            continue
        stem = route.upstream_path.rstrip("/")
        for number, other in enumerate(routes):
            path = other.path if other.upstream_path is None else other.upstream_path
            is_same_app = other.upstream == route.upstream and other.access not in _OPEN
            if is_same_app and f"{path.rstrip('/')}/".startswith(f"{stem}/"):
                message = (
                    f"leads to {path} of the app, too, for which routes[{number}] asks for more:"
                    " who is not let in there gets no such path here either"
                )
                yield ("routes", index, "upstream_path"), message


def _advise_folders(routes: tuple[Route, ...]) -> Iterator[tuple[Place, str]]:
    """Warn of folders with a part that another route keeps from strangers."""
    for index, route in enumerate(routes):
        for number, other in enumerate(routes):
            if route.access in _OPEN and other.access not in _OPEN and _has_way_into(route, other):
                message = f"gives everybody the files of routes[{number}], which asks for more"
                yield ("routes", index, "static"), message


def _has_way_into(route: Route, other: Route) -> bool:
    """Tell whether a route serves what is in another one's folder, and at another path."""
    outer, inner = route.static, other.static
    if outer is None or inner is None or outer not in inner.parents:
        return False
    way = f"{route.path.rstrip('/')}/{inner.relative_to(outer)}"
    return (route.host, way) != (other.host, other.path.rstrip("/"))


def _advise_pages(config: Config) -> Iterator[tuple[Place, str]]:
    has_pages = config.error_pages or any(route.error_pages for route in config.routes)
    if config.intercept_errors and not has_pages:
        yield ("intercept_errors",), "has no effect: there are no error_pages"


def _advise_redirects(config: Config) -> Iterator[tuple[Place, str]]:
    """Warn of redirects that lead to where they come from: browsers would give up."""
    for index, listener in enumerate(config.listen):
        address = listener.address
        if isinstance(address, Address) and listener.redirect_to_port == address.port:
            place = ("listen", index, "redirect_to_port")
            yield place, "this port speaks plain HTTP; name the one that browsers use for https"
    spots = {(route.host, route.path.rstrip("/")) for route in config.routes}
    for index, route in enumerate(config.routes):
        target = route.redirect.to if route.redirect is not None else ""
        path = re.split(r"[?#]", target)[0]
        is_fixed = path.startswith("/") and "$" not in path
        if is_fixed and _spot_of(path, route.host, spots) == route.path.rstrip("/"):
            yield ("routes", index, "redirect"), f"{path} is a path of this route: a loop"


def _spot_of(path: str, host: str, spots: set[tuple[str, str]]) -> str | None:
    """Return the longest path of this host's routes that takes the given one."""
    stem = path.rstrip("/")
    while (host, stem) not in spots:
        if not stem:
            return None
        stem = stem.rpartition("/")[0]
    return stem


def _advise_trust(config: Config) -> Iterator[tuple[Place, str]]:
    for index, network in enumerate(config.trusted_proxies):
        if network.endswith("/0"):
            place = ("trusted_proxies", index)
            yield place, "everybody is trusted: any client chooses the address that it is known by"


_PASSIVE: Final = ("max_fails", "fail_timeout")


def _advise_health(place: Place, upstream: Upstream) -> Iterator[tuple[Place, str]]:
    health = upstream.health
    for key in sorted(health.model_fields_set - {"path"}):
        if key in _PASSIVE and len(upstream.servers) == 1:
            yield (*place, key), "has no effect: there is only one server"
        elif key not in _PASSIVE and not health.path:
            yield (*place, key), "has no effect: there are no probes without a path"


def _advise_tls(place: Place, upstream: Upstream) -> Iterator[tuple[Place, str]]:
    if "tls" in upstream.model_fields_set and not any(one.url.is_tls for one in upstream.servers):
        yield place, "has no effect: no server is spoken to over TLS (https://)"
    if not upstream.tls.verify:
        yield (*place, "verify"), "whoever gets in between can pose as the app and as its clients"
        if upstream.tls.ca:
            yield (*place, "ca"), "has no effect: verify is false"
