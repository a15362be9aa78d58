"""Path normalisation: what is matched is what is forwarded."""

from __future__ import annotations

import pytest

from proxy.routing.path import TargetError, decode, decode_but_slashes, normalise_path


@pytest.mark.parametrize(
    "path",
    [b"/", b"/a", b"/a/", b"/a/b.c/d", b"/~u/@:!$&'()*+,=-_", b"/a.b/..c"[:4], b"/v1.2/x"],
)
def test_a_clean_path_is_forwarded_as_it_is(path: bytes):
    assert normalise_path(path).forward is path
    assert normalise_path(path).segments == tuple(path[1:].split(b"/"))


@pytest.mark.parametrize(
    ("raw", "forward"),
    [
        (b"/a/./b", b"/a/b"),
        (b"/a/../b", b"/b"),
        (b"/a/b/..", b"/a/"),
        (b"/a/b/.", b"/a/b/"),
        (b"/a/..", b"/"),
        (b"/.", b"/"),
        (b"//", b"/"),
        (b"//a///b//", b"/a/b/"),
        (b"/a/%2e%2E/b", b"/b"),
        (b"/a/.%2e/b", b"/b"),
        (b"/a/%2e/b", b"/a/b"),
        (b"/a//../b", b"/b"),
        (b"/.well-known/acme", b"/.well-known/acme"),
        (b"/...", b"/..."),
    ],
)
def test_dot_segments_and_empty_segments_are_resolved(raw: bytes, forward: bytes):
    assert normalise_path(raw).forward == forward


@pytest.mark.parametrize(
    ("raw", "segments"),
    [
        (b"/a%2Fb", (b"a/b",)),
        (b"/%61dmin", (b"admin",)),
        (b"/caf%C3%a9", (b"caf\xc3\xa9",)),
        (b"/caf\xc3\xa9", (b"caf\xc3\xa9",)),
        (b"/a;b=c/d", (b"a;b=c", b"d")),
        (b"/a%252e", (b"a%2e",)),
        (b"/..%2f..%2fetc", (b"../../etc",)),
        (b'/"<>^`{|}', (b'"<>^`{|}',)),
    ],
)
def test_segments_are_decoded_once_and_forwarded_undecoded(raw: bytes, segments: tuple[bytes]):
    assert normalise_path(raw) == (segments, raw)


def test_what_is_resolved_keeps_the_client_s_encoding():
    assert normalise_path(b"/x/../a%2Fb;c//%7Eu").forward == b"/a%2Fb;c/%7Eu"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "path does not begin with a slash"),
        (b"*", "path does not begin with a slash"),
        (b"a/b", "path does not begin with a slash"),
        (b"/..", "path climbs above the root"),
        (b"/a/../../b", "path climbs above the root"),
        (b"/%2e%2e/etc", "path climbs above the root"),
        (b"//..//x", "path climbs above the root"),
        (b"/a b", "path contains a character that has to be encoded"),
        (b"/a\tb", "path contains a character that has to be encoded"),
        (b"/a\x00", "path contains a character that has to be encoded"),
        (b"/a\x7f", "path contains a character that has to be encoded"),
        (b"/a#b", "path contains a character that has to be encoded"),
        (b"/a?b", "path contains a character that has to be encoded"),
        (b"/%", "path contains a percent sign without two hexadecimal digits"),
        (b"/%4", "path contains a percent sign without two hexadecimal digits"),
        (b"/%zz", "path contains a percent sign without two hexadecimal digits"),
        (b"/%u0041", "path contains a percent sign without two hexadecimal digits"),
        (b"/%00", "path contains an encoded control character"),
        (b"/a%0d%0aX:y", "path contains an encoded control character"),
        (b"/%1F", "path contains an encoded control character"),
        (b"/%7f", "path contains an encoded control character"),
    ],
)
def test_a_path_that_cannot_be_right_is_refused(raw: bytes, reason: str):
    with pytest.raises(TargetError) as caught:
        normalise_path(raw)
    assert caught.value.reason == reason


def test_a_target_error_does_not_repeat_the_client_s_bytes():
    """Reasons go to logs and pages; the attacker's text does not."""
    with pytest.raises(TargetError) as caught:
        normalise_path(b"/<script>%zz")
    assert "script" not in str(caught.value)


def test_decoding_happens_once():
    assert decode(b"%2541%41%zz") == b"%41A%zz"
    assert decode(b"plain") == b"plain"


def test_decoding_can_leave_slashes():
    assert decode_but_slashes(b"%2f%2F%41%252F") == b"%2F%2FA%2F"
