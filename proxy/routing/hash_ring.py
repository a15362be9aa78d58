"""Consistent hashing: a key always meets the same server, and few keys move when servers change.

The ring is nginx's (``hash … consistent``, ngx_http_upstream_hash_module.c), which is that of
Cache::Memcached::Fast: 160 points for each unit of weight, CRC-32. So a key meets the same server
as behind an nginx with the same servers.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_POINTS = 160
_OWNER_BITS = 32
_OWNER = (1 << _OWNER_BITS) - 1


class HashRing:
    """Servers on a ring, each at many points; a key belongs to the next point."""

    __slots__ = ("_hashes", "_owners")

    def __init__(self, servers: Sequence[tuple[str, int]]) -> None:
        """Place the servers.

        Args:
            servers: address (``host:port`` or ``unix:/path``) and weight of each, one at least.
        """
        # One number each, so that sorting compares no tuples.
        points = sorted(
            (point << _OWNER_BITS) | place
            for place, (address, weight) in enumerate(servers)
            for point in _points(address, weight)
        )
        self._hashes = array("I", (point >> _OWNER_BITS for point in points))
        self._owners = array("I", (point & _OWNER for point in points))

    def __len__(self) -> int:
        return len(self._hashes)

    def walk(self, key: bytes) -> Iterator[int]:
        """Yield the places of servers, the key's own first, then those that stand in for it.

        Each server comes at least once, most of them often.
        """
        start = bisect_left(self._hashes, crc32(key))
        owners = self._owners
        # Not in slices: these would be copies of the ring, and most walks end at the first step.
        for place in range(start - len(owners), start):
            yield owners[place]


def _points(address: str, weight: int) -> Iterator[int]:
    host, _, port = address.rpartition(":")
    if address.startswith("unix:"):
        host, port = address.removeprefix("unix:"), ""
    base = crc32(f"{host}\0{port}".encode())
    point = 0
    for _ in range(weight * _POINTS):
        point = crc32(point.to_bytes(4, "little"), base)
        yield point
