"""Consistent hashing as nginx does it."""

from __future__ import annotations

from collections import Counter
from zlib import crc32

from proxy.routing.hash_ring import HashRing

SERVERS = [("10.0.0.1:80", 1), ("10.0.0.2:80", 2), ("unix:/run/app.sock", 1)]


def first(ring: HashRing, key: bytes) -> int:
    return next(ring.walk(key))


def test_each_unit_of_weight_has_160_points():
    assert len(HashRing(SERVERS)) == 4 * 160


def test_the_first_point_of_a_server_is_made_of_host_port_and_nothing():
    """ngx_http_upstream_init_chash: crc32(HOST NUL PORT PREVIOUS), the first previous one is 0."""
    point = crc32(b"10.0.0.1\0" + b"80" + bytes(4))
    ring = HashRing(SERVERS[:1])
    assert point in ring._hashes


def test_a_key_stays():
    ring = HashRing(SERVERS)
    assert {first(ring, b"alice") for _ in range(3)} == {first(HashRing(SERVERS), b"alice")}


def test_keys_are_spread_by_weight():
    counts = Counter(first(HashRing(SERVERS), b"key %d" % number) for number in range(4000))
    assert 1500 < counts[1] < 2500
    assert counts[0] > 600
    assert counts[2] > 600


def test_a_walk_meets_everybody_and_ends():
    walked = list(HashRing(SERVERS).walk(b"alice"))
    assert len(walked) == 4 * 160
    assert set(walked) == {0, 1, 2}


def test_a_key_beyond_the_last_point_belongs_to_the_first():
    ring = HashRing([("10.0.0.1:80", 1), ("10.0.0.2:80", 1)])
    keys = (b"key %d" % number for number in range(10**6))
    beyond = next(key for key in keys if crc32(key) > ring._hashes[-1])
    assert first(ring, beyond) == ring._owners[0]
