"""The same type for the same name on every machine."""

from __future__ import annotations

import re

import pytest

from proxy.forward import media_types
from proxy.forward.media_types import UNKNOWN, media_type


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (b"index.html", b"text/html; charset=utf-8"),
        (b"INDEX.HTML", b"text/html; charset=utf-8"),
        (b"a.min.js", b"text/javascript; charset=utf-8"),
        (b"notes.txt", b"text/plain; charset=utf-8"),
        (b"data.json", b"application/json"),
        (b"logo.svg", b"image/svg+xml"),
        (b"site.tar.gz", b"application/gzip"),
        (b"README", UNKNOWN),
        (b"html", UNKNOWN),
        (b"a.", UNKNOWN),
        (b"a.unheard-of", UNKNOWN),
        (b"a.html\xff", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_the_last_extension_decides(name: bytes, expected: bytes):
    assert media_type(name) == expected


def test_every_type_can_stand_in_a_field():
    for value in media_types._BY_EXTENSION.values():
        assert re.fullmatch(rb"[a-z]+/[a-z0-9.+-]+(; charset=utf-8)?", value)


def test_no_extension_is_listed_twice():
    tables = (media_types._TEXT, media_types._OTHER)
    listed = [one for table in tables for names in table.values() for one in names.split()]
    assert len(listed) == len(set(listed)) == len(media_types._BY_EXTENSION)
