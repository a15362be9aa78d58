"""Which route a request takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proxy.http1.messages import RequestHead
    from proxy.routing.table import Match, RouteTable
    from proxy.snapshot import RouteTarget


class _Routed:
    """A route that was looked up, and in which table."""

    __slots__ = ("match", "routes")

    def __init__(self, routes: RouteTable[RouteTarget], match: Match[RouteTarget] | None) -> None:
        self.routes = routes
        self.match = match


def find_route(request: RequestHead, routes: RouteTable[RouteTarget]) -> Match[RouteTarget] | None:
    """Return a request's route; one that the client repeats was looked up before.

    Raises:
        TargetError: the target has no reading, or more than one that counts.
    """
    known = request.routed
    if isinstance(known, _Routed) and known.routes is routes:
        return known.match
    # OPTIONS * (RFC 9110, section 9.3.7) is for the app of the root.
    target = b"/" if request.target == b"*" else request.target
    match = routes.match(request.section.host, target)
    request.routed = _Routed(routes, match)
    return match
