"""The servers of one rank, those in use or the backups, and which of them are fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.routing.balancing import Remainder, Roster

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from proxy.observe.access_record import AccessRecord
    from proxy.server.balance import Rule
    from proxy.server.peer import Peer

_NEVER, _LONG_AGO = float("inf"), float("-inf")


class Tier:
    """Chooses among servers of one rank.

    Who is fit is found out when something has happened, not at each request: looking at 200
    servers takes longer than all the rest of a request.
    """

    __slots__ = ("_all", "_fit", "_fit_until", "_renewals", "_rule", "peers")

    def __init__(self, peers: Sequence[Peer], rule: Rule) -> None:
        self.peers = peers
        self._rule = rule
        self._all = Roster(peers)
        self._fit: Roster[Peer] | None = self._all
        self._fit_until = _LONG_AGO
        self._renewals = 0

    def choose(self, tried: Collection[Peer], record: AccessRecord, now: float) -> Peer | None:
        """Return a server that is fit, has room and was not tried; None when there is none.

        Args:
            tried: those that failed this request already.
            record: of the request; some rules look at it.
            now: the event loop's time.
        """
        if now > self._fit_until:
            self._renew(now)
        fit = self._fit
        if fit is None:
            return None
        peer = self._rule(fit, record)
        if peer.has_room and peer not in tried:
            return peer
        return self._choose_among(fit.servers, tried, record)

    def last_resort(self, tried: Collection[Peer], record: AccessRecord) -> Peer | None:
        """As ``choose``, whatever earlier requests have shown; a probe's word still counts."""
        return self._choose_among([one for one in self.peers if one.is_up], tried, record)

    def _choose_among(
        self, peers: Sequence[Peer], tried: Collection[Peer], record: AccessRecord
    ) -> Peer | None:
        left = [peer for peer in peers if peer.has_room and peer not in tried]
        return self._rule(Remainder(left), record) if left else None

    def look_again(self) -> None:
        """Something has happened to one of the servers."""
        self._fit_until = _LONG_AGO

    def _renew(self, now: float) -> None:
        fit = [peer for peer in self.peers if peer.is_fit(now)]
        out = [peer.fit_after for peer in self.peers if not peer.is_fit(now)]
        self._fit_until = min(out, default=_NEVER)
        if len(fit) == len(self.peers):
            self._fit = self._all
        elif not fit:
            self._fit = None
        else:
            # Begin elsewhere each time, or a server that comes and goes would favour the first.
            start = self._renewals % len(fit)
            self._renewals += 1
            self._fit = Roster(fit[start:] + fit[:start])
