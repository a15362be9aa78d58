"""Which server gets the next request: nginx's algorithms, as functions of what is known.

Each takes the servers that are fit and returns one of them. The only state is the ``credit`` that
smooth round robin keeps for each server; chance comes in as an argument.
"""

from __future__ import annotations

from bisect import bisect
from itertools import accumulate
from typing import TYPE_CHECKING, Protocol, TypeVar

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
        servers: at least one.
    """
    best, total = servers[0], 0
    for server in servers:
        server.credit += server.weight
        total += server.weight
        if server.credit > best.credit:
            best = server
    best.credit -= total
    return best


def least_conn(servers: Sequence[P]) -> P:
    """Return the server with the fewest connections in use for its weight; equals take turns.

    Args:
        servers: at least one.
    """
    fewest = min(_load(server) for server in servers)
    return round_robin([server for server in servers if _load(server) == fewest])


def random_two(servers: Sequence[P], draws: tuple[float, float]) -> P:
    """Return the less loaded of two servers that were drawn by weight.

    As good as ``least_conn`` where several proxies share the servers, since these do not all run
    after the same one (Mitzenmacher, "The power of two choices").

    Args:
        servers: at least one.
        draws: two random numbers, 0 <= number < 1.
    """
    first = _drawn(servers, draws[0])
    others = [server for server in servers if server is not first]
    if not others:
        return first
    second = _drawn(others, draws[1])
    return second if _load(second) < _load(first) else first


def ip_hash(address: bytes, servers: Sequence[P], fit: Container[P]) -> P | None:
    """Return the server that this client always gets, or another one while that one is not fit.

    Args:
        address: the client's, 4 or 16 bytes. Of IPv4 the first three count, as in nginx: clients
            behind several addresses of one network stay together.
        servers: all there are, fit or not, so that one that fails moves only its own clients.
        fit: those that may be taken.

    Returns:
        None when twenty attempts met none that is fit; nginx goes on with round robin then.
    """
    key = address[:3] if len(address) == 4 else address  # noqa: PLR2004 -- octets of IPv4
    total = sum(server.weight for server in servers)
    number = _SEED
    for _ in range(_MAX_REHASHES):
        for octet in key:
            number = (number * _FACTOR + octet) % _MODULUS
        server = _at(servers, number % total)
        if server in fit:
            return server
    return None


def _load(server: Weighted) -> float:
    return server.in_use / server.weight


def _drawn(servers: Sequence[P], draw: float) -> P:
    return _at(servers, int(draw * sum(server.weight for server in servers)))


def _at(servers: Sequence[P], position: int) -> P:
    """Return the server at a position when each one takes up as many as its weight."""
    ends = list(accumulate(server.weight for server in servers))
    return servers[bisect(ends, position)]
