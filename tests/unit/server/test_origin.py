"""Who is there: the peer, or whoever a trusted proxy speaks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from proxy.http1.head import RequestParser
from proxy.observe.access_record import AccessRecord
from proxy.server.arrival import Arrival
from proxy.server.origin import Origin

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld
    from tests.unit.server.world import World

PEER = "192.0.2.7"
REQUEST = RequestParser(0).parse(
    b"GET / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
)


async def test_a_client_speaks_for_itself_alone(world: World):
    origin = Origin(Arrival(PEER, 8443), world.state.snapshot)
    record = AccessRecord(PEER)
    origin.look_past(REQUEST, record, world.state.snapshot)
    assert not origin.is_relayed
    assert origin.client == origin.peer == record.remote_addr == PEER
    assert origin.lines(REQUEST, "id", b"X-Who: me\r\n") == (
        b"X-Forwarded-For: 192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n"
        b"X-Forwarded-Port: 8443\r\nX-Forwarded-Host: a.example\r\nX-Request-ID: id\r\n"
        b"X-Who: me\r\n"
    )


async def test_a_trusted_proxy_speaks_for_its_client(make_world: MakeWorld):
    snapshot = make_world(trusted_proxies=[PEER]).state.snapshot
    origin = Origin(Arrival(PEER, 8443), snapshot)
    record = AccessRecord(PEER)
    assert origin.is_relayed
    origin.look_past(REQUEST, record, snapshot)
    assert (origin.peer, origin.client, record.remote_addr) == (PEER, "203.0.113.9", "203.0.113.9")
    lines = origin.lines(REQUEST, "id", b"X-Who: me\r\n")
    assert b"X-Forwarded-For: 203.0.113.9, 192.0.2.7\r\n" in lines
    assert lines.endswith(b"X-Request-ID: id\r\nX-Who: me\r\n")
