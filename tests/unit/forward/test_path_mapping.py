"""The way of a path from the client to the app, and back."""

from __future__ import annotations

import pytest

from proxy.forward.path_mapping import PathMapping
from proxy.routing.path import TargetError


@pytest.mark.parametrize(
    ("path", "upstream_path", "target", "wanted"),
    [
        ("/app", "/", b"/app", b"/"),
        ("/app/", "/", b"/app/", b"/"),
        ("/app", "/", b"/app/x/y/", b"/x/y/"),
        ("/app", "/", b"/app?q=/app", b"/?q=/app"),
        ("/app/", "/api/", b"/app", b"/api"),
        ("/app/", "/api/", b"/app/", b"/api/"),
        ("/app/", "/api", b"/app/x?", b"/api/x?"),
        ("/app", "/api", b"/%61%70p/%78", b"/api/%78"),
        ("/", "/api/", b"/", b"/api/"),
        ("/", "/api", b"/x", b"/api/x"),
        ("/", "/", b"/x", b"/x"),
        ("/a/b", "/c", b"/a/b/a/b", b"/c/a/b"),
        ("/old.html", "/new.html", b"/old.html", b"/new.html"),
        ("/café", "/", b"/caf%c3%a9/x", b"/x"),
        ("/app", "/api", b"/app/a%2Fb;c", b"/api/a%2Fb;c"),
    ],
)
def test_the_stem_takes_the_place_of_the_prefix(
    path: str, upstream_path: str, target: bytes, wanted: bytes
):
    assert PathMapping.between(path, upstream_path).forwarded(target) == wanted


@pytest.mark.parametrize("stem", ["/", "/api/", "/a/b"])
@pytest.mark.parametrize(
    "rest",
    [
        b"/..%2fadmin",
        b"/x/..%2f..%2fadmin",
        b"/..%5cadmin",
        b"/..;/admin",
        b"/x/..;v/..%3b/admin",
        b"/%252e%252e/admin",
        b"/..%2fapi/x",
        b"/x%2f%2f..%2f..%2fy",
        b"/" + b"x" * 3000 + b"%2f",
    ],
)
def test_no_reading_leads_out_of_the_stem_even_if_it_comes_back(stem: str, rest: bytes):
    with pytest.raises(TargetError):
        PathMapping.between("/app", stem).forwarded(b"/app" + rest)


@pytest.mark.parametrize(
    "rest", [b"/a%2F..%2Fb", b"/a/%2e%2eb", b"/a;b/c", b"/%7Eu", b"/a%2F.%2Fb"]
)
def test_what_stays_inside_in_every_reading_passes_as_it_is(rest: bytes):
    assert PathMapping.between("/app", "/api").forwarded(b"/app" + rest) == b"/api" + rest


@pytest.mark.parametrize(
    ("path", "upstream_path", "target", "expected"),
    [
        ("/app/", "/", b"/app", True),
        ("/app", "/api/", b"/app?x", True),
        ("/app", "/", b"/app/", False),
        ("/app", "/", b"/app/x", False),
        ("/app", "/api", b"/app", False),
        ("/", "/api/", b"/", False),
        ("/a/b", "/", b"/a/b", True),
    ],
)
def test_a_folder_ends_in_a_slash(path: str, upstream_path: str, target: bytes, expected: bool):
    assert PathMapping.between(path, upstream_path).lacks_slash(target) is expected


@pytest.mark.parametrize(
    ("path", "upstream_path", "reference", "wanted"),
    [
        ("/app", "/", b"/", b"/app/"),
        ("/app", "/", b"/x?y#z", b"/app/x?y#z"),
        ("/app", "/", b"/?y", b"/app/?y"),
        ("/app", "/", b"/app/x", b"/app/x"),  # it knows its prefix
        ("/app", "/", b"/app", b"/app"),
        ("/app", "/", b"/application", b"/app/application"),
        ("/app", "/api/", b"/api", b"/app"),
        ("/app", "/api/", b"/api/x", b"/app/x"),
        ("/app", "/api/", b"/api?x", b"/app?x"),
        ("/app", "/api/", b"/api#x", b"/app#x"),
        ("/app", "/api/", b"/apix", None),
        ("/app", "/api/", b"/other", None),
        ("/app", "/app/v1", b"/app/v1/x", b"/app/x"),
        ("/app", "/app/v1", b"/app/x", None),
        ("/", "/api", b"/api", b"/"),
        ("/", "/api", b"/api?x", b"/?x"),
        ("/", "/api", b"/api/x", b"/x"),
        ("/", "/api", b"/x", None),
        ("/", "/api", b"/api//evil.example", None),
        ("/", "/api", b"/api/\\evil.example", None),
        ("/", "/api", b"/api/\t/evil.example", None),
        ("/", "/api", b"/api\t/\t\\evil.example", None),
        ("/café", "/", b"/x", b"/caf%C3%A9/x"),
    ],
)
def test_the_way_back(path: str, upstream_path: str, reference: bytes, wanted: bytes | None):
    assert PathMapping.between(path, upstream_path).returned(reference) == wanted


def test_without_an_upstream_path_everything_is_as_it_was():
    mapping = PathMapping.unchanged("/a b")
    assert mapping.returned(b"/a%20b/x") == b"/a%20b/x"
    assert not mapping.lacks_slash(b"/a%20b")


@pytest.mark.parametrize(
    ("path", "upstream_path", "line"),
    [
        ("/app/", "/", b"X-Forwarded-Prefix: /app\r\n"),
        ("/é", "/", b"X-Forwarded-Prefix: /%C3%A9\r\n"),
        ("/app/", "/api/", b""),
        ("/", "/", b""),
    ],
)
def test_the_app_is_told_of_a_prefix_that_was_taken_off(path: str, upstream_path: str, line: bytes):
    assert PathMapping.between(path, upstream_path).own_line == line


@pytest.mark.parametrize(
    "upstream_path", ["", "api", "/a;b", "/%61", "/a//b", "/../b", "/é", "/a?b"]
)
def test_a_stem_means_one_thing_only(upstream_path: str):
    with pytest.raises(ValueError):
        PathMapping.between("/", upstream_path)
