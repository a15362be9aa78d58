"""Revoking, taking back, publishing."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from proxy.ca.crl import number_of
from proxy.errors import CertgateError
from tests.authorities import Clock, client, record_of

if TYPE_CHECKING:
    from proxy.ca.authority import Authority


def revoked_serials(authority: Authority) -> set[int]:
    return {entry.serial_number for entry in authority.registry.crl()}


def issue(authority: Authority, count: int = 1) -> list[int]:
    return [authority.issue(client(f"c{number}")).serial for number in range(count)]


def test_a_new_authority_has_an_empty_list_for_a_year(authority: Authority, clock: Clock):
    crl = authority.registry.crl()
    assert number_of(crl) == 1
    assert len(crl) == 0
    assert crl.next_update_utc == clock() + timedelta(days=365)
    assert authority.registry.warnings() == []


def test_a_revocation_is_in_the_store_and_in_the_list(authority: Authority):
    one, _ = issue(authority, 2)
    authority.revocation.revoke([record_of(authority, one)], "keyCompromise")
    assert revoked_serials(authority) == {one}
    assert record_of(authority, one).reason == "keyCompromise"
    assert number_of(authority.registry.crl()) == 2


def test_a_second_revocation_is_refused_and_changes_nothing(authority: Authority):
    [serial] = issue(authority)
    stale_view = record_of(authority, serial)
    authority.revocation.revoke([stale_view], "superseded")
    before = authority.registry.folder.crl.read_bytes()
    with pytest.raises(CertgateError, match=r"serial 1 was revoked already, on .* \(superseded\)"):
        authority.revocation.revoke([stale_view], "keyCompromise")
    assert authority.registry.folder.crl.read_bytes() == before
    assert record_of(authority, serial).reason == "superseded"


def test_several_are_revoked_together_or_not_at_all(authority: Authority):
    one, two = issue(authority, 2)
    authority.revocation.revoke([record_of(authority, two)], "superseded")
    with pytest.raises(CertgateError):
        authority.revocation.revoke(
            [record_of(authority, one), record_of(authority, two)], "superseded"
        )
    assert record_of(authority, one).revoked_at is None
    assert revoked_serials(authority) == {two}


def test_only_a_hold_is_taken_back(authority: Authority):
    one, two, three = issue(authority, 3)
    desk = authority.revocation
    desk.revoke([record_of(authority, one)], "certificateHold")
    desk.revoke([record_of(authority, two)], "keyCompromise")
    desk.unrevoke(record_of(authority, one))
    assert revoked_serials(authority) == {two}
    with pytest.raises(CertgateError, match="revoked for good"):
        desk.unrevoke(record_of(authority, two))
    with pytest.raises(CertgateError, match="serial 3 is not revoked"):
        desk.unrevoke(record_of(authority, three))
    assert number_of(authority.registry.crl()) == 4


def test_an_expired_certificate_leaves_the_list(authority: Authority, clock: Clock):
    short = authority.issue(client("short", lifetime=timedelta(days=1))).serial
    [long] = issue(authority)
    authority.revocation.revoke(
        [record_of(authority, short), record_of(authority, long)], "superseded"
    )
    assert revoked_serials(authority) == {short, long}
    clock.advance(days=2)
    authority.revocation.publish()
    assert revoked_serials(authority) == {long}


def test_the_number_also_exceeds_what_lies_on_the_disk(authority: Authority):
    """A store restored from a backup must not publish a number that was used before."""
    authority.revocation.publish()
    authority.revocation.publish()
    with authority.registry.store.writing() as change:
        change._connection.exec_driver_sql("UPDATE issuers SET crl_number = 1")
    authority.revocation.publish()
    assert number_of(authority.registry.crl()) == 4


@pytest.mark.parametrize("content", [None, b"", b"half a li"])
def test_a_lost_or_broken_list_is_told_and_made_again(authority: Authority, content: bytes | None):
    path = authority.registry.folder.crl
    path.unlink() if content is None else path.write_bytes(content)
    [warning] = authority.registry.warnings()
    assert "sign a new one: certgate ca crl" in warning
    assert number_of(authority.revocation.publish()) == 2
    assert authority.registry.warnings() == []


def test_a_list_behind_the_store_is_told(authority: Authority):
    """A crash after the commit, before the rename, leaves exactly this."""
    [serial] = issue(authority)
    before = authority.registry.folder.crl.read_bytes()
    authority.revocation.revoke([record_of(authority, serial)], "superseded")
    authority.registry.folder.crl.write_bytes(before)
    [warning] = authority.registry.warnings()
    assert "is older than the store, revocations are missing" in warning


def test_the_end_of_the_list_is_told_in_time(authority: Authority, clock: Clock):
    clock.advance(days=340)
    [warning] = authority.registry.warnings()
    assert "in 25 days" in warning


def test_a_key_that_others_can_read_is_told(authority: Authority):
    authority.registry.folder.key.chmod(0o644)
    [warning] = authority.registry.warnings()
    assert "chmod 600" in warning


def test_a_folder_that_takes_no_list_leaves_the_store_as_it_was(authority: Authority):
    """The list cannot take its place: the old one stays, and the store says so from then on."""
    [serial] = issue(authority)
    path = authority.registry.folder.crl
    path.unlink()
    path.mkdir()
    with pytest.raises(CertgateError, match=r"crl\.pem: cannot"):
        authority.revocation.revoke([record_of(authority, serial)], "superseded")
