"""Routes that answer in place of an app, and error pages of the operator's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gate import connect, head
from tests.upstreams import Connection, Scripted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.gate.fixtures import StartGate

ROUTES = [
    {"path": "/"},
    {"path": "/healthz", "access": "public", "respond": "204"},
    {
        "path": "/robots.txt",
        "access": "public",
        "respond": {"body": "User-agent: *\nDisallow: /\n"},
    },
    {
        "path": "/who",
        "respond": {"body": "<p>$ssl_client_cn $arg_x", "content_type": "text/html"},
    },
    {
        "path": "/old/",
        "access": "public",
        "redirect": {"to": "https://$http_host/new$request_uri", "status": "308"},
    },
]
HTML = "Accept: text/html"


def test_one_connection_gets_every_kind_of_answer(start_gate: StartGate):
    """HEAD has no content, a fixed answer no app, and the connection stays."""
    gate = start_gate(routes=ROUTES)
    with connect(gate.port, "none") as client:
        assert client.get("/robots.txt").text == "User-agent: *\nDisallow: /\n"
        client.send(head("HEAD /robots.txt HTTP/1.1", "Host: localhost"))
        response = client.response("HEAD")
        assert (response.header("Content-Length"), response.body) == ("26", b"")
        empty = client.get("/healthz")
        assert (empty.status, empty.header("Content-Length"), empty.body) == (204, None, b"")
        moved = client.get("/old//evil.example?a=b")
        assert moved.status == 308
        assert moved.header("Location") == "https://localhost/new/old//evil.example?a=b"
        assert client.get("/who").status == 403
        assert client.is_closed()
    with connect(gate.port) as client:
        page = client.get("/who?x=<script>")
        assert page.text == "<p>alice &lt;script&gt;"
        assert page.header("Content-Type") == "text/html"


def test_an_upload_is_answered_before_it_is_sent(start_gate: StartGate):
    gate = start_gate(routes=ROUTES)
    with connect(gate.port, "none") as client:
        lines = ("Host: localhost", "Content-Length: 1000000", "Expect: 100-continue")
        client.send(head("POST /old/ HTTP/1.1", *lines))
        response = client.response("POST")
        assert (response.status, response.interim) == (308, ())


@pytest.fixture
def pages(tmp_path: Path) -> dict[str, str]:
    """Pages for a missing certificate, and for the app's faults."""
    (tmp_path / "errors").mkdir()
    (tmp_path / "errors" / "403.html").write_text("<h1>Members only</h1>$request_id")
    (tmp_path / "errors" / "5xx.html").write_text("<h1>Back soon</h1>")
    return {"403": "errors/403.html", "5xx": "errors/5xx.html"}


def test_people_see_the_operators_page_and_programs_the_code(
    start_gate: StartGate, pages: dict[str, str]
):
    gate = start_gate(error_pages=pages)
    with connect(gate.port, "expired") as client:
        refusal = client.get("/", HTML)
    with connect(gate.port, "expired") as client:
        problem = client.get("/", "Accept: application/json")
    with connect(gate.port) as client:
        down = client.get("/", HTML)
    assert (refusal.status, refusal.header("Cache-Control")) == (403, "no-store")
    assert refusal.text == f"<h1>Members only</h1>{refusal.header('X-Request-ID')}"
    assert problem.json()["code"] == "certificate_expired"
    assert (down.status, down.text) == (502, "<h1>Back soon</h1>")


async def failing(connection: Connection) -> None:
    """Fail, and tell how, at length and without end."""
    while True:
        await connection.request()
        await connection.send(b"HTTP/1.1 500 Oops\r\nX-Debug: 1\r\n\r\nTraceback")


@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*"])
def test_an_apps_error_is_hidden_where_that_is_wanted(
    start_gate: StartGate, pages: dict[str, str], accept: str
):
    with Scripted(failing) as upstream:
        gate = start_gate(upstream.url, error_pages=pages, intercept_errors="true")
        with connect(gate.port) as client:
            for _ in range(2):
                response = client.get("/", f"Accept: {accept}")
                assert response.status == 500
                assert response.header("X-Debug") is None
                assert "Traceback" not in response.text
                assert ("Back soon" in response.text) == (accept == "text/html")


def test_a_page_that_is_gone_keeps_the_old_configuration(
    start_gate: StartGate, pages: dict[str, str], tmp_path: Path
):
    """As every other fault of a file, at a reload."""
    gate = start_gate(error_pages=pages)
    (tmp_path / "errors" / "403.html").write_bytes(b"\xff")
    gate.reload(expect=r"reload refused.*403\.html is not UTF-8 text")
    with connect(gate.port, "none") as client:
        assert "Members only" in client.get("/", HTML).text
