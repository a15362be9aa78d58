"""Names are compared as DNS compares them, and a wildcard is one label."""

import pytest

from proxy.errors import CertgateError
from proxy.tls.names import ServerNames, canonical_name

NAMES = ServerNames(
    {"a.example": "a", "*.example": "any", "localhost": "local", "*.x.example": "x"}
)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (b"a.example", "a"),
        (b"A.EXAMPLE", "a"),
        (b"a.example.", "a"),
        (b"b.example", "any"),
        (b"b.x.example", "x"),
        (b"x.example", "any"),
        (b"c.b.x.example", None),
        (b"example", None),
        (b".example", "any"),
        (b"localhost", "local"),
        (b"a.example..", None),
        (b"", None),
        (None, None),
        (b"\xff\xfe.example", "any"),
    ],
)
def test_the_most_specific_name_wins(asked: bytes | None, found: str | None):
    assert NAMES.find(asked) == found


def test_no_names_are_false():
    assert NAMES
    assert not ServerNames({})


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Host.Example", "host.example"),
        ("host.example.", "host.example"),
        ("*.Example", "*.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("under_score.example", "under_score.example"),
        ("localhost", "localhost"),
    ],
)
def test_configured_names_get_one_form(name: str, canonical: str):
    assert canonical_name(name) == canonical


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "*",
        "*.",
        "a..b",
        "a.*.b",
        "w*.b",
        "bücher.example",
        "a b",
        "a:443",
        "a/b",
        "x" * 64,
    ],
)
def test_what_is_no_name_is_an_error(name: str):
    with pytest.raises(CertgateError, match="is not a server name"):
        canonical_name(name)
