"""One exchange: decided anew, refused or forwarded, logged exactly once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from proxy.forward.header_rules import HeaderRules
from proxy.forward.path_mapping import PathMapping
from proxy.identity import verdict as verdict_module
from proxy.observe.redirect_target import RedirectTarget
from proxy.routing.claims import Claims
from proxy.server import credentials as credentials_module
from proxy.server import exchange as exchange_module
from proxy.server import file_response as file_response_module
from proxy.server import pages as pages_module
from proxy.server import shaping as shaping_module
from proxy.server import throttle as throttle_module
from tests.pki import DAY, REFUSED
from tests.pki import client as identity_of
from tests.unit.server.fakes import settle
from tests.unit.server.fault import Fault
from tests.unit.server.world import GET, OK, World, request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proxy.observe.access_record import AccessRecord
    from tests.unit.server.conftest import MakeWorld
    from tests.unit.server.world import Client

PROBLEM = "Accept: application/problem+json"


def code_of(answer: bytes) -> str:
    """Return the code of a problem document."""
    code: str = json.loads(answer.partition(b"\r\n\r\n")[2])["code"]
    return code


@pytest.mark.parametrize("kind", REFUSED)
async def test_a_bad_client_gets_the_reason_and_costs_the_upstream_nothing(world: World, kind: str):
    client = world.client(None if kind == "none" else kind)
    client.send(request(PROBLEM))
    answer = client.read()
    await settle()
    assert client.statuses() == [403]
    assert code_of(answer) == REFUSED[kind]
    assert b"Connection: close" in answer
    assert client.has_clean_end
    assert world.loop.asked == []
    [record] = world.log.records
    assert (record.status, record.decision) == (403, REFUSED[kind])
    assert world.counters.refusals == {REFUSED[kind]: 1}


@pytest.mark.parametrize("who", ["judge", "credentials", "decide"])
async def test_an_exception_while_judging_never_lets_anybody_in(
    world: World, monkeypatch: pytest.MonkeyPatch, who: str
):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("surprise")

    client = world.client()
    if who == "judge":
        monkeypatch.setattr(credentials_module, "judge", fail)
    elif who == "credentials":
        monkeypatch.setattr(credentials_module.Credentials, "_peer_under", fail)
    else:
        monkeypatch.setattr(exchange_module, "decide", fail)
        client.send(request(PROBLEM))
        assert code_of(client.read()) == "internal_error"
        assert client.statuses() == [500]
        assert world.loop.asked == []
        return
    client.send(request(PROBLEM))
    assert code_of(client.read()) == "certificate_invalid"
    assert client.statuses() == [403]
    await settle()
    assert world.loop.asked == []


BREAKABLE = {
    "route": ("/app/x", exchange_module, "find_route"),
    "throttle": ("/app/x", throttle_module.Throttle, "charge_on_route"),
    "path": ("/app/x", PathMapping, "forwarded"),
    "claims": ("/app/x", Claims, "of"),
    "request fields": ("/app/x", shaping_module, "ruled_lines"),
    "response fields": ("/app/x", HeaderRules, "applied"),
    "answered fields": ("/fixed?rule", exchange_module, "ruled_page"),
    "fixed response": ("/fixed", shaping_module, "fixed_page"),
    "redirect": ("/away", RedirectTarget, "__call__"),
    "file": ("/files/a.txt", file_response_module, "open_file"),
    "answer": ("/files/a.txt", file_response_module, "answer_for"),
    "reading": ("/files/a.txt", file_response_module, "read_cached"),
    "second piece": ("/files/big", file_response_module, "read_cached"),
    "writing": ("/files/a.txt", file_response_module.FileResponse, "_write"),
    "the error's page": ("/files/none", pages_module, "render_error"),
}
STATUSES = {"/files/none": [], "/files/big": [200], "/fixed?rule": []}  # where it is cut


@pytest.fixture
def busy_world(make_world: MakeWorld, tmp_path: Path) -> World:
    """A gate with everything that can answer, limits and rules for all of it."""
    (tmp_path / "public").mkdir()
    (tmp_path / "public" / "a.txt").write_bytes(b"abc")
    (tmp_path / "public" / "big").write_bytes(bytes(4 * file_response_module._PIECE))
    limits = {"requests": [{"per": "address", "rate": "9/s"}]}
    rules = {"set": {"X-Rule": "$arg_a"}}
    return make_world(
        upstream=None,
        upstreams={"app": {"servers": ["http://127.0.0.1:9"]}},
        request_headers=rules,
        response_headers=rules,
        routes=[
            {"path": "/app/", "upstream_path": "/", "access": "public", "limits": limits},
            {"path": "/first"},
            {"path": "/fixed", "respond": 200},
            {"path": "/away", "redirect": "/x"},
            {"path": "/files/", "static": "public"},
        ],
    )


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Nothing stays open."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    yield
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


async def answered(world: World, client: Client) -> None:
    """Let the app answer whatever it was asked, and the client read it."""
    for _ in range(5):
        await settle()
        for server in world.servers:
            if server.take():
                server.feed(OK)
        client.read()


@pytest.mark.parametrize(("path", "owner", "name"), BREAKABLE.values(), ids=BREAKABLE)
@pytest.mark.usefixtures("descriptors")
async def test_an_exception_anywhere_is_a_500_or_a_cut_and_one_record(
    busy_world: World, monkeypatch: pytest.MonkeyPatch, path: str, owner: object, name: str
):
    client = busy_world.client()
    Fault(monkeypatch, owner, name, spared=path.endswith("big"))
    client.send(request(PROBLEM, path=path))
    await answered(busy_world, client)
    assert client.statuses() == STATUSES.get(path, [500])
    assert client.socket.ending
    [record] = busy_world.log.records
    assert record.error == "internal_error"


@pytest.mark.parametrize(("path", "owner", "name"), BREAKABLE.values(), ids=BREAKABLE)
@pytest.mark.usefixtures("descriptors")
async def test_an_exception_in_a_pipelined_request_leaves_the_one_before_alone(
    busy_world: World, monkeypatch: pytest.MonkeyPatch, path: str, owner: object, name: str
):
    """The second request begins in a callback of the connection to the first one's app."""
    client = busy_world.client()
    fault = Fault(monkeypatch, owner, name, spared=path.endswith("big"))
    fault.is_armed = False
    write = busy_world.log.write

    def arm_and_write(record: AccessRecord) -> None:
        fault.is_armed = True
        write(record)

    monkeypatch.setattr(busy_world.log, "write", arm_and_write)
    client.send(request(path="/first") + request(PROBLEM, path=path))
    await answered(busy_world, client)
    assert client.statuses() == [200, *STATUSES.get(path, [500])]
    assert client.socket.ending
    first, second = busy_world.log.records
    assert (first.error, second.error) == ("", "internal_error")


async def test_an_exception_in_the_verdict_itself_is_a_refusal(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(verdict_module, "_judge_chain", fail)
    client = world.client()
    client.send(request(PROBLEM))
    assert code_of(client.read()) == "certificate_invalid"


async def test_a_certificate_that_ends_while_its_connection_is_open_is_refused(world: World):
    client = world.client()
    await world.round_trip(client)
    world.wall = identity_of("good").leaf.not_valid_after_utc.timestamp()
    client.send(request(PROBLEM))
    assert client.statuses() == [200, 403]
    assert b"certificate_expired" in client.got


async def test_a_clock_that_is_set_back_counts_too(world: World):
    client = world.client()
    await world.round_trip(client)
    world.wall = (identity_of("good").leaf.not_valid_before_utc - DAY).timestamp()
    client.send(request(PROBLEM))
    assert client.statuses() == [200, 403]
    assert b"certificate_not_yet_valid" in client.got


async def test_a_trust_anchor_that_a_reload_removed_refuses_on_the_open_connection(world: World):
    client = world.client()
    await world.round_trip(client)
    world.swap(anchors=frozenset())
    client.send(request(PROBLEM))
    assert client.statuses() == [200, 403]
    assert b"certificate_unknown_issuer" in client.got


async def test_a_shorter_path_by_reload_refuses_on_the_open_connection(world: World):
    client = world.client("with_intermediate")
    await world.round_trip(client)
    client_auth = world.state.snapshot.client_auth
    world.swap(client_auth=client_auth.model_copy(update={"verify_depth": 0}))
    client.send(request(PROBLEM))
    assert client.statuses() == [200, 403]
    assert b"certificate_chain_too_long" in client.got


async def test_a_request_between_decision_and_reload_is_still_decided_anew(world: World):
    """Pipelined behind a slow one: judged when its turn comes, not when its bytes came."""
    client = world.client()
    server = await world.forwarded(client, GET + request(PROBLEM))
    world.swap(anchors=frozenset())
    server.feed(OK)
    assert client.statuses() == [200, 403]


# Routes


@pytest.fixture
def routed(make_world: MakeWorld) -> World:
    return make_world(
        upstream=None,
        upstreams={"app": {"servers": ["http://127.0.0.1:9"]}},
        routes=[
            {"path": "/app/", "upstream": "app"},
            {"path": "/open/", "upstream": "app", "access": "public"},
            {"path": "/maybe/", "upstream": "app", "access": "optional"},
        ],
    )


async def test_where_no_route_is_strangers_learn_nothing(routed: World):
    good, bad = routed.client(), routed.client("expired")
    good.send(request(path="/nowhere"))
    bad.send(request(path="/nowhere"))
    assert good.statuses() == [404]
    assert bad.statuses() == [403]


@pytest.mark.parametrize("path", ["/open/x", "/maybe/x"])
async def test_an_open_route_takes_everybody_and_tells_the_app_the_verdict(
    routed: World, path: str
):
    client = routed.client("expired")
    server = await routed.forwarded(client, request(path=path))
    got = server.take()
    assert b"X-SSL-Client-Verify: FAILED:certificate has expired" in got
    assert got.count(b"SSL-Client") == 1
    server.feed(OK)
    assert client.statuses() == [200]


async def test_a_path_with_two_readings_is_a_400(routed: World):
    client = routed.client()
    client.send(request(path="/app/%2e%2e%2fopen/"))
    await settle()
    assert client.statuses() == [400]
    assert routed.loop.asked == []
    assert routed.log.records[0].decision == ""


async def test_options_asterisk_goes_to_the_root(world: World):
    server = await world.forwarded(world.client(), request(method="OPTIONS", path="*"))
    assert server.take().startswith(b"OPTIONS * HTTP/1.1\r\n")


async def test_head_gets_the_fields_of_a_refusal_without_its_content(world: World):
    client = world.client("expired")
    client.send(request(method="HEAD"))
    head, end, content = client.read().partition(b"\r\n\r\n")
    assert b"Content-Length: " in head
    assert (end, content) == (b"\r\n\r\n", b"")
    assert world.log.records[0].body_bytes_sent == 0


async def test_several_accept_fields_are_one(world: World):
    client = world.client("expired")
    client.send(request("Accept: application/problem+json", "Accept: text/html;q=0.1"))
    assert b"application/problem+json" in client.read()


async def test_the_configured_status_and_detail_are_used(make_world: MakeWorld):
    world = make_world(
        client_auth={"ca": "ca.crt", "crl": "crl.pem", "status": 496, "detail": "none"}
    )
    client = world.client("expired")
    client.send(request(PROBLEM))
    assert b"expired" not in client.read()
    assert client.statuses() == [496]


# The record


async def test_the_record_tells_what_happened(world: World):
    client = world.client()
    fields = ("User-Agent: test/1", "Referer: http://a/")
    server = await world.forwarded(client, request(*fields, path="/x?y"))
    world.loop.now += 1.5
    server.feed(OK)
    [record] = world.log.records
    assert (record.method, record.target, record.version) == (b"GET", b"/x?y", b"1.1")
    assert (record.user_agent, record.referer) == (b"test/1", b"http://a/")
    assert (record.status, record.upstream_status, record.body_bytes_sent) == (200, 200, 2)
    assert (record.verify, record.decision) == ("SUCCESS", "admitted")
    assert (record.request_time, record.upstream_time) == (1.5, 1.5)
    assert record.upstream_address == "127.0.0.1:9"
    assert record.time == world.wall + 1.5
    assert world.counters.responses == {"2xx": 1}


async def test_an_http_1_0_request_is_logged_as_one(world: World):
    client = world.client("expired")
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    assert world.log.records[0].version == b"1.0"
    assert world.log.records[0].verify == "FAILED:certificate has expired"


async def test_a_client_that_leaves_under_an_open_question_costs_one_line(world: World):
    """The end of the connection and what follows from it must not log twice."""
    client = world.client()
    server = await world.forwarded(client, GET)
    client.send_end()
    client.socket.reset()
    server.feed(OK)
    await settle()
    assert [(one.status, one.error) for one in world.log.records] == [(499, "client_gone")]


async def test_request_ids_differ_and_are_told(world: World):
    client = world.client()
    server = await world.forwarded(client, GET)
    first = server.take()
    server.feed(OK)
    client.send(GET)
    second = server.take()
    ids = {one.partition(b"X-Request-ID: ")[2][:32] for one in (first, second)}
    assert len(ids) == 2
    assert world.log.records[0].request_id.encode() in ids
