"""Who is turned away, under which limit, and what the operator is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from proxy.access.rate import Rate
from proxy.observe.counters import Counters
from proxy.server import throttle as module
from proxy.server.throttle import TOO_MANY, Excess, Throttle, Visitor
from proxy.snapshot import ConnectionLimit, RequestLimit, RouteLimits, VisitorLimits
from tests.unit.server.fakes import settle
from tests.unit.server.world import GET, OK, Client, World, request

if TYPE_CHECKING:
    from tests.unit.server.conftest import MakeWorld

ALICE = Visitor("192.0.2.1", "alice")
BOB = Visitor("192.0.2.2", "bob")
STRANGER = Visitor("192.0.2.3")
NOBODY = Visitor("")  # a stranger from a unix socket
ONE_PER_MINUTE = Rate(1, "m")
PROBLEM = "Accept: application/problem+json"


def request_limit(per: Any, rate: Rate = ONE_PER_MINUTE, *, route: str = "") -> RequestLimit:
    return RequestLimit(route, per, rate, 0)


class Clock:
    now = 1000.0


class Told:
    """Keeps what the log is told."""

    def __init__(self) -> None:
        self.events: list[dict[str, object]] = []

    def warning(self, event: str, **fields: object) -> None:
        self.events.append({"event": event, **fields})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    made = Told()
    monkeypatch.setattr(module, "_log", made)
    return made


@pytest.fixture
def throttle(clock: Clock, told: Told) -> Throttle:
    return Throttle(lambda: clock.now, Counters())


# Requests


def test_a_request_too_many_has_to_come_again_later(throttle: Throttle, clock: Clock):
    limits = (request_limit("address", Rate(2, "m")),)
    assert throttle.charge(limits, ALICE) is None
    clock.now += 10.5
    assert throttle.charge(limits, ALICE) == Excess("rate_limited", 20)
    clock.now += 20
    assert throttle.charge(limits, ALICE) is None


@pytest.mark.parametrize(
    ("per", "same", "other"),
    [
        ("address", Visitor(ALICE.address, "bob"), Visitor(BOB.address, "alice")),
        ("certificate", Visitor(BOB.address, "alice"), Visitor(ALICE.address, "bob")),
    ],
)
def test_visitors_are_told_apart_by_what_the_limit_says(
    throttle: Throttle, per: str, same: Visitor, other: Visitor
):
    limits = (request_limit(per),)
    assert throttle.charge(limits, ALICE) is None
    assert throttle.charge(limits, other) is None
    assert throttle.charge(limits, same) is not None


def test_a_route_counts_everybody_together(throttle: Throttle):
    limits = (request_limit("route"),)
    assert throttle.charge(limits, ALICE) is None
    assert throttle.charge(limits, NOBODY) is not None


@pytest.mark.parametrize(("per", "visitor"), [("certificate", STRANGER), ("address", NOBODY)])
def test_who_has_no_key_is_not_counted(throttle: Throttle, per: str, visitor: Visitor):
    """As with nginx, where an empty key is not limited; strangers have their address."""
    assert not any(throttle.charge((request_limit(per),), visitor) for _ in range(9))


def test_the_same_rate_on_two_routes_is_two_limits(throttle: Throttle):
    assert throttle.charge((request_limit("address", route="/a"),), ALICE) is None
    assert throttle.charge((request_limit("address", route="/b"),), ALICE) is None
    assert throttle.charge((request_limit("address", route="/a"),), ALICE) is not None


def visitors(*limits: RequestLimit) -> VisitorLimits:
    return VisitorLimits(None, None, limits, (), ())


def test_a_limit_that_a_reload_leaves_alone_keeps_its_counts(throttle: Throttle):
    kept, gone = request_limit("address"), request_limit("address", Rate(2, "m"))
    throttle.charge((kept, gone), ALICE)
    throttle.adopt(visitors(request_limit("address")))
    assert throttle.charge((kept,), ALICE) is not None
    assert throttle.charge((gone,), ALICE) is None
    throttle.adopt(None)
    assert throttle.charge((kept,), ALICE) is None


def test_limits_of_routes_are_kept_too(throttle: Throttle):
    limit = request_limit("route", route="/a")
    throttle.charge((limit,), ALICE)
    throttle.adopt(VisitorLimits(None, None, (), (), (RouteLimits((limit,), ()),)))
    assert throttle.charge((limit,), ALICE) is not None


# Connections


def test_a_place_is_held_until_its_guest_leaves(throttle: Throttle):
    limits = (ConnectionLimit("", "address", 1),)
    assert throttle.enter("first", limits, ALICE)
    assert throttle.enter("other", limits, BOB)
    assert not throttle.enter("second", limits, ALICE)
    throttle.leave("second")  # who did not get in leaves nothing
    assert not throttle.enter("second", limits, ALICE)
    throttle.leave("first")
    assert throttle.enter("second", limits, ALICE)


def test_who_is_over_one_limit_takes_up_no_place_under_another(throttle: Throttle):
    two, one = ConnectionLimit("", "certificate", 2), ConnectionLimit("", "address", 1)
    throttle.enter(1, (two, one), ALICE)
    for guest in range(2, 9):
        assert not throttle.enter(guest, (two, one), ALICE)
    assert throttle.enter(9, (two,), ALICE)


def test_a_successor_holds_what_it_took_over_and_its_own(throttle: Throttle):
    address, certificate = (
        ConnectionLimit("", per, 1)  # type: ignore[arg-type]
        for per in ("address", "certificate")
    )
    throttle.enter("handshake", (address,), ALICE)
    throttle.enter("connection", (certificate,), ALICE)
    throttle.hand_over("handshake", "connection")
    throttle.leave("handshake")
    assert not throttle.enter("next", (address,), ALICE)
    assert not throttle.enter("next", (certificate,), ALICE)
    throttle.leave("connection")
    assert throttle.enter("next", (address, certificate), ALICE)


def test_places_on_routes_are_the_routes(throttle: Throttle):
    here = RouteLimits((), (ConnectionLimit("/a", "route", 1),))
    there = RouteLimits((), (ConnectionLimit("/b", "route", 1),))
    assert throttle.charge_on_route("x", (), here, ALICE) is None
    assert throttle.charge_on_route("y", (), there, ALICE) is None
    assert throttle.charge_on_route("z", (), here, BOB) == TOO_MANY


def test_a_route_without_limits_has_those_of_everywhere(throttle: Throttle):
    everywhere = (request_limit("certificate"),)
    assert throttle.charge_on_route(1, (), None, ALICE) is None
    assert throttle.charge_on_route(2, everywhere, None, ALICE) is None
    assert throttle.charge_on_route(3, everywhere, None, ALICE) is not None


# The log


def test_the_log_names_a_visitor_once_in_a_while(throttle: Throttle, clock: Clock, told: Told):
    limits = (request_limit("address", Rate(1, "h")),)
    for _ in range(50):
        throttle.charge(limits, ALICE)
    assert told.events == [
        {
            "event": "too many requests",
            "per": "address",
            "limit": "1/h",
            "route": "-",
            "client": "192.0.2.1",
            "certificate": "alice",
        }
    ]
    throttle.charge(limits, BOB)
    throttle.charge(limits, BOB)
    assert len(told.events) == 2
    clock.now += 10
    throttle.charge(limits, ALICE)
    assert len(told.events) == 3
    assert throttle._counters.turned_away_by == {"requests/address": 51}


def test_a_flood_of_addresses_fills_neither_log_nor_memory(
    throttle: Throttle, clock: Clock, told: Told
):
    limits = (ConnectionLimit("", "address", 0),)
    for number in range(9000):
        throttle.enter(number, limits, Visitor(f"10.0.{number >> 8}.{number & 255}"))
    assert len(told.events) == len(throttle._told) == 4096
    clock.now += 10
    throttle.enter("x", limits, ALICE)
    assert told.events[-1]["client"] == ALICE.address
    assert len(throttle._told) == 4096


# In the gate


def limited(*limits: dict[str, object], **more: object) -> dict[str, object]:
    return {"requests": list(limits), **more}


def from_address(world: World, who: str | None, address: str) -> Client:
    """Return a client whose requests come from this address."""
    client = world.client(who)
    client.connection.origin.client = address
    return client


async def test_a_request_too_many_is_a_429_and_costs_the_upstream_nothing(make_world: MakeWorld):
    world = make_world(limits=limited({"per": "certificate", "rate": "1/m", "burst": 0}))
    client = world.client()
    server = await world.round_trip(client)
    client.send(request(PROBLEM))
    answer = client.read()
    assert client.statuses() == [200, 429]
    assert b"Retry-After: 60\r\n" in answer
    assert b'"code": "rate_limited"' in answer
    assert b"Connection: close" not in answer
    assert server.take() == b""
    record = world.log.records[1]
    assert (record.status, record.error, record.decision) == (429, "rate_limited", "admitted")
    world.tick(30)
    client.send(GET)
    assert b"Retry-After: 30\r\n" in client.read()
    world.tick(30)
    assert (await world.forwarded(client)).take().startswith(b"GET / ")


async def test_a_certificate_is_limited_over_all_its_connections(make_world: MakeWorld):
    world = make_world(limits=limited({"per": "certificate", "rate": "1/m"}))
    await world.round_trip(world.client())
    again, other = world.client(), world.client("good_rsa")
    again.send(GET)
    assert again.statuses() == [429]
    await world.round_trip(other)
    assert other.statuses() == [200]


async def test_refused_visitors_are_limited_too_and_get_no_page_made(make_world: MakeWorld):
    """The flood of the refused costs one look, not a page about a certificate."""
    world = make_world(limits=limited({"per": "address", "rate": "2/m"}))
    answers = []
    for who in (None, "expired", None, "self_signed"):
        client = world.client(who)
        client.send(GET)
        answers += client.statuses()
    assert answers == [403, 403, 429, 429]
    assert sum(world.counters.refusals.values()) == 2
    assert world.log.records[2].decision == ""
    assert world.log.records[2].error == "rate_limited"


async def test_a_refused_certificate_does_not_count_for_its_fingerprint(make_world: MakeWorld):
    """Or whoever copies a certificate, which is public, locks its holder out."""
    world = make_world(limits=limited({"per": "certificate", "rate": "1/m"}))
    for _ in range(3):
        client = world.client("expired")
        client.send(GET)
        assert client.statuses() == [403]
    assert not any(map(len, world.state.throttle._limiters.values()))


async def test_addresses_are_those_of_the_record(make_world: MakeWorld):
    """Behind a trusted proxy each request has its own."""
    world = make_world(limits=limited({"per": "address", "rate": "1/m"}))
    for address in ("192.0.2.1", "192.0.2.2"):
        await world.round_trip(from_address(world, "good", address))
        client = from_address(world, "good", address)
        client.send(GET)
        assert client.statuses() == [429]


async def test_pages_hide_the_reason_where_detail_is_none(make_world: MakeWorld):
    world = make_world(
        limits=limited({"per": "address", "rate": "1/m"}),
        client_auth={"ca": "ca.crt", "detail": "none"},
    )
    client = world.client()
    client.send(GET + request(PROBLEM))
    await settle()
    world.servers[0].feed(OK)
    assert client.statuses() == [200, 429]
    assert b"rate_limited" not in client.got


async def test_an_upload_too_many_is_not_read(make_world: MakeWorld):
    world = make_world(limits=limited({"per": "certificate", "rate": "1/m"}))
    client = world.client()
    await world.round_trip(client)
    client.send(request("Content-Length: 999", method="POST") + b"x")
    assert client.statuses() == [200, 429]
    assert client.has_clean_end


ROUTES = [
    {"path": "/", "upstream": "app"},
    {
        "path": "/few",
        "upstream": "app",
        "limits": {"connections": 2, "connections_per": {"certificate": 1}, "body": 9},
    },
    {
        "path": "/rare",
        "upstream": "app",
        "limits": {"requests": [{"per": "route", "rate": "1/m"}]},
    },
]
APP = {"upstream": None, "upstreams": {"app": {"servers": ["9"]}}, "routes": ROUTES}


async def test_a_route_has_limits_of_its_own(make_world: MakeWorld):
    world = make_world(**APP)
    client = world.client()
    for path, status in (("/rare", 200), ("/", 200), ("/rare/x", 429), ("/", 200)):
        client.send(request(path=path))
        await settle()
        if status == 200:
            world.servers[0].feed(OK)
        assert client.statuses()[-1] == status
    assert len(world.log.records) == 4


async def test_requests_under_way_on_a_route_are_counted_until_they_end(make_world: MakeWorld):
    world = make_world(**APP)
    first, same, other, third = (
        world.client(who) for who in ("good", "good", "good_rsa", "with_intermediate")
    )
    for client in (first, same, other, third):
        client.send(request(path="/few"))
        await settle()
    assert same.statuses() == third.statuses() == [429]
    assert b"Retry-After: 5\r\n" in same.got
    assert b"too_many_connections" in same.got
    world.servers[0].feed(OK)
    same.send(request(path="/few"))
    await settle()
    world.servers[0].feed(OK)
    assert same.statuses() == [429, 200]
    assert first.statuses() == [200]


async def test_a_client_that_goes_away_gives_its_place_back(make_world: MakeWorld):
    world = make_world(**APP)
    for _ in range(3):
        client = world.client()
        client.send(request(path="/few"))
        await settle()
        client.socket.reset()
        await settle()
    assert [record.status for record in world.log.records] == [499] * 3
    assert len(world.state.throttle._present) == 0
    assert not world.state.throttle._places


@pytest.mark.parametrize(
    ("path", "status"), [("/few", 413), ("/", 200)], ids=["its own", "everybody's"]
)
async def test_a_body_is_limited_by_its_route(make_world: MakeWorld, path: str, status: int):
    world = make_world(**APP, limits={"body": 10})
    client = world.client()
    chunked = request("Transfer-Encoding: chunked", method="POST", path=path)
    client.send(chunked + b"a\r\n0123456789\r\n0\r\n\r\n")
    await settle()
    if world.servers and not world.servers[0].ending:
        world.servers[0].feed(OK)
    assert client.statuses() == [status]


async def test_a_path_that_an_app_could_take_for_a_limited_one_is_refused(make_world: MakeWorld):
    """Else /RARE is a way around the limits of /rare, with an app that ignores letter case."""
    world = make_world(**APP)
    client = world.client()
    client.send(request(path="/RARE"))
    assert client.statuses() == [400]


async def test_a_connection_too_many_of_an_address_is_closed_before_tls(make_world: MakeWorld):
    world = make_world(limits={"connections_per": {"address": 2}})
    first, _ = world.client(), world.client(None)
    late = Client(world.state, "good")
    assert late.socket.ending == "abort"
    await settle()
    assert world.counters.turned_away_by == {"connections/address": 1}
    first.socket.reset()
    await settle()
    await world.round_trip(world.client())


async def test_failed_handshakes_give_their_places_back(make_world: MakeWorld):
    world = make_world(limits={"connections_per": {"address": 1}})
    for _ in range(3):
        client = Client(world.state, "good")
        client.socket.feed(b"\x00nonsense")
        await settle()
    await world.round_trip(world.client())
    assert len(world.state.throttle._present) == 1


async def test_a_connection_too_many_of_a_certificate_is_told_so(make_world: MakeWorld):
    world = make_world(limits={"connections_per": {"certificate": 1}})
    first, late, other = world.client(), world.client(), world.client("good_rsa")
    late.send(request(PROBLEM))
    answer = late.read()
    assert late.statuses() == [429]
    assert b"too_many_connections" in answer
    assert b"Retry-After: 5" in answer
    assert b"Connection: close" in answer
    assert late.has_clean_end
    await world.round_trip(first)
    await world.round_trip(other)
    first.socket.reset()
    await settle()
    await world.round_trip(world.client())


async def test_a_connection_too_many_that_asks_nothing_is_closed_soon(make_world: MakeWorld):
    world = make_world(limits={"connections_per": {"certificate": 1}})
    first, late = world.client(), world.client()
    world.tick(15)
    assert not first.socket.ending
    assert late.socket.ending == "close"


async def test_strangers_have_no_certificate_to_be_counted_by(make_world: MakeWorld):
    world = make_world(limits={"connections_per": {"certificate": 1}})
    for who in (None, None, "expired", "expired"):
        client = world.client(who)
        client.send(GET)
        assert client.statuses() == [403]


async def test_limits_that_a_reload_takes_away_are_gone_at_once(make_world: MakeWorld):
    world = make_world(limits={"connections_per": {"certificate": 1}})
    world.client()
    late = world.client()
    world.swap(visitors=None)
    await world.round_trip(late)
    assert late.statuses() == [200]


@pytest.mark.parametrize("address", ["", "unix:"])
def test_who_has_no_address_is_not_counted_by_it(address: str):
    assert Visitor(address).key("address") == ""
