"""Which server gets the next request: nginx's algorithms, as functions of what is known.

Chance comes in as an argument. What choosing needs of servers that stay the same is computed once,
in a ``Roster``: with 200 servers nginx's loops over all of them would cost Python more than all the
rest of a request.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from math import gcd
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

# ngx_http_upstream_ip_hash_module.c: the same client meets the same server as behind nginx.
_SEED, _FACTOR, _MODULUS = 89, 113, 6271
_MAX_REHASHES = 20


class Weighted(Protocol):
    """A server that takes part.

    Attributes:
        weight: its share, at least 1.
        credit: how far it is behind its share; 0 at first. Round robin changes it.
    """

    weight: int
    credit: int

    @property
    def in_use(self) -> int:
        """How many of its connections are in use."""


P = TypeVar("P", bound=Weighted)


def round_robin(servers: Sequence[P]) -> P:
    """Return the server that is farthest behind its share (nginx's smooth weighted round robin).

    Weights 5, 1, 1 give a a b a c a a, not five times a in a row.

    Args:
        servers: at least one; others than the last time, if need be.
    """
    best, total = servers[0], 0
    for server in servers:
        server.credit += server.weight
        total += server.weight
        if server.credit > best.credit:
            best = server
    best.credit -= total
    return best


class _Share:
    """A server in the round of one roster."""

    __slots__ = ("credit", "in_use", "server", "weight")

    def __init__(self, server: int, weight: int) -> None:
        self.server = server
        self.weight = weight
        self.credit = self.in_use = 0


class Roster(Generic[P]):
    """The servers that may be asked, for as long as they are the same.

    Attributes:
        servers: at least one.
    """

    __slots__ = ("_ends", "_members", "_next", "_round", "_round_length", "_shares", "servers")

    def __init__(self, servers: Sequence[P]) -> None:
        self.servers = servers
        self._members = frozenset(map(id, servers))
        self._ends = list(accumulate(server.weight for server in servers))
        self._shares: list[_Share] = []
        self._round: list[int] = []
        self._round_length = self.total // gcd(*(server.weight for server in servers))
        self._next = 0

    @property
    def total(self) -> int:
        """All weights together."""
        return self._ends[-1]

    def __contains__(self, server: object) -> bool:
        return id(server) in self._members

    def in_turn(self) -> P:
        """Return the next one of nginx's smooth weighted round robin.

        After one round it begins anew with the same sequence, so the sequence is kept.
        """
        now = self._next
        if now == len(self._round):
            if not now:
                self._shares = [_Share(at, one.weight) for at, one in enumerate(self.servers)]
            self._round.append(round_robin(self._shares).server)
        self._next = now + 1 if now + 1 < self._round_length else 0
        return self.servers[self._round[now]]

    def at(self, position: int) -> int:
        """Return the place of a server when each one takes up as many positions as its weight."""
        return bisect(self._ends, position)

    def without(self, place: int, position: int) -> int:
        """As ``at``, when the server at a place takes up none."""
        end = self._ends[place]
        weight = self.servers[place].weight
        return self.at(position if position < end - weight else position + weight)


class Remainder(Roster[P]):
    """Servers that are left over for one request, after others failed it or have no room.

    It has no second turn: whose turn it is, the servers' own credit tells.
    """

    __slots__ = ()

    def in_turn(self) -> P:
        """Return the server that is farthest behind its share."""
        return round_robin(self.servers)


def least_conn(roster: Roster[P]) -> P:
    """Return the server with the fewest connections in use for its weight; equals take turns.

    Args:
        roster: the servers.
    """
    servers = roster.servers
    loads = [server.in_use / server.weight for server in servers]
    fewest = min(loads)
    equals = loads.count(fewest)
    if equals == 1:
        return servers[loads.index(fewest)]
    if equals == len(servers):
        return roster.in_turn()  # nothing is under way, most often
    return round_robin([one for one, load in zip(servers, loads, strict=True) if load == fewest])


def random_two(roster: Roster[P], draws: tuple[float, float]) -> P:
    """Return the less loaded of two servers that were drawn by weight.

    As good as ``least_conn`` where several proxies share the servers, since these do not all run
    after the same one (Mitzenmacher, "The power of two choices").

    Args:
        roster: the servers.
        draws: two random numbers, 0 <= number < 1.
    """
    place = roster.at(int(draws[0] * roster.total))
    first = roster.servers[place]
    others = roster.total - first.weight
    if not others:
        return first
    second = roster.servers[roster.without(place, int(draws[1] * others))]
    return second if _load(second) < _load(first) else first


def ip_hash(address: bytes, roster: Roster[P], fit: Container[P]) -> P | None:
    """Return the server that this client always gets, or another one while that one is not fit.

    Args:
        address: the client's, 4 or 16 bytes. Of IPv4 the first three count, as in nginx: clients
            behind several addresses of one network stay together.
        roster: all there are, fit or not, so that one that fails moves only its own clients.
        fit: those that may be taken.

    Returns:
        None when twenty attempts met none that is fit; nginx goes on with round robin then.
    """
    key = address[:3] if len(address) == 4 else address  # noqa: PLR2004 -- octets of IPv4
    number = _SEED
    for _ in range(_MAX_REHASHES):
        for octet in key:
            number = (number * _FACTOR + octet) % _MODULUS
        server = roster.servers[roster.at(number % roster.total)]
        if server in fit:
            return server
    return None


def _load(server: Weighted) -> float:
    return server.in_use / server.weight
