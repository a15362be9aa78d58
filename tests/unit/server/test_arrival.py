"""Whom the socket names."""

from __future__ import annotations

import pytest

from proxy.server.arrival import Arrival, arrival_of
from tests.unit.server.fakes import Socket
from tests.unit.server.world import PORT, World


@pytest.mark.parametrize(
    ("peer", "port", "arrival", "ip"),
    [
        (("192.0.2.7", 1), PORT, Arrival("192.0.2.7", PORT), "192.0.2.7"),
        (("::1", 1, 0, 0), PORT, Arrival("::1", PORT), "::1"),
        # A passed socket may take both families.
        (("::ffff:192.0.2.7", 1, 0, 0), PORT, Arrival("192.0.2.7", PORT), "192.0.2.7"),
        (("fe80::1%eth0", 1, 0, 2), PORT, Arrival("fe80::1", PORT), "fe80::1"),
        (None, PORT, Arrival("", PORT), ""),
        ("", 0, Arrival("unix:", 0), ""),
        (None, 0, Arrival("unix:", 0), ""),
    ],
)
async def test_the_peer(world: World, peer: object, port: int, arrival: Arrival, ip: str):
    from proxy.server.handshake import Handshake

    found = arrival_of(Socket(Handshake(world.state, port), peer), port)
    assert found == arrival
    assert found.ip == ip
