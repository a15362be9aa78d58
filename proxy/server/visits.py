"""Whether a request is one too many: of its address, of its certificate, on its route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.server.throttle import TOO_MANY, Excess, Visitor, visitor_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from proxy.identity.verdict import Verdict
    from proxy.server.exchange import Exchange
    from proxy.snapshot import RouteLimits, VisitorLimits


def excess_of_address(exchange: Exchange, visitors: VisitorLimits) -> Excess | None:
    """Return what is too much before anything is decided: the refused are counted, too."""
    if exchange.connection.is_excess:
        exchange.keep_alive = False  # another connection of the client may come in its place
        return TOO_MANY
    if not visitors.before_decision:
        return None
    visitor = Visitor(exchange.record.remote_addr)
    return exchange.state.throttle.charge(visitors.before_decision, visitor)


def excess_of_admitted(
    exchange: Exchange, visitors: VisitorLimits, verdict: Verdict
) -> Excess | None:
    """Return what is too much of a visitor who is let in."""
    throttle, limits = exchange.state.throttle, exchange.route.limits
    visitor = _visitor(exchange, verdict)
    return throttle.charge_on_route(exchange, visitors.after_decision, limits, visitor)


def excess_of_claims(
    exchange: Exchange, found: Iterable[RouteLimits | None], verdict: Verdict
) -> Excess | None:
    """Count the request where it counts for other routes to the same path of the app."""
    visitor = _visitor(exchange, verdict)
    for limits in {*found} - {None, exchange.route.limits}:
        excess = exchange.state.throttle.charge_on_route(exchange, (), limits, visitor)
        if excess is not None:
            return excess
    return None


def _visitor(exchange: Exchange, verdict: Verdict) -> Visitor:
    return visitor_of(exchange.record.remote_addr, exchange.connection.credentials, verdict)
