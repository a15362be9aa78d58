"""The other readings of a path: every trick that an app may fall for is among them."""

from __future__ import annotations

import pytest

from proxy.routing.path import TargetError
from proxy.routing.readings import MAX_LENGTH, readings


@pytest.mark.parametrize(
    "path", [b"/", b"/a/b", b"/a.b/", b"/...", b"/caf\xc3\xa9", b'/"x"', b"/.well-known/x"]
)
def test_a_path_without_special_characters_has_one_reading(path: bytes):
    assert readings(path) == {path}


def test_harmless_encoding_has_one_reading_too():
    assert readings(b"/caf%C3%A9%20%61") == {"/café a".encode()}


@pytest.mark.parametrize(
    ("path", "reading"),
    [
        (b"/public/..%2fadmin", b"/admin"),
        (b"/public/..%2fadmin", b"/public/..%2Fadmin"),
        (b"/public%2f..%2Fadmin", b"/admin"),
        (b"/public/..;/admin", b"/admin"),
        (b"/public/..;a=b;c/admin", b"/admin"),
        (b"/public/..%3B/admin", b"/admin"),
        (b"/public/.;/admin", b"/public/admin"),
        (b"/;x/admin", b"/admin"),
        (b"/;x/admin", b"//admin"),
        (b"/admin;x", b"/admin"),
        (b"/public\\..\\admin", b"/admin"),
        (b"/public%5c..%5Cadmin", b"/admin"),
        (b"/public/%252e%252e/admin", b"/admin"),
        (b"/public/%252e%252e%252fadmin", b"/admin"),
        (b"/public/%25252e%25252e/admin", b"/admin"),
        (b"/public/..%255cadmin", b"/admin"),
        (b"/admin%3fx", b"/admin"),
        (b"/admin%3Fx/y", b"/admin"),
        (b"/admin%23x", b"/admin"),
        (b"/admin%2500.js", b"/admin"),
        (b"/%2Fadmin", b"/admin"),
        (b"/%2Fadmin", b"//admin"),
        (b"/x%2F..%2F..%2Fadmin", b"/admin"),
        (b"/a/x%2F%2F../admin", b"/a/x/admin"),
        (b"/a/x%2F%2F../admin", b"/a/admin"),
        (b"/public/..;%2fadmin", b"/public/.."),
        (b"/a%2f..;/b", b"/b"),
    ],
)
def test_what_some_app_makes_of_a_path_is_among_its_readings(path: bytes, reading: bytes):
    assert reading in readings(path)


def test_a_reading_holds_at_the_root():
    assert b"/etc" in readings(b"/..%2f..%2f..%2fetc")


def test_resolving_the_last_segment_leaves_a_folder():
    assert b"/a/" in readings(b"/a/b%2f..")


def test_a_suspicious_path_that_is_too_long_is_refused():
    assert readings(b"/" + b"x" * MAX_LENGTH)
    with pytest.raises(TargetError, match="too long"):
        readings(b"/;" + b"x" * MAX_LENGTH)


def test_a_path_with_too_many_meanings_is_refused():
    with pytest.raises(TargetError, match="too many meanings"):
        readings(b"/%" + b"25" * 200 + b"41")
