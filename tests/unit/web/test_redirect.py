"""Where a plain request is sent."""

from __future__ import annotations

import pytest

from proxy.http1.head import RequestParser
from proxy.web.redirect import redirect


@pytest.mark.parametrize(
    ("line", "host", "port", "status", "location"),
    [
        ("GET /a?b=c", "example.com", 443, 301, "https://example.com/a?b=c"),
        ("HEAD /", "example.com", 443, 301, "https://example.com/"),
        ("POST /form", "example.com", 443, 308, "https://example.com/form"),
        ("GET /", "example.com:8080", 443, 301, "https://example.com/"),
        ("GET /", "example.com:8080", 8443, 301, "https://example.com:8443/"),
        ("GET /", "[::1]:8080", 8443, 301, "https://[::1]:8443/"),
        ("GET /", "[::1]", 443, 301, "https://[::1]/"),
        ("GET //evil.example/", "example.com", 443, 301, "https://example.com//evil.example/"),
        ("GET /@evil.example", "example.com", 443, 301, "https://example.com/@evil.example"),
        ("GET http://example.com/x", "example.com", 443, 301, "https://example.com/x"),
        ("OPTIONS *", "example.com", 443, 308, "https://example.com"),
    ],
)
def test_the_same_place_over_https(line: str, host: str, port: int, status: int, location: str):
    head = f"{line} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    request = RequestParser(10).parse(head)
    found, page = redirect(request, port)
    assert found == status
    assert dict(page.fields)[b"Location"] == location.encode()
