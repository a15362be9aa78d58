"""URLs in the app's responses: those that lead to the app become the client's."""

from __future__ import annotations

import pytest

from proxy.forward.location import LocationMapping, plain_authority
from proxy.forward.path_mapping import PathMapping

SERVERS = frozenset({b"127.0.0.1:3000", b"app"})
HOSTS = (b"gate.example:8443", b"app.internal")
STRIPPING = LocationMapping(PathMapping.between("/app", "/"), SERVERS)
DEEPER = LocationMapping(PathMapping.between("/app", "/api"), SERVERS)
ROOT = LocationMapping(PathMapping.between("/", "/api"), SERVERS)


@pytest.mark.parametrize(
    ("mapping", "value", "wanted"),
    [
        (STRIPPING, b"/login?next=/x", b"/app/login?next=/x"),
        (STRIPPING, b"http://127.0.0.1:3000/x", b"/app/x"),
        (STRIPPING, b"HTTP://127.0.0.1:3000", b"/app/"),
        (STRIPPING, b"http://app/x", b"/app/x"),
        (STRIPPING, b"https://APP:443?x", b"/app/?x"),
        (STRIPPING, b"http://app:80/x#y", b"/app/x#y"),
        (STRIPPING, b"//app/x", b"/app/x"),
        (STRIPPING, b"http://gate.example:8443/x", b"/app/x"),
        (STRIPPING, b"https://app.internal/x", b"/app/x"),
        (STRIPPING, b"http://app/app/x", b"/app/x"),
        (DEEPER, b"/api/x", b"/app/x"),
        (DEEPER, b"https://gate.example:8443/api/x", b"/app/x"),
        (ROOT, b"http://app/api/x", b"/x"),
    ],
)
def test_what_leads_to_the_app_leads_to_the_route(
    mapping: LocationMapping, value: bytes, wanted: bytes
):
    assert mapping.location(value, HOSTS) == wanted


@pytest.mark.parametrize(
    ("mapping", "value"),
    [
        (STRIPPING, b"https://elsewhere.example/x"),
        (STRIPPING, b"https://user@app/x"),
        (STRIPPING, b"http://app.evil.example/x"),
        (STRIPPING, b"//evil.example/x"),
        (STRIPPING, b"/\\evil.example/x"),
        (STRIPPING, b"http://app\\@evil.example/x"),
        (STRIPPING, b"login"),
        (STRIPPING, b"../x"),
        (STRIPPING, b"?x"),
        (STRIPPING, b"mailto:a@b"),
        (STRIPPING, b""),
        (STRIPPING, b"/app/x"),
        (STRIPPING, b"http://gate.example:8443/app/x"),
        (DEEPER, b"/other"),
        (DEEPER, b"http://app/other"),
        (DEEPER, b"https://gate.example:8443/other"),
        (ROOT, b"http://app/api//evil.example/"),
        (ROOT, b"/api//evil.example/"),
    ],
)
def test_everything_else_stays_as_it_is(mapping: LocationMapping, value: bytes):
    assert mapping.location(value, HOSTS) == value


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (b"5; url=/x", b"5; url=/app/x"),
        (b"0;URL='http://app/x'", b"0;URL='/app/x'"),
        (b'3, Url = "/x" ; y', b'3, Url = "/app/x" ; y'),
        (b"5", b"5"),
        (b"5; /x", b"5; /x"),
        (b"5; url=https://elsewhere.example/", b"5; url=https://elsewhere.example/"),
        (b"5; url='/x", b"5; url='/app/x"),
    ],
)
def test_refresh_holds_a_url_as_well(value: bytes, wanted: bytes):
    assert STRIPPING.refresh(value, HOSTS) == wanted


@pytest.mark.parametrize(
    ("authority", "plain"),
    [
        (b"A.Example", b"a.example"),
        (b"a:80", b"a"),
        (b"a:443", b"a"),
        (b"[::1]:8080", b"[::1]:8080"),
    ],
)
def test_a_port_that_goes_without_saying(authority: bytes, plain: bytes):
    assert plain_authority(authority) == plain
