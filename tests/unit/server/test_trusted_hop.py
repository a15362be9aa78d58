"""A trusted proxy on one connection: another client with each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.forward.trusted_proxies import TrustedProxies
from proxy.server.arrival import Arrival
from proxy.server.trusted_hop import TrustedHop
from tests.unit.server.fakes import settle
from tests.unit.server.world import GET, OK, Client, World, request

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld

SPOOF = (
    "X-Forwarded-For: 203.0.113.9",
    "X-Real-IP: 203.0.113.9",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Host: evil.example",
    "Forwarded: for=203.0.113.9",
    "X-Request-ID: chosen",
)


@pytest.fixture
def gate(make_world: MakeWorld) -> World:
    """A world whose clients' address is trusted."""
    return make_world(trusted_proxies=["192.0.2.0/24"])


async def exchanged(world: World, client: Client, data: bytes) -> bytes:
    """Let one request be answered and return what the app got."""
    server = await world.forwarded(client, data)
    got = server.take()
    server.feed(OK)
    await settle()
    return got


def values(head: bytes, name: bytes) -> list[bytes]:
    return [
        line.partition(b": ")[2]
        for line in head.split(b"\r\n")
        if line.lower().startswith(name.lower() + b":")
    ]


@pytest.mark.parametrize(
    ("arrival", "trusted", "is_hop"),
    [
        (Arrival("10.0.0.1", 1), ["10.0.0.0/8"], True),
        (Arrival("10.0.0.1", 1), ["192.0.2.0/24"], False),
        (Arrival("10.0.0.1", 1), [], False),
        (Arrival("10.0.0.1", 1, is_known=False), ["10.0.0.0/8"], False),
        (Arrival("unix:", 0), ["unix:"], True),
        (Arrival("unix:", 0), ["10.0.0.0/8"], False),
        (Arrival("", 1), ["0.0.0.0/0", "::/0", "unix:"], False),
    ],
)
async def test_who_is_one(world: World, arrival: Arrival, trusted: list[str], *, is_hop: bool):
    world.swap(trusted_proxies=TrustedProxies(trusted))
    assert (TrustedHop.of(arrival, world.state.snapshot) is not None) is is_hop


async def test_a_stranger_chooses_nothing(make_world: MakeWorld):
    world = make_world(trusted_proxies=["10.0.0.0/8"])
    got = await exchanged(world, world.client(), request(*SPOOF))
    assert values(got, b"x-forwarded-for") == values(got, b"x-real-ip") == [b"192.0.2.7"]
    assert values(got, b"x-forwarded-proto") == [b"https"]
    assert values(got, b"x-forwarded-host") == [b"localhost"]
    assert values(got, b"forwarded") == []
    assert values(got, b"x-request-id") != [b"chosen"]
    assert world.log.records[0].remote_addr == "192.0.2.7"


async def test_a_trusted_proxy_is_believed(gate: World):
    got = await exchanged(gate, gate.client(), request(*SPOOF))
    assert values(got, b"x-forwarded-for") == [b"203.0.113.9, 192.0.2.7"]
    assert values(got, b"x-real-ip") == [b"203.0.113.9"]
    assert values(got, b"x-forwarded-proto") == [b"http"]
    assert values(got, b"x-forwarded-host") == [b"evil.example"]
    assert values(got, b"x-forwarded-port") == [b"8443"]
    assert values(got, b"forwarded") == [b"for=203.0.113.9"]
    assert values(got, b"x-request-id") == [b"chosen"]
    [record] = gate.log.records
    assert (record.remote_addr, record.request_id) == ("203.0.113.9", "chosen")


async def test_each_request_has_its_own_client(gate: World):
    client = gate.client()
    first = await exchanged(gate, client, request("X-Forwarded-For: 203.0.113.1"))
    second = await exchanged(gate, client, request("X-Forwarded-For: 203.0.113.2"))
    third = await exchanged(gate, client, GET)
    assert [values(one, b"x-real-ip") for one in (first, second, third)] == [
        [b"203.0.113.1"],
        [b"203.0.113.2"],
        [b"192.0.2.7"],
    ]
    assert [record.remote_addr for record in gate.log.records] == [
        "203.0.113.1",
        "203.0.113.2",
        "192.0.2.7",
    ]


async def test_a_request_that_is_none_is_the_proxys(gate: World):
    """Nobody knows for whom it came; not for the last one who happened to use the connection."""
    client = gate.client()
    await exchanged(gate, client, request("X-Forwarded-For: 203.0.113.1"))
    client.send(b"nonsense\r\n\r\n")
    assert gate.log.records[-1].remote_addr == "192.0.2.7"


async def test_identities_are_never_a_proxys_to_tell(gate: World):
    """Only who ends the client's TLS can know them, and that is this gate."""
    client = Client(gate.state, "good")
    client.shake_hands()
    fields = ("X-SSL-Client-Verify: SUCCESS", "X-SSL-Client-CN: admin", "Client-Cert: :AAAA:")
    got = await exchanged(gate, client, request(*fields))
    assert values(got, b"x-ssl-client-cn") == [b"alice"]
    assert b"AAAA:" not in got
    assert values(got, b"x-ssl-client-verify") == [b"SUCCESS"]


async def test_the_same_head_from_a_stranger_is_another_request(gate: World):
    """What is remembered of a field section is shared by all connections of a certificate."""
    trusted = gate.client()
    got = await exchanged(gate, trusted, request(*SPOOF))
    assert values(got, b"x-real-ip") == [b"203.0.113.9"]
    stranger = Client(gate.state, "good", peer=("198.51.100.66", 1))
    stranger.shake_hands()
    got = await exchanged(gate, stranger, request(*SPOOF))
    assert values(got, b"x-forwarded-for") == values(got, b"x-real-ip") == [b"198.51.100.66"]
    assert values(got, b"forwarded") == []
    got = await exchanged(gate, trusted, request(*SPOOF))
    assert values(got, b"x-real-ip") == [b"203.0.113.9"]


async def test_connection_takes_nothing_away(gate: World):
    """The proxy's client may have written it (CVE-2022-31813)."""
    fields = ("X-Forwarded-For: 203.0.113.9", "Connection: close, X-Forwarded-For, X-Real-IP")
    got = await exchanged(gate, gate.client(), request(*fields))
    assert values(got, b"x-forwarded-for") == [b"203.0.113.9, 192.0.2.7"]
    assert values(got, b"x-real-ip") == [b"203.0.113.9"]


async def test_a_proxy_that_is_trusted_no_more_is_not_believed_on_an_open_connection(gate: World):
    client = gate.client()
    await exchanged(gate, client, request(*SPOOF))
    gate.swap(trusted_proxies=TrustedProxies())
    got = await exchanged(gate, client, request(*SPOOF))
    assert values(got, b"x-forwarded-for") == values(got, b"x-real-ip") == [b"192.0.2.7"]
    assert values(got, b"forwarded") == []
    assert gate.log.records[-1].remote_addr == "192.0.2.7"


async def test_the_found_client_is_hashed(make_world: MakeWorld):
    """With ip_hash all clients of one proxy would go to one server else."""
    world = make_world(
        trusted_proxies=["192.0.2.0/24"],
        upstream=None,
        upstreams={
            "app": {"servers": ["http://10.0.0.1:1", "http://10.0.0.2:1"], "balance": "ip_hash"}
        },
    )
    client = world.client()
    for number in range(1, 30):
        client.send(request(f"X-Forwarded-For: 203.0.{number}.1"))
        await settle()
        for server in world.servers:
            if server.taken:
                server.take()
                server.feed(OK)
        await settle()
    assert set(world.loop.asked) == {("10.0.0.1", 1), ("10.0.0.2", 1)}


async def test_the_found_client_is_limited(make_world: MakeWorld):
    """Not the proxy, whose clients would use up each other's share."""
    world = make_world(
        trusted_proxies=["192.0.2.0/24"],
        limits={"requests": [{"per": "address", "rate": "1/h"}]},
    )
    client = world.client()
    for number in (1, 2):
        await exchanged(world, client, request(f"X-Forwarded-For: 203.0.113.{number}"))
    client.read()
    client.send(request("X-Forwarded-For: 203.0.113.1"))
    assert client.statuses()[-1] == 429
    assert world.log.records[-1].remote_addr == "203.0.113.1"
