"""The route table: who is chosen, what is forwarded, and what is refused as ambiguous."""

from __future__ import annotations

import re

import pytest

from proxy.routing.path import TargetError
from proxy.routing.table import Route, RouteTable

HOST = b"app.example.com"


def table(*routes: tuple[str, str, str]) -> RouteTable[str]:
    """Build a table from (host, path, access); the payload is host plus path."""
    return RouteTable(Route(host, path, access, host + path) for host, path, access in routes)


def chosen(routes: RouteTable[str], host: bytes, target: bytes) -> str | None:
    match = routes.match(host, target)
    return match and match.payload


ONE_APP = table(("", "/", "verified"))
GUARDED = table(
    ("", "/", "verified"),
    ("", "/public", "public"),
    ("", "/healthz", "public"),
    ("", "/public/admin", "verified"),
)


@pytest.mark.parametrize(
    ("target", "payload"),
    [
        (b"/", "/"),
        (b"/x", "/"),
        (b"/healthz", "/healthz"),
        (b"/healthz/", "/healthz"),
        (b"/healthz/x", "/healthz"),
        (b"/healthz?x=/public", "/healthz"),
        (b"/healthz-admin", "/"),
        (b"/healthzz", "/"),
        (b"/public/x", "/public"),
        (b"/public/admin", "/public/admin"),
        (b"/public/admin/x", "/public/admin"),
        (b"/public/adminx", "/public"),
        (b"/public/../admin", "/"),
        (b"/x/../public/./y", "/public"),
        (b"/%70ublic", "/public"),
    ],
)
def test_the_longest_prefix_of_whole_segments_counts(target: bytes, payload: str):
    assert chosen(GUARDED, HOST, target) == payload


@pytest.mark.parametrize("path", ["/static", "/static/"])
@pytest.mark.parametrize("target", [b"/static", b"/static/", b"/static/x", b"/static?x"])
def test_a_trailing_slash_makes_no_difference_to_a_prefix(path: str, target: bytes):
    assert chosen(table(("", path, "verified")), HOST, target) == path


def test_the_most_specific_host_counts_before_the_longest_path():
    routes = table(
        ("app.example.com", "/", "a"),
        ("*.example.com", "/long/path", "a"),
        ("", "/long/path/indeed", "a"),
    )
    assert chosen(routes, b"app.example.com", b"/long/path/indeed") == "app.example.com/"
    assert chosen(routes, b"x.example.com", b"/long/path/indeed") == "*.example.com/long/path"
    assert chosen(routes, b"other.test", b"/long/path/indeed") == "/long/path/indeed"


def test_what_a_specific_host_does_not_take_falls_to_the_next():
    routes = table(("app.example.com", "/a", "x"), ("*.example.com", "/b", "x"), ("", "/c", "x"))
    assert chosen(routes, HOST, b"/a") == "app.example.com/a"
    assert chosen(routes, HOST, b"/b") == "*.example.com/b"
    assert chosen(routes, HOST, b"/c") == "/c"
    assert chosen(routes, HOST, b"/d") is None


@pytest.mark.parametrize(
    ("host", "payload"),
    [
        (b"a.example.com", "*.example.com/"),
        (b"A.EXAMPLE.com.:8443", "*.example.com/"),
        (b"a.b.example.com", None),
        (b"example.com", None),
        (b"aexample.com", None),
        (b"", None),
    ],
)
def test_a_wildcard_stands_for_exactly_one_label(host: bytes, payload: str | None):
    assert chosen(table(("*.example.com", "/", "x")), host, b"/") == payload


def test_a_wildcard_needs_a_label():
    assert chosen(table(("*.example.com", "/", "x")), b".example.com", b"/") is None


def test_an_ipv6_host_is_found_with_brackets_and_port():
    assert chosen(table(("::1", "/", "x")), b"[::1]:8443", b"/") == "::1/"


def test_without_a_route_there_is_no_match():
    assert table().match(HOST, b"/") is None
    assert table(("", "/a", "x")).match(HOST, b"/b") is None
    assert table(("", "/a", "x")).match(HOST, b"/b%2Fc") is None
    assert table(("other.test", "/", "x")).match(HOST, b"/") is None


@pytest.mark.parametrize(
    "target",
    [
        b"/a%2Fb",
        b"/a;b=c/d",
        b"/a\\b",
        b"/..%2f..%2fetc/passwd",
        b"/x/%252e%252e/y",
        b"/A/b",
        b"/..;/x?q=1",
        b"/%25" + b"25" * 500,
        b"/;" + b"x" * 30_000,
    ],
)
def test_an_app_behind_one_route_sees_every_spelling_untouched(target: bytes):
    assert ONE_APP.match(HOST, target) == ("/", target)


def test_routes_with_one_access_are_never_ambiguous():
    """Two apps, both for verified clients: nothing can be got around."""
    routes = table(("", "/", "verified"), ("", "/b", "verified"))
    assert chosen(routes, HOST, b"/b/..%2fc") == "/b"
    assert chosen(routes, HOST, b"/B/c") == "/"


@pytest.mark.parametrize(
    ("target", "forward"),
    [
        (b"/a//b/../c?x=//../y", b"/a/c?x=//../y"),
        (b"/a%2Fb/./c?%zz", b"/a%2Fb/c?%zz"),
        (b"/a/..?", b"/?"),
        (b"/a?b?c", b"/a?b?c"),
        (b"/a/./b", b"/a/b"),
    ],
)
def test_the_normalised_path_is_forwarded_and_the_query_untouched(target: bytes, forward: bytes):
    assert ONE_APP.match(HOST, target) == ("/", forward)


@pytest.mark.parametrize(
    "target",
    [
        b"/public/..%2fadmin",
        b"/public%2f..%2fadmin",
        b"/public/..;/admin",
        b"/public/..;x=y/admin",
        b"/public/%252e%252e/admin",
        b"/public/..%252fadmin",
        b"/public/..\\admin",
        b"/public\\..\\admin",
        b"/public/..%5cadmin",
        b"/public/ADMIN",
        b"/public/Admin/x",
        b"/public/admin;x",
        b"/public/;/admin",
        b"/public/%2Fadmin",
        b"/public/admin%3Fx",
        b"/public/admin%23x",
        b"/public/%61dmin%2f",
        b"/public;x",
        b"/PUBLIC",
        b"/healthz%2f..%2fadmin",
    ],
)
def test_a_path_that_an_app_may_read_past_the_rule_is_refused(target: bytes):
    with pytest.raises(TargetError, match="ambiguous path"):
        GUARDED.match(HOST, target)


@pytest.mark.parametrize(
    "target", [b"/public/a%2Fb", b"/public/x;y=z", b"/public/A/B", b"/x%2Fy", b"/public/100%25"]
)
def test_a_path_whose_readings_agree_passes_a_guarded_table(target: bytes):
    assert GUARDED.match(HOST, target).forward == target


def test_a_reading_that_no_route_takes_is_another_access():
    """With a single public folder and nothing else, /public/..%2fadmin must not reach the app."""
    routes = table(("", "/public", "public"))
    with pytest.raises(TargetError, match="ambiguous path"):
        routes.match(HOST, b"/public/..%2fadmin")


def test_readings_are_compared_across_the_host_s_whole_chain():
    """The stricter route of another host pattern counts as well."""
    routes = table(("app.example.com", "/Admin", "verified"), ("", "/", "public"))
    assert chosen(routes, HOST, b"/Admin") == "app.example.com/Admin"
    assert chosen(routes, b"other.test", b"/admin") == "/"
    with pytest.raises(TargetError, match="ambiguous path"):
        routes.match(HOST, b"/admin")


@pytest.mark.parametrize("target", [b"", b"*", b"/..", b"/%00", b"?x", b"app/x"])
def test_a_malformed_path_is_refused_whatever_the_routes(target: bytes):
    for routes in (ONE_APP, GUARDED, table()):
        with pytest.raises(TargetError):
            routes.match(HOST, target)


@pytest.mark.parametrize(
    ("routes", "message"),
    [
        ([("", "/a", "x"), ("", "/a/", "y")], "two routes for every host and /a/"),
        ([("h", "/a", "x"), ("h", "/a", "x")], "two routes for h and /a"),
        ([("", "/a", "x"), ("", "/A", "y")], "/A differs from another route in letter case"),
        ([("", "a", "x")], "'a' does not begin with a slash"),
        ([("", "", "x")], "'' does not begin with a slash"),
        ([("", "/%41", "x")], "'/%41' does not mean one thing only"),
        ([("", "/a;b", "x")], "'/a;b' does not mean one thing only"),
        ([("", "/a//b", "x")], "'/a//b' does not mean one thing only"),
        ([("", "/a/..", "x")], "'/a/..' does not mean one thing only"),
        ([("", "/a\\b", "x")], "does not mean one thing only"),
        ([("", "/a?b", "x")], "does not mean one thing only"),
    ],
)
def test_routes_that_cannot_be_told_apart_do_not_compile(
    routes: list[tuple[str, str, str]], message: str
):
    with pytest.raises(ValueError, match=re.escape(message)):
        table(*routes)


def test_routes_that_differ_in_case_only_are_fine_with_one_access():
    routes = table(("", "/a", "x"), ("", "/A", "x"))
    assert chosen(routes, HOST, b"/A") == "/A"


def test_ten_thousand_routes_are_found_without_a_scan():
    """Each look-up compares a handful of dict keys; all 10,000 of them take well under a second."""
    routes = table(*[(f"h{n % 100}.test", f"/a/r{n}", "x") for n in range(10_000)])
    for n in range(10_000):
        host = b"h%d.test" % (n % 100)
        assert chosen(routes, host, b"/a/r%d/x" % n) == f"h{n % 100}.test/a/r{n}"
