"""Header rules: what the app and the client get, and what no value can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, context, running_gate
from tests.gate.client import Client
from tests.pki import Profile, name, trust
from tests.upstreams import Connection, Recorder, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gate import Gate
    from tests.gate.fixtures import StartGate

RULES = {
    "set": {
        "X-User": "$ssl_client_cn",
        "X-DN": "<$ssl_client_s_dn>",
        "X-Where": "$scheme://$http_host$request_uri from $remote_addr",
        "X-Sid": "$cookie_sid",
        "X-Q": "$arg_q",
    },
    "remove": ["Cookie"],
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gate, Recorder]]:
    """A gate with rules toward the app, its first route open to everybody."""
    folder = tmp_path_factory.mktemp("gate")
    routes = [{"path": "/open", "access": "optional"}, {"path": "/"}]
    with (
        Recorder() as upstream,
        running_gate(folder, upstream.url, routes=routes, request_headers=RULES) as gate,
    ):
        yield gate, upstream


def test_the_app_gets_what_the_rules_say(shared: tuple[Gate, Recorder]):
    gate, upstream = shared
    with connect(gate.port) as client:
        cookie, forged = "Cookie: sid=7; x=y", "X_User: root"
        assert client.get("/a?q=1%202", cookie, "X-User: root", forged).status == 200
    got = upstream.received()
    assert got.all("X-User") == ["alice"]
    assert got.all("X_User") == []
    assert got.header("X-DN") == "<CN=alice>"
    assert got.header("X-Where") == "https://localhost/a?q=1%202 from 127.0.0.1"
    assert (got.header("X-Sid"), got.header("X-Q")) == ("7", "1%202")
    assert got.all("Cookie") == []


@pytest.mark.parametrize("who", ["none", "expired", "unknown_ca"])
def test_nobody_vouches_for_a_bad_certificate(shared: tuple[Gate, Recorder], who: str):
    """nginx would send the name in it."""
    gate, upstream = shared
    with connect(gate.port, who) as client:
        assert client.get("/open", "X-User: root").status == 200
    got = upstream.received()
    assert got.all("X-User") == []
    assert got.header("X-DN") == "<>"


@pytest.mark.parametrize(
    "text",
    ["a\r\nX-Admin: yes", "a\nX-Admin: yes\n\nGET / HTTP/1.1", "\r\n\r\nevil", "ü\x85\u2028x"],
)
def test_a_name_with_line_ends_stays_in_its_line(shared: tuple[Gate, Recorder], text: str):
    gate, upstream = shared
    identity = trust().root.issue(Profile(subject=name(text)))
    with Client(gate.port, context(identity)) as client:
        assert client.get("/").status == 200
    got = upstream.received()
    assert got.all("X-Admin") == []
    assert upstream.nothing_received()
    assert got.raw_head.isascii()
    assert b"\n" not in got.raw_head.replace(b"\r\n", b"")


def test_bytes_of_a_cookie_stay_in_their_line(shared: tuple[Gate, Recorder]):
    gate, upstream = shared
    with connect(gate.port) as client:
        assert client.get("/?q=%0d%0aX", "Cookie: sid=\xe9\tx").status == 200
    got = upstream.received()
    assert (got.header("X-Sid"), got.header("X-Q")) == ("%E9%09x", "%0d%0aX")


async def talkative(connection: Connection) -> None:
    """Tell more than a client should know."""
    while True:
        await connection.request()
        await connection.send(
            b"HTTP/1.1 200 OK\r\nServer: app/1.2.3\r\nX-Powered-By: PHP\r\n"
            b"Content-Length: 2\r\n\r\nok"
        )


def test_the_client_gets_what_the_rules_say_on_every_answer(start_gate: StartGate):
    """The app's, the gate's own and its refusals: nginx calls it "always"."""
    with Scripted(talkative) as upstream:
        gate = start_gate(
            upstream.url,
            response_headers={
                "set": {"Strict-Transport-Security": "max-age=60", "Cache-Control": "max-age=9"},
                "remove": ["Server", "X-Powered-By"],
            },
            routes=[
                {"path": "/"},
                {"path": "/a", "response_headers": {"set": {"Server": "gate $status"}}},
                {"path": "/b", "redirect": "/"},
            ],
        )
        with connect(gate.port) as client:
            answers = {path: client.get(path) for path in ("/", "/a", "/b")}
        with connect(gate.port, "none") as stranger:
            refusal = stranger.get("/a")
    assert {one.header("Strict-Transport-Security") for one in answers.values()} == {"max-age=60"}
    assert {one.header("X-Powered-By") for one in answers.values()} == {None}
    assert answers["/"].header("Server") is None
    assert answers["/a"].header("Server") == "gate 200"
    assert answers["/b"].header("Cache-Control") == "max-age=9"
    assert refusal.header("Strict-Transport-Security") == "max-age=60"
    assert refusal.header("Cache-Control") == "no-store"
    assert refusal.header("Server") == "gate 403"
