"""A PROXY header before TLS: from the right peer, in time, whatever the pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from proxy.forward.proxy_protocol import LOCAL_HEADER
from proxy.server import proxy_header as proxy_header_module
from proxy.server import throttle as throttle_module
from proxy.server.handshake import Handshake
from proxy.server.proxy_header import ProxyHeaderReader
from proxy.server.state import ServerState
from tests.unit.forward.proxy_headers import TCP4, UNIX, addresses, v1, v2, v2_tcp4
from tests.unit.server.fakes import Socket, settle
from tests.unit.server.fault import Fault
from tests.unit.server.world import GET, PORT, Client, World

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld

BALANCER = ("192.0.2.7", 50000)
STRANGER = ("198.51.100.66", 1)
HERE = ("127.0.0.1", 1)
CLIENT = "203.0.113.9"
HEADERS = pytest.mark.parametrize("header", [v1(), v2_tcp4()], ids=["v1", "v2"])


@pytest.fixture
def gate(make_world: MakeWorld) -> World:
    """A world whose balancer is trusted."""
    return make_world(trusted_proxies=["192.0.2.0/24"])


def reader(world: World, port: int = PORT) -> ProxyHeaderReader:
    return ProxyHeaderReader(world.state, port, lambda: Handshake(world.state, port))


def accepted(world: World, peer: object = BALANCER, port: int = PORT) -> Socket:
    return Socket(reader(world, port), peer)


def client_of(world: World, peer: object = BALANCER) -> Client:
    return Client(world.state, "good", accepted=reader(world), peer=peer)


async def asked(world: World, client: Client, data: bytes = GET) -> bytes:
    """Do the handshake and one request; return what the app got."""
    client.shake_hands()
    server = await world.forwarded(client, data)
    return server.take()


@HEADERS
async def test_the_client_is_the_one_that_the_header_tells(gate: World, header: bytes):
    client = client_of(gate)
    client.socket.feed(header)
    got = await asked(gate, client)
    assert b"\r\nX-Forwarded-For: 203.0.113.9\r\nX-Real-IP: 203.0.113.9\r\n" in got
    assert b"\r\nX-Forwarded-Port: 443\r\n" in got
    assert client.connection.origin.client == CLIENT
    assert gate.counters.handshake_failures == {}


@HEADERS
async def test_the_pieces_do_not_matter(gate: World, header: bytes):
    client = client_of(gate)
    client.socket.feed(*(header[at : at + 1] for at in range(len(header))))
    assert CLIENT.encode() in await asked(gate, client)


@HEADERS
async def test_the_hello_may_come_with_the_header(gate: World, header: bytes):
    client = client_of(gate)
    feed = client.socket.feed
    before = [header]
    client.socket.feed = (  # type: ignore[method-assign]
        lambda *pieces: feed(b"".join(filter(None, (before.pop() if before else b"", *pieces))))
    )
    assert CLIENT.encode() in await asked(gate, client)


@HEADERS
async def test_nobody_else_may_say_so(gate: World, header: bytes):
    """It is closed before it can say anything."""
    socket = accepted(gate, STRANGER)
    assert socket.ending == "abort"
    socket.protocol.data_received(header)  # type: ignore[attr-defined]
    assert gate.counters.handshake_failures == {"proxy_protocol": 1}
    assert socket.take() == b""
    await settle()
    assert not gate.state.connections


@pytest.mark.parametrize(
    "start",
    [GET, b"\x16\x03\x01\x02\x00", b"PROXY TCP4 nonsense\r\n", v2(b"", TCP4), b"\0"],
)
async def test_what_is_no_header_is_closed_without_an_answer(gate: World, start: bytes):
    socket = accepted(gate)
    socket.feed(start)
    assert socket.ending == "abort"
    assert socket.take() == b""
    assert gate.counters.handshake_failures == {"proxy_protocol": 1}


@HEADERS
async def test_a_second_header_is_not_tls(gate: World, header: bytes):
    """Or a client could write one behind that of the balancer."""
    socket = accepted(gate)
    socket.feed(header + v2_tcp4("1.1.1.1"))
    assert socket.ending == "abort"
    assert socket.take() == b""
    assert gate.counters.handshake_failures == {"unexpected proxy_protocol": 1}


async def test_a_header_inside_of_tls_is_no_request(gate: World):
    client = client_of(gate)
    client.socket.feed(v1())
    client.shake_hands()
    client.send(v1("1.1.1.1") + GET)
    assert client.statuses() == [400]
    assert gate.log.records[-1].remote_addr == CLIENT


@pytest.mark.parametrize("start", [b"", b"PROXY "])
async def test_header_and_handshake_have_one_deadline(gate: World, start: bytes):
    socket = accepted(gate)
    if start:
        socket.feed(start)
    gate.tick(9)
    assert not socket.ending
    gate.tick(1)
    assert socket.ending == "abort"
    assert gate.counters.handshake_failures == {"proxy_protocol": 1}


async def test_the_deadline_goes_on_after_the_header(gate: World):
    socket = accepted(gate)
    gate.tick(6)
    socket.feed(v1())
    gate.tick(4)
    assert socket.ending == "abort"
    assert gate.counters.handshake_failures == {"timeout": 1}


async def test_a_balancer_that_leaves_is_counted(gate: World):
    socket = accepted(gate)
    socket.feed(b"PROXY", None)
    assert socket.ending == "abort"
    assert gate.counters.handshake_failures == {"proxy_protocol": 1}


async def test_the_end_after_a_refusal_is_not_counted_again(gate: World):
    socket = accepted(gate, STRANGER)
    assert not socket.protocol.eof_received()  # type: ignore[attr-defined]
    assert gate.counters.handshake_failures == {"proxy_protocol": 1}


async def test_the_limit_of_connections_holds(make_world: MakeWorld):
    gate = make_world(trusted_proxies=["192.0.2.0/24"], limits={"connections": 1})
    first, second = accepted(gate), accepted(gate)
    assert second.ending == "abort"
    first.feed(v1())
    assert not first.ending
    await settle()
    assert gate.state.connections == {first.protocol}


# Whose connection it is


async def test_a_balancer_may_speak_for_itself(gate: World):
    client = client_of(gate)
    client.socket.feed(LOCAL_HEADER)
    got = await asked(gate, client)
    assert b"\r\nX-Forwarded-For: 192.0.2.7\r\n" in got
    assert b"\r\nX-Forwarded-Port: 8443\r\n" in got


async def test_the_own_machine_may_ask_whether_the_gate_lives(gate: World):
    """The health check; it says nothing about anybody, so it need not be trusted."""
    client = client_of(gate, HERE)
    client.socket.feed(LOCAL_HEADER)
    assert b"\r\nX-Forwarded-For: 127.0.0.1\r\n" in await asked(gate, client)


@HEADERS
async def test_the_own_machine_may_not_speak_for_others(gate: World, header: bytes):
    socket = accepted(gate, HERE)
    socket.feed(header)
    assert socket.ending == "abort"
    assert gate.counters.handshake_failures == {"proxy_protocol": 1}


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", v2()])
async def test_trust_does_not_go_over_to_somebody_unknown(gate: World, header: bytes):
    """The balancer's address is logged; what the client says about others does not count."""
    client = client_of(gate)
    client.socket.feed(header)
    request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n"
    got = await asked(gate, client, request)
    assert b"\r\nX-Forwarded-For: 192.0.2.7\r\n" in got
    assert b"1.1.1.1" not in got


async def test_a_client_of_the_balancers_own_socket_has_no_address(make_world: MakeWorld):
    """And is not a peer on a Unix socket of ours."""
    gate = make_world(trusted_proxies=["192.0.2.0/24", "unix:"])
    client = client_of(gate)
    client.socket.feed(v2(bytes(216), UNIX))
    request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n"
    got = await asked(gate, client, request)
    assert b"X-Forwarded-For" not in got
    assert client.connection.origin.client == "unix:"


async def test_a_proxy_behind_the_balancer_speaks_for_its_clients(gate: World):
    """The peer is the one that the header tells, and it is trusted, too."""
    client = client_of(gate)
    client.socket.feed(v1("192.0.2.99"))
    request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
    got = await asked(gate, client, request)
    assert b"\r\nX-Forwarded-For: 203.0.113.9, 192.0.2.99\r\nX-Real-IP: 203.0.113.9\r\n" in got


async def test_the_balancers_trust_is_not_its_clients(gate: World):
    client = client_of(gate)
    client.socket.feed(v1())
    request = b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n"
    got = await asked(gate, client, request)
    assert b"\r\nX-Forwarded-For: 203.0.113.9\r\n" in got
    assert b"1.1.1.1" not in got


@pytest.mark.parametrize(("trusted", "ending"), [(["unix:"], ""), (["192.0.2.0/24"], "abort")])
async def test_peers_on_a_unix_socket_are_trusted_by_name(
    make_world: MakeWorld, trusted: list[str], ending: str
):
    gate = make_world(trusted_proxies=trusted)
    socket = accepted(gate, "", port=0)
    assert socket.ending == ending


async def test_a_reload_counts_for_the_next_connection(gate: World):
    from proxy.forward.trusted_proxies import TrustedProxies

    gate.swap(trusted_proxies=TrustedProxies())
    assert accepted(gate).ending == "abort"


async def test_a_port_that_is_not_told_is_ours(gate: World):
    client = client_of(gate)
    client.socket.feed(v2(addresses()[:-2] + b"\0\0", TCP4))
    assert b"\r\nX-Forwarded-Port: 8443\r\n" in await asked(gate, client)


# How many of one client


async def test_the_client_is_counted_and_not_the_balancer(make_world: MakeWorld):
    """Else all clients of a balancer would be one visitor."""
    gate = make_world(trusted_proxies=["192.0.2.0/24"], limits={"connections_per": {"address": 1}})
    first, second, same = accepted(gate), accepted(gate), accepted(gate)
    first.feed(v1("203.0.113.1"))
    second.feed(v1("203.0.113.2"))
    same.feed(v1("203.0.113.1") + b"\x16\x03\x01")
    assert [one.ending for one in (first, second, same)] == ["", "", "abort"]
    first.reset()
    await settle()
    later = accepted(gate)
    later.feed(v1("203.0.113.1"))
    assert not later.ending


@pytest.mark.parametrize("header", [LOCAL_HEADER, b"PROXY UNKNOWN\r\n", v2(bytes(216), UNIX)])
async def test_nobody_in_particular_is_not_counted(make_world: MakeWorld, header: bytes):
    gate = make_world(trusted_proxies=["192.0.2.0/24"], limits={"connections_per": {"address": 1}})
    sockets = [accepted(gate) for _ in range(3)]
    for socket in sockets:
        socket.feed(header)
    assert [one.ending for one in sockets] == ["", "", ""]


# Errors of certgate itself


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (proxy_header_module, "read_proxy_header"),
        (proxy_header_module, "_told"),
        (proxy_header_module, "_is_loopback"),
        (Handshake, "__init__"),
        (Handshake, "begin"),
        (Handshake, "data_received"),
        (ServerState, "hand_over"),
        (throttle_module.Throttle, "hand_over"),
    ],
)
@HEADERS
async def test_an_error_of_certgate_itself_ends_the_connection(
    gate: World, monkeypatch: pytest.MonkeyPatch, header: bytes, owner: object, name: str
):
    fault = Fault(monkeypatch, owner, name)
    with capture_logs() as lines:
        socket = accepted(gate, STRANGER if name == "_is_loopback" else BALANCER)
        socket.feed(header + b"\x16\x03\x01")
        await settle()
    assert (socket.take(), socket.ending) == (b"", "abort")
    assert not gate.state.connections
    assert gate.counters.handshake_failures == {"internal_error": 1}
    assert [line.get("exc_info") for line in lines] == [True]
    fault.is_armed = False
    client = client_of(gate)
    client.socket.feed(header)
    assert CLIENT.encode() in await asked(gate, client)
