"""What visitors may do: how often they may come, and how many of one may be there.

In the order in which a visitor meets it: connections of one address, before the handshake;
connections of one certificate, after it; then for each request those of the address, whatever the
decision will be; and once it is admitted, those of the certificate and of the route.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import structlog

from proxy.access.presence import Presence
from proxy.access.rate import RateLimiter, admit, retry_after
from proxy.access.visitor import address_key
from proxy.forward.trusted_proxies import UNIX
from proxy.web.page import RETRY_AFTER

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Sequence

    from proxy.identity.verdict import Verdict
    from proxy.observe.counters import Counters
    from proxy.server.credentials import Credentials
    from proxy.snapshot import ConnectionLimit, RequestLimit, RouteLimits, VisitorLimits

_log = structlog.stdlib.get_logger()

_TELL_AGAIN: Final = 10.0  # seconds until the log names the same visitor for the same limit again
_MOST_TOLD: Final = 4096
_address_key: Final = lru_cache(maxsize=4096)(address_key)  # 20 µs for an IPv6 address


@dataclass(frozen=True, slots=True)
class Excess:
    """Why a request is answered with 429.

    Attributes:
        code: the stable word for it.
        retry_after: after how many whole seconds the client should try again.
    """

    code: str
    retry_after: int


TOO_MANY: Final = Excess("too_many_connections", RETRY_AFTER)  # when one ends, nobody knows


@dataclass(frozen=True, slots=True)
class Visitor:
    """Under what somebody is counted.

    Attributes:
        address: of the client, as text; empty or ``unix:`` where it has none: not counted.
        certificate: SHA-256 of a *verified* certificate; empty where there is none: not counted.
    """

    address: str
    certificate: str = ""

    def key(self, per: str) -> str:
        """Return the key under a limit; empty for a visitor whom it does not count."""
        if per == "route":
            return "all"
        if per == "certificate":
            return self.certificate
        return "" if self.address == UNIX else _address_key(self.address)


def visitor_of(address: str, credentials: Credentials, verdict: Verdict) -> Visitor:
    """Return under what somebody is counted; a certificate counts only when it is verified."""
    facts = credentials.facts if verdict.code is None else None
    return Visitor(address, facts.fingerprint_sha256 if facts is not None else "")


class Throttle:
    """Who came how often and who is there, in this process.

    It outlives every snapshot: a reload that leaves a limit as it is leaves its counts as they are.
    """

    __slots__ = ("_counters", "_limiters", "_now", "_places", "_present", "_told")

    def __init__(self, now: Callable[[], float], counters: Counters) -> None:
        self._now = now
        self._counters = counters
        self._limiters: dict[str, RateLimiter] = {}  # by the limit's name
        self._present = Presence()
        self._places: dict[object, tuple[Hashable, ...]] = {}  # what each guest has taken up
        self._told: dict[Hashable, float] = {}

    def adopt(self, limits: VisitorLimits | None) -> None:
        """Forget the counts of limits that are no longer there."""
        kept = limits.names if limits is not None else frozenset()
        for name in self._limiters.keys() - kept:
            del self._limiters[name]

    # Connections

    def enter(self, guest: object, limits: Iterable[ConnectionLimit], visitor: Visitor) -> bool:
        """Count a connection, or a request under way, until it leaves.

        Returns:
            False when one of the limits is reached; then it is counted under none.
        """
        taken: list[Hashable] = []
        for limit in limits:
            key = visitor.key(limit.per)
            place = (limit.route, limit.per, key)
            if not key:
                continue
            if not self._present.enter(place, limit.most):
                self._release(taken)
                self._tell("connections", limit, key, visitor, f"{limit.most}")
                return False
            taken.append(place)
        if taken:
            self._places[guest] = (*self._places.get(guest, ()), *taken)
        return True

    def leave(self, guest: object) -> None:
        """Take out who may have entered."""
        if guest in self._places:
            self._release(self._places.pop(guest))

    def hand_over(self, guest: object, successor: object) -> None:
        """Let another object stand for a connection that goes on."""
        places = self._places.pop(guest, None)
        if places is not None:
            self._places[successor] = (*places, *self._places.get(successor, ()))

    def _release(self, places: Iterable[Hashable]) -> None:
        for place in places:
            self._present.leave(place)

    # Requests

    def charge(self, limits: Sequence[RequestLimit], visitor: Visitor) -> Excess | None:
        """Count a request, under all of these limits or, if it is too many for one, under none."""
        now, charges = self._now(), []
        for limit in limits:
            key = visitor.key(limit.per)
            if key:
                charges.append((self._limiter(limit), key))
        wait = admit(charges, now)
        if not wait:
            return None
        for limit in limits:
            key = visitor.key(limit.per)
            if key and self._limiter(limit).wait(key, now):
                self._tell("requests", limit, key, visitor, f"{limit.rate}")
        return Excess("rate_limited", retry_after(wait))

    def charge_on_route(
        self,
        guest: object,
        everywhere: Sequence[RequestLimit],
        limits: RouteLimits | None,
        visitor: Visitor,
    ) -> Excess | None:
        """Count an admitted request, and that it is under way until the guest leaves."""
        if limits is None:
            return self.charge(everywhere, visitor) if everywhere else None
        if not self.enter(guest, limits.connections, visitor):
            return TOO_MANY
        return self.charge((*everywhere, *limits.requests), visitor)

    def _limiter(self, limit: RequestLimit) -> RateLimiter:
        limiter = self._limiters.get(limit.name)
        if limiter is None:
            limiter = self._limiters[limit.name] = RateLimiter(limit.rate, limit.burst)
        return limiter

    # What the operator is told

    def _tell(
        self,
        what: str,
        limit: RequestLimit | ConnectionLimit,
        key: str,
        visitor: Visitor,
        most: str,
    ) -> None:
        """Count a refusal; log it, but the same visitor's not again and again."""
        self._counters.turned_away(f"{what}/{limit.per}")
        if not self._may_tell((what, limit.route, limit.per, key)):
            return
        _log.warning(
            f"too many {what}",
            per=limit.per,
            limit=most,
            route=limit.route or "-",
            client=visitor.address or "-",
            certificate=visitor.certificate or "-",
        )

    def _may_tell(self, subject: Hashable) -> bool:
        now, told = self._now(), self._told
        if now < told.get(subject, now):
            return False
        told.pop(subject, None)  # and in again below, so that the oldest is always the first
        if len(told) >= _MOST_TOLD:
            oldest = next(iter(told))
            if now < told[oldest]:
                return False  # so many in so short a time are a flood: the log says enough of it
            del told[oldest]
        told[subject] = now + _TELL_AGAIN
        return True
