"""Redirects: to where the operator says, whatever the client writes."""

from __future__ import annotations

import pytest

from proxy.errors import CertgateError
from proxy.observe.access_record import AccessRecord, LoggedClient
from proxy.observe.redirect_target import RedirectTarget


def location(text: str, target: bytes = b"/x?y", host: bytes = b"gate.example:8443") -> bytes:
    record = AccessRecord("192.0.2.7", LoggedClient(server_port=8443))
    record.target, record.host = target, host
    return RedirectTarget(text)(record)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://other.example", b"https://other.example"),
        ("https://other.example/a?b#c", b"https://other.example/a?b#c"),
        ("https://other.example$request_uri", b"https://other.example/x?y"),
        ("https://$host/new$request_uri", b"https://gate.example/new/x?y"),
        ("https://$http_host$uri", b"https://gate.example:8443/x"),
        ("$scheme://${host}:${server_port}${uri}?$args", b"https://gate.example:8443/x?y"),
        ("https://www.$host/", b"https://www.gate.example/"),
        ("https://[::1]:8443/?next=$uri", b"https://[::1]:8443/?next=/x"),
        ("/new", b"/new"),
        ("/", b"/"),
        ("/new$request_uri", b"/new/x?y"),
        ("$uri?again=1", b"/x?again=1"),
        ("/a b", b"/a%20b"),
    ],
)
def test_a_target_is_made_of_text_and_variables(text: str, wanted: bytes):
    assert location(text) == wanted


@pytest.mark.parametrize(
    ("text", "target", "wanted"),
    [
        ("$request_uri", b"//evil.example/x", b"/evil.example/x"),
        ("$request_uri", b"/\\evil.example/x", b"/evil.example/x"),
        ("$uri", b"//evil.example/", b"/evil.example/"),
        ("/$arg_a", b"/?a=/evil.example", b"/evil.example"),
        ("/$arg_a", b"/?a=\\/evil.example", b"/evil.example"),
        ("https://$host$request_uri", b"//evil.example", b"https://gate.example//evil.example"),
        ("https://$host$request_uri", b"*", b"https://gate.example/*"),
        ("$request_uri", b"*", b"/*"),
        ("/x?a=$arg_a", b"/?a=%0d%0aSet-Cookie:x", b"/x?a=%0d%0aSet-Cookie:x"),
        ("$request_uri", b"/\xff\r\n", b"/%FF%0D%0A"),
    ],
)
def test_what_the_client_writes_names_no_other_site(text: str, target: bytes, wanted: bytes):
    assert location(text, target) == wanted


def test_an_ipv6_address_keeps_its_brackets():
    assert location("https://$host/x", host=b"[::1]:8443") == b"https://[::1]/x"
    assert location("https://$host:8444/x", host=b"[0::1]") == b"https://[::1]:8444/x"


@pytest.mark.parametrize("text", ["https://$host$request_uri", "https://$http_host/x"])
def test_without_the_host_that_it_needs_there_is_no_target(text: str):
    """A browser would take https:///evil.example/ for the host evil.example."""
    assert location(text, b"/evil.example/", b"") == b""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "new",
        "//evil.example/",
        "/\\evil.example/",
        "$arg_next",
        "${arg_next}",
        "$args",
        "https://$arg_host/",
        "https://$host$arg_x",
        "https://other.example$args",
        "https://$hosts/",
        "$request_uris",
        "https://",
        "https:///x",
        "https://user@other.example/",
        "javascript:alert(1)",
        "ftp://other.example/",
        "/x$nope",
        "/é",
        "/a\nb",
    ],
)
def test_what_could_lead_to_a_site_of_the_clients_choice_is_refused(text: str):
    with pytest.raises(CertgateError):
        RedirectTarget(text)
