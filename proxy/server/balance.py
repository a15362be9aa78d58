"""The rules by which servers are chosen, as the configuration names them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import ip_address
from random import random
from typing import TYPE_CHECKING

from proxy.observe.access_record import AccessRecord
from proxy.routing.balancing import Roster, ip_hash, least_conn, random_two
from proxy.server.peer import Peer

if TYPE_CHECKING:
    from proxy.snapshot import HashKey, Upstream

Rule = Callable[[Roster[Peer], AccessRecord], Peer]
"""Returns one of the servers in a roster for the request of a record."""


def rule_of(upstream: Upstream, peers: Sequence[Peer]) -> Rule:
    """Return the rule of an upstream.

    Args:
        upstream: as configured.
        peers: all its servers of one rank, in their order; what a hash belongs to.
    """
    if upstream.hash_key is not None:
        return _by_hash(upstream.hash_key, peers)
    return _by_address(peers) if upstream.balance == "ip_hash" else _RULES[upstream.balance]


_RULES: dict[str, Rule] = {
    "round_robin": lambda fit, _record: fit.in_turn(),
    "least_conn": lambda fit, _record: least_conn(fit),
    "random_two": lambda fit, _record: random_two(fit, (random(), random())),  # noqa: S311 -- no secret
}


def _by_address(peers: Sequence[Peer]) -> Rule:
    everyone = Roster(peers)

    def choose(fit: Roster[Peer], record: AccessRecord) -> Peer:
        return ip_hash(_packed(record.remote_addr), everyone, fit) or fit.in_turn()

    return choose


def _packed(address: str) -> bytes:
    try:
        return ip_address(address).packed
    except ValueError:
        return b""  # a client without an address


def _by_hash(key: HashKey, peers: Sequence[Peer]) -> Rule:
    ring, value_of = key.ring, key.value_of

    def choose(fit: Roster[Peer], record: AccessRecord) -> Peer:
        owners = (peers[place] for place in ring.walk(value_of(record)))
        return next(peer for peer in owners if peer in fit)

    return choose
