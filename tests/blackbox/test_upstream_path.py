"""Another path for the app: a real app under a prefix, and beside a real nginx."""

from __future__ import annotations

import json
import urllib.parse
from typing import TYPE_CHECKING

import pytest

from tests.gate import Browser, connect, head
from tests.upstreams import Connection, Recorder, Scripted
from tests.upstreams.apps import running_guestbook

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gate import Client, Nginx, Response
    from tests.gate.fixtures import StartGate

STRIPPING = [{"path": "/guests/", "upstream_path": "/"}]


# A real app


@pytest.mark.parametrize("knows_its_prefix", [False, True], ids=["unaware", "told its prefix"])
def test_an_app_works_under_a_prefix(start_gate: StartGate, *, knows_its_prefix: bool):
    """Login, redirect and session cookie; whether it builds its links with the prefix or not."""
    with running_guestbook(knows_its_prefix=knows_its_prefix) as url:
        gate = start_gate(url, routes=STRIPPING)
        browser = Browser(gate)
        assert browser.text("/guests") == "nobody was here 1 times"
        form = urllib.parse.urlencode({"user": "alice"}).encode()
        with browser.open("/guests/login", form) as response:
            assert response.read() == b"alice was here 2 times"
            assert urllib.parse.urlsplit(response.url).path.rstrip("/") == "/guests"
        assert {cookie.path.rstrip("/") for cookie in browser.cookies} == {"/guests"}
        told = json.loads(browser.text("/guests/echo?a=/guests/"))
        wanted = "/guests" if knows_its_prefix else ""
        assert urllib.parse.urlsplit(told["url"]).path == f"{wanted}/echo"
        assert dict(told["headers"])["X-Forwarded-Prefix"] == "/guests"


# Beside nginx

NGINX = """
server {{
    listen 127.0.0.1:{{port}} ssl;
    ssl_certificate {folder}/server.crt;
    ssl_certificate_key {folder}/server.key;
    location /app/ {{
        proxy_pass {upstream}/api/;
        proxy_set_header Host $http_host;
        proxy_cookie_path /api/ /app/;
    }}
}}
"""


async def echo(connection: Connection) -> None:
    """Send the query's text back as fields of the response."""
    while True:
        request = await connection.request()
        fields = urllib.parse.unquote(request.target.partition("?")[2])
        await connection.send(f"HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n".encode())


def both(
    start_gate: StartGate, start_nginx: Callable[[str], Nginx], folder: Path, upstream: Scripted
) -> list[Client]:
    """Return a connection to certgate and one to nginx, set up alike."""
    gate = start_gate(upstream.url, routes=[{"path": "/app/", "upstream_path": "/api/"}])
    nginx = start_nginx(NGINX.format(folder=folder, upstream=upstream.url))
    return [connect(gate.port), connect(nginx.port)]


@pytest.mark.parametrize(
    "target",
    [
        "/app/",
        "/app/x",
        "/app/x/?a=/app/b&c=%2F",
        "/%61pp/x",
        "/app/./y/../z",
        "/app//x",
        "/app/x//y",
    ],
)
def test_the_app_gets_the_path_that_nginx_sends(
    start_gate: StartGate, start_nginx: Callable[[str], Nginx], tmp_path: Path, target: str
):
    with Recorder() as upstream:
        got = []
        for client in both(start_gate, start_nginx, tmp_path, upstream):
            with client:
                assert client.get(target).status == 200
            got.append(upstream.received().target)
    assert got[0] == got[1]


def test_a_folder_without_its_slash_is_redirected_as_nginx_does(
    start_gate: StartGate, start_nginx: Callable[[str], Nginx], tmp_path: Path
):
    with Recorder() as upstream:
        answers = []
        for client in both(start_gate, start_nginx, tmp_path, upstream):
            with client:
                answers.append(client.get("/app?x=1"))
        assert upstream.nothing_received()
    assert [one.status for one in answers] == [301, 301]
    assert path_of(answers[0]) == path_of(answers[1]) == "/app/?x=1"


def path_of(answer: Response) -> str:
    """Return where a Location leads on the site that was asked; nginx makes it absolute."""
    location = urllib.parse.urlsplit(answer.header("Location") or "")
    if location.netloc.partition(":")[0] not in {"", "localhost"}:
        return location.geturl()
    return urllib.parse.urlunsplit(location._replace(scheme="", netloc=""))


@pytest.mark.parametrize(
    "location",
    [
        "{url}/api/",
        "{url}/api/x?y#z",
        "{url}/other",
        "https://elsewhere.example/api/x",
        "relative",
        "/other",
    ],
)
def test_a_location_is_what_nginx_makes_of_it(
    start_gate: StartGate, start_nginx: Callable[[str], Nginx], tmp_path: Path, location: str
):
    with Scripted(echo) as upstream:
        answers = []
        fields = f"Location: {location.format(url=upstream.url)}\r\n"
        target = "/app/?" + urllib.parse.quote(fields)
        for client in both(start_gate, start_nginx, tmp_path, upstream):
            with client:
                answers.append(path_of(client.get(target)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize("path", ["/api/", "/api/x", "/", "/other"])
def test_a_cookie_has_the_path_that_nginx_gives_it(
    start_gate: StartGate, start_nginx: Callable[[str], Nginx], tmp_path: Path, path: str
):
    with Scripted(echo) as upstream:
        answers = []
        fields = f"Set-Cookie: a=b; Path={path}; HttpOnly\r\n"
        for client in both(start_gate, start_nginx, tmp_path, upstream):
            with client:
                answer = client.get("/app/?" + urllib.parse.quote(fields))
                answers.append((answer.header("Set-Cookie") or "").lower().replace(" ", ""))
    assert answers[0] == answers[1]


# Better than nginx

GUARDED = [
    {"path": "/pub/", "upstream_path": "/", "access": "public"},
    {"path": "/admin"},
]


@pytest.mark.parametrize(
    "target",
    [
        "/pub/admin",
        "/pub/admin/x",
        "/pub/ADMIN/x",
        "/pub//admin",
        "/pub/x/../admin",
        "/pub/%61dmin",
        "/pub/x%2f..%2fadmin",
        "/pub/..%2fadmin",
        "/pub/..;/admin",
        "/pub/x\\..\\admin",
    ],
)
def test_no_prefix_leads_past_a_rule(start_gate: StartGate, target: str):
    """In nginx, /pub/admin is the app's /admin, whatever location /admin asks for."""
    with Recorder() as upstream:
        gate = start_gate(upstream.url, routes=GUARDED)
        with connect(gate.port, "none") as stranger:
            assert stranger.get(target).status in {400, 403}
        assert upstream.nothing_received()
        with connect(gate.port, "none") as stranger:
            assert stranger.get("/pub/x").status == 200
        assert upstream.received().target == "/x"
        with connect(gate.port) as client:
            assert client.get("/pub/admin").status == 200
        assert upstream.received().target == "/admin"


def test_a_path_does_not_climb_out_of_its_upstream_path(start_gate: StartGate):
    with Recorder() as upstream:
        gate = start_gate(upstream.url, routes=[{"path": "/", "upstream_path": "/api/"}])
        for target in ("/..%2fadmin", "/x/..;/..;/admin", "/..%5c..%5cadmin", "/..%2fapi/x"):
            with connect(gate.port) as client:
                client.send(head(f"GET {target} HTTP/1.1", "Host: localhost"))
                assert client.response().status == 400
        assert upstream.nothing_received()
