"""Routes that do more than hand on: their paths, fields and answers, as both sides see them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.pki import client as identity_of
from tests.unit.server.fakes import settle
from tests.unit.server.world import OK, request

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.server.conftest import MakeWorld
    from tests.unit.server.world import Client, World

HTML = "Accept: text/html"


def routes_of(*routes: dict[str, Any]) -> dict[str, Any]:
    return {
        "upstream": None,
        "upstreams": {"app": {"servers": ["http://127.0.0.1:9"]}},
        "routes": [{"upstream": "app", **route} for route in routes],
    }


def answered_by_gate(**route: Any) -> dict[str, Any]:
    return {"routes": [{"path": "/here", "access": "public", **route}, {"path": "/"}]}


def answer(*lines: str, status: str = "200 OK", body: bytes = b"ok") -> bytes:
    head = (f"HTTP/1.1 {status}", *lines, f"Content-Length: {len(body)}", "", "")
    return "\r\n".join(head).encode() + body


def fields_of(raw: bytes, name: str) -> list[str]:
    return re.findall(rf"(?mi)^{name}: (.*?)\r$", raw.partition(b"\r\n\r\n")[0].decode() + "\r")


async def asked(world: World, client: Client, data: bytes) -> bytes:
    """Let the app answer this request; return the head that it got."""
    server = await world.forwarded(client, data)
    got = server.take()
    server.feed(OK)
    await settle()
    return got


# Paths


@pytest.fixture
def stripping(make_world: MakeWorld) -> World:
    return make_world(**routes_of({"path": "/app/", "upstream_path": "/"}))


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/app/", "/"),
        ("/app/x?a=/app/", "/x?a=/app/"),
        ("/%61pp/%78", "/%78"),
        ("/app//x/./y/../z", "/x/z"),
        ("/app/a%2Fb", "/a%2Fb"),
    ],
)
async def test_the_app_gets_the_path_without_the_prefix(stripping: World, path: str, wanted: str):
    got = await asked(stripping, stripping.client(), request(path=path))
    assert got.startswith(f"GET {wanted} HTTP/1.1\r\n".encode())
    assert fields_of(got, "X-Forwarded-Prefix") == ["/app"]


async def test_a_folder_without_its_slash_is_redirected_to_it(stripping: World):
    client = stripping.client()
    client.send(request(path="/app?x=1"))
    answer = client.read()
    assert client.statuses() == [301]
    assert fields_of(answer, "Location") == ["/app/?x=1"]
    assert stripping.log.records[0].decision == "admitted"


async def test_but_not_for_a_method_that_would_become_get(stripping: World):
    got = await asked(stripping, stripping.client(), request(method="DELETE", path="/app"))
    assert got.startswith(b"DELETE / HTTP/1.1\r\n")


async def test_strangers_are_not_even_redirected(stripping: World):
    client = stripping.client(None)
    client.send(request(path="/app"))
    assert client.statuses() == [403]


async def test_asterisk_means_what_the_route_leads_to(make_world: MakeWorld):
    world = make_world(**routes_of({"path": "/", "upstream_path": "/api/"}))
    got = await asked(world, world.client(), request(method="OPTIONS", path="*"))
    assert got.startswith(b"OPTIONS /api/ HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "path", ["/..%2f..%2fadmin", "/x/..%5c..%5cadmin", "/..;/admin", "/..%2fapi/x", "/%252e%252e/y"]
)
async def test_a_path_that_may_leave_upstream_path_is_a_400(make_world: MakeWorld, path: str):
    """Although the access is the same everywhere, so that the table asks for no other readings."""
    world = make_world(**routes_of({"path": "/", "upstream_path": "/api/"}))
    client = world.client()
    client.send(request(path=path))
    await settle()
    assert client.statuses() == [400]
    assert world.loop.asked == []


GUARDED = routes_of(
    {"path": "/pub", "upstream_path": "/", "access": "public"},
    {"path": "/admin"},
    {"path": "/moved", "upstream_path": "/internal/"},
    {"path": "/", "host": "other.example", "access": "public"},
)


@pytest.mark.parametrize(
    "path",
    [
        "/pub/admin",
        "/pub/admin/x?y",
        "/pub/ADMIN",
        "/pub/%61dmin",
        "/pub/./admin",
        "/pub/internal/x",
    ],
)
async def test_no_prefix_leads_a_stranger_past_a_rule(make_world: MakeWorld, path: str):
    """/admin and /internal want a certificate, whatever name the client has for them."""
    world = make_world(**GUARDED)
    stranger, known = world.client(None), world.client()
    stranger.send(request(path=path))
    await settle()
    assert stranger.statuses() == [403]
    assert world.loop.asked == []
    assert world.log.records[0].decision == "certificate_missing"
    assert b"HTTP/1.1" in await asked(world, known, request(path=path))


@pytest.mark.parametrize("path", ["/pub/x%2f..%2fadmin", "/pub/%61dmin%2fx", "/pub/x;/../admin"])
async def test_nor_does_another_reading_of_the_path(make_world: MakeWorld, path: str):
    world = make_world(**GUARDED)
    stranger = world.client(None)
    stranger.send(request(path=path))
    await settle()
    assert stranger.statuses() in ([400], [403])
    assert world.loop.asked == []


async def test_what_no_other_route_claims_stays_open(make_world: MakeWorld):
    world = make_world(**GUARDED)
    assert (await asked(world, world.client(None), request(path="/pub/x"))).startswith(b"GET /x ")


async def test_a_route_of_its_own_path_does_not_lead_past_one_that_rewrites(make_world: MakeWorld):
    """The app's /internal is for the verified, although the public route for / has it, too."""
    world = make_world(**GUARDED)
    stranger = world.client(None)
    stranger.send(request(path="/internal/x").replace(b"localhost", b"other.example"))
    assert stranger.statuses() == [403]
    await settle()
    assert world.loop.asked == []


async def test_a_tangled_path_on_a_route_with_claims_is_a_400(make_world: MakeWorld):
    world = make_world(
        **routes_of(
            {"path": "/", "host": "localhost", "access": "public"},
            {"path": "/m", "host": "other.example", "upstream_path": "/internal/"},
        )
    )
    client = world.client()
    client.send(request(path="/" + "x" * 3000 + "%2f"))
    assert client.statuses() == [400]


async def test_a_tunnel_past_a_claim_ends_with_the_certificate(make_world: MakeWorld):
    """The public route alone would let it go on."""
    world = make_world(**GUARDED)
    client = world.client()
    upgrade = ("Connection: Upgrade", "Upgrade: websocket")
    server = await world.forwarded(client, request(*upgrade, path="/pub/admin/ws"))
    server.feed(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    world.tick()
    assert not server.ending
    world.wall = identity_of("good").leaf.not_valid_after_utc.timestamp()
    world.tick()
    assert server.ending
    assert world.log.records[0].error == "certificate_no_longer_valid"


async def test_a_limit_counts_by_whatever_name_the_client_has_for_the_path(make_world: MakeWorld):
    """Passwords are not tried at /app/login because /login is limited."""
    limits = {"requests": [{"per": "address", "rate": "2/h", "burst": "1"}]}
    world = make_world(
        **routes_of(
            {"path": "/app", "upstream_path": "/"},
            {"path": "/login", "limits": limits},
            {"path": "/"},
        )
    )
    client = world.client()
    for path, status in (
        ("/login", 200),
        ("/app/login", 200),
        ("/app/x", 200),
        ("/app/login", 429),
        ("/login", 429),
        ("/app/x", 200),
    ):
        if status == 200:
            await asked(world, client, request(path=path))
        else:
            client.send(request(path=path))
            await settle()
        assert client.statuses()[-1] == status


async def test_requests_under_way_count_by_whatever_name_the_client_has_for_the_path(
    make_world: MakeWorld,
):
    """/app/report is the app's /report, which can do one at a time."""
    world = make_world(
        **routes_of(
            {"path": "/app", "upstream_path": "/"},
            {"path": "/report", "limits": {"connections": 1}},
        )
    )
    first, second = world.client(), world.client()
    server = await world.forwarded(first, request(path="/app/report"))
    for path in ("/app/report", "/report"):
        second.send(request(path=path))
        await settle()
        assert second.statuses()[-1] == 429
    server.feed(OK)
    await settle()
    assert first.statuses() == [200]
    await asked(world, second, request(path="/report"))
    assert second.statuses()[-1] == 200


@pytest.mark.parametrize(
    "path", ["/METRICS", "/x/..%2fmetrics", "/metrics;x", "/x%5c..%5cmetrics", "/%256detrics"]
)
async def test_a_closed_path_is_closed_by_whatever_name_an_app_takes_for_it(
    make_world: MakeWorld, path: str
):
    world = make_world(routes=[{"path": "/"}, {"path": "/metrics", "respond": 404}])
    client = world.client()
    client.send(request(path="/metrics/x"))
    assert client.statuses() == [404]
    client.send(request(path=path))
    await settle()
    assert client.statuses() == [404, 400]
    assert world.loop.asked == []


async def test_a_fixed_response_that_is_no_error_closes_nothing(make_world: MakeWorld):
    world = make_world(routes=[{"path": "/"}, {"path": "/healthz", "respond": 204}])
    client = world.client()
    await asked(world, client, request(path="/HEALTHZ"))
    assert client.statuses() == [200]


# What comes back


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("Location: /login?next=/", "Location: /app/login?next=/"),
        ("Location: http://127.0.0.1:9/x", "Location: /app/x"),
        ("Location: http://localhost/x", "Location: /app/x"),
        ("Location: https://elsewhere.example/x", "Location: https://elsewhere.example/x"),
        ("Refresh: 5; url=/x", "Refresh: 5; url=/app/x"),
        ("Set-Cookie: a=b; Path=/; HttpOnly", "Set-Cookie: a=b; Path=/app/; HttpOnly"),
    ],
)
async def test_the_apps_urls_are_put_into_the_clients_words(
    stripping: World, given: str, wanted: str
):
    client = stripping.client()
    server = await stripping.forwarded(client, request(path="/app/"))
    server.feed(answer(given))
    assert f"\r\n{wanted}\r\n".encode() in client.read()


async def test_a_remembered_response_head_keeps_nothing_of_one_request(make_world: MakeWorld):
    """The same bytes from the app, again and again on one connection, for requests that differ."""
    rules = {"set": {"X-Path": "$request_uri"}}
    world = make_world(routes=[{"path": "/"}, {"path": "/r", "response_headers": rules}])
    client = world.client()
    for path, shown in (("/x", []), ("/r/a", ["/r/a"]), ("/r/b", ["/r/b"]), ("/y", [])):
        server = await world.forwarded(client, request(path=path))
        server.feed(OK)
        assert fields_of(client.read(), "X-Path") == shown
    assert len(world.servers) == 1


async def test_the_apps_own_fields_give_way_to_rules(make_world: MakeWorld):
    world = make_world(
        response_headers={"set": {"Server": "gate"}, "remove": "X-Powered-By"},
    )
    client = world.client()
    server = await world.forwarded(client)
    server.feed(answer("Server: app", "X-Powered-By: PHP", "X-Other: 1"))
    got = client.read()
    assert fields_of(got, "Server") == ["gate"]
    assert fields_of(got, "X-Other") == ["1"]
    assert b"PHP" not in got


async def test_what_the_operator_hides_is_hidden_in_early_hints_too(make_world: MakeWorld):
    """And nothing is added: what the response will be nobody knows yet."""
    world = make_world(
        response_headers={"set": {"Server": "gate", "X-New": "1"}, "remove": "X-Powered-By"},
    )
    client = world.client()
    server = await world.forwarded(client)
    hints = ("Server: app", "X-Powered-By: PHP", "Link: </a>")
    server.feed("\r\n".join(("HTTP/1.1 103 Early Hints", *hints, "", "")).encode())
    assert client.read() == b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    server.feed(OK)
    assert fields_of(client.read(), "Server") == ["gate"]
    assert client.statuses() == [103, 200]


async def test_early_hints_name_the_clients_paths(stripping: World):
    client = stripping.client()
    server = await stripping.forwarded(client, request(path="/app/"))
    server.feed(b"HTTP/1.1 103 Early Hints\r\nContent-Location: /x\r\n\r\n")
    assert fields_of(client.read(), "Content-Location") == ["/app/x"]


async def test_a_rule_for_responses_knows_that_protocols_are_switched(make_world: MakeWorld):
    world = make_world(response_headers={"set": {"X-Status": "$status/$upstream_status"}})
    client = world.client()
    upgrade = ("Connection: Upgrade", "Upgrade: websocket")
    server = await world.forwarded(client, request(*upgrade))
    server.feed(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    await settle()
    assert fields_of(client.read(), "X-Status") == ["101/101"]


async def test_a_websocket_gets_its_cookie_with_the_clients_path(stripping: World):
    client = stripping.client()
    upgrade = ("Connection: Upgrade", "Upgrade: websocket")
    server = await stripping.forwarded(client, request(*upgrade, path="/app/ws"))
    server.feed(
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Set-Cookie: a=b; Path=/\r\n\r\n"
    )
    assert fields_of(client.read(), "Set-Cookie") == ["a=b; Path=/app/"]


# Fields toward the app


async def test_a_field_that_is_set_replaces_every_spelling_of_the_clients(make_world: MakeWorld):
    world = make_world(request_headers={"set": {"X-User": "$ssl_client_cn"}})
    client = world.client()
    got = await asked(world, client, request("X-User: eve", "x_user: eve", "X-USER: eve"))
    assert fields_of(got, r"x.user") == ["alice"]
    assert b"eve" not in got


async def test_a_name_that_nobody_vouches_for_is_not_sent(make_world: MakeWorld):
    world = make_world(
        request_headers={"set": {"X-User": "$ssl_client_cn", "X-Verify": "$ssl_client_verify"}},
        routes=[{"path": "/", "access": "optional"}],
    )
    got = await asked(world, world.client("expired"), request("X-User: eve"))
    assert fields_of(got, "X-User") == []
    assert fields_of(got, "X-Verify") == ["FAILED:certificate has expired"]


async def test_host_can_be_fixed_and_the_client_still_gets_its_own_back(make_world: MakeWorld):
    world = make_world(
        request_headers={"set": {"Host": "app.internal"}},
        routes=[{"path": "/", "rewrite": {"location": "true"}}],
    )
    client = world.client()
    server = await world.forwarded(client)
    got = server.take()
    assert fields_of(got, "Host") == ["app.internal"]
    assert fields_of(got, "X-Forwarded-Host") == ["localhost"]
    server.feed(answer("Location: http://app.internal/x", "Content-Location: http://localhost/x"))
    head = client.read()
    assert fields_of(head, "Location") == ["http://app.internal/x"]


# Answers of the gate itself


async def test_a_fixed_response(make_world: MakeWorld):
    world = make_world(
        **answered_by_gate(respond={"body": "id $request_id", "content_type": "text/plain"})
    )
    client = world.client(None)
    client.send(request(path="/here") + request(method="HEAD", path="/here"))
    got = client.read()
    assert client.statuses() == [200, 200]
    assert f"id {world.log.records[0].request_id}".encode() in got
    assert got.endswith(b"\r\n\r\n")
    assert [record.body_bytes_sent for record in world.log.records] == [35, 0]
    assert world.log.records[0].upstream == ""


async def test_where_nobody_knows_how_to_escape_a_dollar_is_a_dollar(make_world: MakeWorld):
    respond = {"body": "$('p').hide()", "content_type": "application/javascript"}
    world = make_world(**answered_by_gate(respond=respond))
    client = world.client(None)
    client.send(request(path="/here"))
    assert client.read().endswith(b"\r\n\r\n$('p').hide()")


async def test_no_content_has_no_length(make_world: MakeWorld):
    world = make_world(**answered_by_gate(respond=204))
    client = world.client(None)
    client.send(request(path="/here"))
    got = client.read()
    assert b"Content-" not in got
    assert client.statuses() == [204]


@pytest.mark.parametrize(
    "path", ["/here//evil.example/", "/here/%5cevil.example", "//evil.example"]
)
async def test_a_redirect_never_leads_to_the_clients_choice(make_world: MakeWorld, path: str):
    world = make_world(routes=[{"path": "/", "redirect": {"to": "$request_uri", "status": 301}}])
    client = world.client()
    client.send(request(path=path))
    [location] = fields_of(client.read(), "Location")
    assert re.match(r"/[^/\\]", location)


async def test_a_redirect_of_http_1_0_without_host_is_a_400(make_world: MakeWorld):
    world = make_world(**answered_by_gate(redirect="https://$host$request_uri"))
    client = world.client(None)
    client.send(b"GET /here HTTP/1.0\r\n\r\n")
    assert client.statuses() == [400]


async def test_an_upload_to_a_fixed_response_is_answered_and_ends_the_connection(
    make_world: MakeWorld,
):
    world = make_world(**answered_by_gate(respond={"status": 410}))
    client = world.client(None)
    client.send(request("Content-Length: 9", method="POST", path="/here"))
    assert client.statuses() == [410]
    assert b"Connection: close" in client.got


async def test_rules_change_what_the_operator_wrote_but_not_what_a_page_needs(
    make_world: MakeWorld,
):
    """A refusal that a browser may keep would outlive the missing certificate."""
    world = make_world(
        response_headers={
            "set": {"Cache-Control": "max-age=60", "X-Request-ID": "x"},
            "add": {"Strict-Transport-Security": "max-age=1"},
            "remove": "X-Content-Type-Options",
        },
        routes=[{"path": "/here", "access": "public", "respond": "200"}, {"path": "/"}],
    )
    client = world.client(None)
    client.send(request(path="/here"))
    fixed = client.read()
    client.send(request())
    refusal = client.read()
    assert fields_of(fixed, "Cache-Control") == ["max-age=60"]
    assert fields_of(fixed, "X-Content-Type-Options") == []
    assert fields_of(refusal, "Cache-Control") == ["no-store"]
    assert fields_of(refusal, "X-Content-Type-Options") == ["nosniff"]
    for got in (fixed, refusal):
        assert len(fields_of(got, "X-Request-ID")) == 1
        assert fields_of(got, "Strict-Transport-Security") == ["max-age=1"]


# Error pages


@pytest.fixture
def pages(tmp_path: Path) -> dict[str, Any]:
    for name, text in {
        "403.html": "<p>who? $request_id $code",
        "4xx.html": "<p>$status",
        "5xx.html": "<p>down",
    }.items():
        (tmp_path / name).write_text(text)
    return {"error_pages": {"403": "403.html", "4xx": "4xx.html", "5xx": "5xx.html"}}


async def test_an_error_page_stands_in_for_a_refusal_in_html(
    make_world: MakeWorld, pages: dict[str, Any]
):
    world = make_world(**pages)
    client = world.client(None)
    client.send(request(HTML))
    got = client.read()
    record = world.log.records[0]
    assert client.statuses() == [403]
    assert got.endswith(f"<p>who? {record.request_id} certificate_missing".encode())
    assert fields_of(got, "Cache-Control") == ["no-store"]
    assert fields_of(got, "Content-Security-Policy") == []


async def test_programs_still_get_the_reason(make_world: MakeWorld, pages: dict[str, Any]):
    world = make_world(**pages)
    client = world.client(None)
    client.send(request("Accept: application/json"))
    assert b'"certificate_missing"' in client.read()


async def test_with_no_detail_the_page_does_not_tell_the_code(
    make_world: MakeWorld, pages: dict[str, Any]
):
    client_auth = {"ca": "ca.crt", "crl": "crl.pem", "detail": "none"}
    world = make_world(**pages, client_auth=client_auth)
    client = world.client("expired")
    client.send(request(HTML))
    assert b"expired" not in client.read()


async def test_an_app_that_is_down_has_its_page(make_world: MakeWorld, pages: dict[str, Any]):
    world = make_world(**pages)
    client = world.client()
    (await world.forwarded(client, request(HTML))).reset()
    await settle()
    assert client.read().endswith(b"<p>down")
    assert client.statuses() == [502]
    assert b"Retry-After: 5" in client.got


async def test_the_apps_errors_pass_unless_they_are_intercepted(
    make_world: MakeWorld, pages: dict[str, Any]
):
    world = make_world(**pages)
    client = world.client()
    server = await world.forwarded(client, request(HTML))
    server.feed(answer(status="500 Oops", body=b"Traceback"))
    assert client.read().endswith(b"Traceback")


@pytest.mark.parametrize("sent", [b"Traceback", b"Trace"])
async def test_an_intercepted_error_shows_nothing_of_the_apps(
    make_world: MakeWorld, pages: dict[str, Any], sent: bytes
):
    """Whether all of it is there or not."""
    world = make_world(**pages, intercept_errors="true")
    client = world.client()
    server = await world.forwarded(client, request(HTML))
    head = b"HTTP/1.1 500 Oops\r\nX-Secret: 1\r\nContent-Length: 9\r\n\r\n"
    server.feed(head + sent)
    got = client.read()
    assert got.endswith(b"<p>down")
    assert b"Secret" not in got
    assert b"Trace" not in got
    [record] = world.log.records
    assert (record.status, record.upstream_status, record.error) == (500, 500, "")
    client.send(request())
    await settle()
    assert len(world.log.records) == 1
    assert len(world.servers) == (1 if sent == b"Traceback" else 2)


async def test_an_intercepted_401_keeps_its_challenge(make_world: MakeWorld, pages: dict[str, Any]):
    world = make_world(**pages, intercept_errors="true")
    client = world.client()
    server = await world.forwarded(client, request("Accept: application/problem+json"))
    server.feed(answer("WWW-Authenticate: Basic", status="401 No"))
    got = client.read()
    assert fields_of(got, "WWW-Authenticate") == ["Basic"]
    assert b'"upstream_error"' in got


async def test_what_has_no_page_is_not_intercepted(make_world: MakeWorld, pages: dict[str, Any]):
    world = make_world(**pages, intercept_errors="true")
    client = world.client()
    server = await world.forwarded(client)
    server.feed(OK)
    assert client.statuses() == [200]
