"""What a CA issued, without its key."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from proxy.ca.clock import to_epoch
from proxy.ca.registry import Registry
from proxy.ca.store.records import Filter, Status
from proxy.errors import CertgateError
from tests.authorities import Clock, client, make_authority, record_of

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.authority import Authority


def test_it_opens_without_a_passphrase(authority: Authority):
    authority.issue(client())
    with Registry.open(authority.registry.folder.path) as registry:
        assert [record.subject for record in registry.certificates(Filter())] == ["CN=alice,O=Acme"]
        assert registry.describe() == "CN=Test CA"


def test_it_opens_without_the_key_at_all(authority: Authority):
    """The key may lie on a stick; list and show work without it."""
    authority.registry.folder.key.unlink()
    with Registry.open(authority.registry.folder.path) as registry:
        assert registry.warnings() == []


def test_certificate_and_store_of_different_authorities_are_told_apart(
    authority: Authority, tmp_path: Path
):
    make_authority(tmp_path / "other", subject=client("Other CA").subject).close()
    authority.close()
    shutil.copy(tmp_path / "other" / "ca.db", tmp_path / "ca" / "ca.db")
    with pytest.raises(CertgateError, match="the two belong to different CAs"):
        Registry.open(tmp_path / "ca")


def test_the_filters_let_through_what_they_say(authority: Authority, clock: Clock):
    from datetime import timedelta

    authority.issue(client("soon", lifetime=timedelta(days=5)))
    authority.issue(client("later", lifetime=timedelta(days=50)))
    authority.issue(client("gone", lifetime=timedelta(days=5)))
    authority.revocation.revoke([record_of(authority, 3)], "superseded")

    def serials(wanted: Filter) -> list[int]:
        return [record.serial for record in authority.registry.certificates(wanted)]

    assert serials(Filter()) == [1, 2, 3]
    assert serials(Filter(revoked=True)) == [3]
    assert serials(Filter(search="LATER")) == [2]
    assert serials(Filter(search="%")) == []
    in_ten_days = to_epoch(clock()) + 10 * 86400
    assert serials(Filter(expiring_before=in_ten_days)) == [1]
    clock.advance(days=6)
    assert serials(Filter(expiring_before=in_ten_days)) == []
    statuses = [
        record.status(to_epoch(clock())) for record in authority.registry.certificates(Filter())
    ]
    assert statuses == [Status.EXPIRED, Status.VALID, Status.REVOKED]


def test_a_search_finds_alternative_names_and_unicode(authority: Authority):
    from proxy.ca.names import parse_alternative_name

    names = (parse_alternative_name("email:j@example.com"),)
    authority.issue(client("Jürgen", alternative_names=names))
    for text in ("Jürgen", "@example.com", "c3\\bc"):
        assert len(list(authority.registry.certificates(Filter(search=text)))) == 1


def test_names_are_completed(authority: Authority):
    for name in ("alice", "albert", "albert", "bob", "al%"):
        authority.issue(client(name))
    assert authority.registry.complete("al") == ["al%", "albert", "alice"]
    assert authority.registry.complete("al%") == ["al%"]
