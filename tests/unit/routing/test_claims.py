"""Who else leads to a path of the app."""

from __future__ import annotations

import pytest

from proxy.routing.claims import Claims
from proxy.routing.path import TargetError

CLAIMS: Claims[str] = Claims(
    [(b"/", "root"), (b"/Admin/", "admin"), (b"/admin/open", "open"), (b"/admin/open/", "too")]
)


@pytest.mark.parametrize(
    ("path", "accesses"),
    [
        (b"/", {"root"}),
        (b"/x", {"root"}),
        (b"/Admin", {"admin"}),
        (b"/Admin/x", {"admin"}),
        (b"/administrator", {"root"}),
        # one app minds the letter case, the other does not
        (b"/admin", {"root", "admin"}),
        (b"/admin/open/x", {"open", "too"}),
        (b"/ADMIN/open", {"root", "open", "too"}),
        # one decodes the slash, the other does not
        (b"/Admin%2Fx", {"root", "admin"}),
        (b"/x/..%2fAdmin", {"root", "admin"}),
        (b"/%41dmin", {"admin"}),
        (b"/x;/..;/Admin", {"root", "admin"}),
    ],
)
def test_every_reading_counts(path: bytes, accesses: set[str]):
    assert CLAIMS.of(path) == accesses


def test_where_nobody_leads_there_is_no_claim():
    claims: Claims[str] = Claims([(b"/a/b", "one")])
    assert claims.of(b"/a") == frozenset()
    assert Claims([]).of(b"/a") == frozenset()


def test_a_path_that_is_too_long_to_try_every_reading_is_refused():
    with pytest.raises(TargetError):
        CLAIMS.of(b"/" + b"x" * 3000 + b"%2f")
