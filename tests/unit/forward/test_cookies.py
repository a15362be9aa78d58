"""Cookies: one attribute changes, the rest stays byte for byte."""

from __future__ import annotations

import pytest

from proxy.forward.cookies import CookieMapping
from proxy.forward.path_mapping import PathMapping

PATHS = CookieMapping(PathMapping.between("/app", "/"), {})
DEEPER = CookieMapping(PathMapping.between("/app", "/api"), {})
DOMAINS = CookieMapping(None, {b"app.internal": b"app.example.com"})


@pytest.mark.parametrize(
    ("mapping", "value", "wanted"),
    [
        (PATHS, b"a=b; Path=/", b"a=b; Path=/app/"),
        (PATHS, b"a=b;path=/x;Secure", b"a=b;path=/app/x;Secure"),
        (PATHS, b"a=b; PATH = /x ; HttpOnly", b"a=b; PATH =/app/x; HttpOnly"),
        (PATHS, b"a=b; Path=/x; Path=/y", b"a=b; Path=/app/x; Path=/app/y"),
        (DEEPER, b"a=b; Path=/api/x", b"a=b; Path=/app/x"),
        (DOMAINS, b"a=b; Domain=app.internal; Path=/", b"a=b; Domain=app.example.com; Path=/"),
        (DOMAINS, b"a=b; domain= .APP.internal ", b"a=b; domain=app.example.com"),
    ],
)
def test_what_is_the_apps_becomes_the_clients(mapping: CookieMapping, value: bytes, wanted: bytes):
    assert mapping.cookie(value) == wanted


@pytest.mark.parametrize(
    ("mapping", "value"),
    [
        (PATHS, b"a=b"),
        (PATHS, b""),
        (PATHS, b"Path=/"),
        (PATHS, b"a=b; Path"),
        (PATHS, b"a=b; Path=x"),
        (PATHS, b"a=b; Path=/app/x"),
        (PATHS, b"a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT;; =;x"),
        (PATHS, b"__Host-a=b; Path=/; Secure"),
        (PATHS, b" __host-a=b; Path=/"),
        (DEEPER, b"a=b; Path=/"),
        (DEEPER, b"a=b; Path=/apix"),
        (DOMAINS, b"a=b; Domain=x.app.internal; Path=/"),
        (DOMAINS, b"a=b; Domain"),
    ],
)
def test_what_is_not_stays(mapping: CookieMapping, value: bytes):
    """A __Host- cookie with another path than the root would be thrown away by the browser."""
    assert mapping.cookie(value) == value
