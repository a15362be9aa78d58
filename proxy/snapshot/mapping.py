"""What of an app's responses is put into the clients' words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.forward.cookies import CookieMapping
from proxy.forward.location import LocationMapping, plain_authority
from proxy.forward.path_mapping import PathMapping
from proxy.forward.response_mapping import ResponseMapping

if TYPE_CHECKING:
    from proxy.config.model import Config, Route


def build_path_mapping(route: Route) -> PathMapping | None:
    """Return the way from the clients' paths to the app's, None where they are the same."""
    if route.upstream_path is None:
        return None
    return PathMapping.between(route.path, route.upstream_path)


def build_response_mapping(route: Route, config: Config) -> ResponseMapping | None:
    """Return what is changed in the responses of one route, None for nothing."""
    rewrite, paths = route.rewrite, build_path_mapping(route)
    by_default = paths is not None
    if paths is None:  # there are still hosts to put right
        paths = PathMapping.unchanged(route.path)
    maps_location = by_default if rewrite.location is None else rewrite.location
    maps_cookies = by_default if rewrite.cookies is None else rewrite.cookies
    locations = LocationMapping(paths, _servers(route, config)) if maps_location else None
    cookies = None
    if maps_cookies or rewrite.cookie_domains:
        domains = {old.encode(): new.encode() for old, new in rewrite.cookie_domains.items()}
        cookies = CookieMapping(paths if maps_cookies else None, domains)
    return ResponseMapping(locations, cookies) if locations or cookies else None


def _servers(route: Route, config: Config) -> frozenset[bytes]:
    servers = config.upstreams[route.upstream].servers
    return frozenset(
        plain_authority(one.url.address.encode()) for one in servers if not one.url.path
    )
