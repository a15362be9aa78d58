"""What the lists in force have against a chain, now and later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from proxy.identity.crl import IssuerKey
from proxy.identity.peer import VerifyError
from proxy.identity.revocation import (
    NO_REVOCATION_CHECK,
    build_revocation_view,
    known_issuer_names,
)
from tests.pki import DAY, START, client, impostor, stranger, trust
from tests.unit.identity.lists import URL, crl_of, entry, scope

if TYPE_CHECKING:
    from cryptography import x509

ROOT, SUB = trust().root, trust().sub
NOW = START.timestamp()
ALICE = client("good").leaf
DIRECT = (ALICE, ROOT.certificate)
BOB = client("with_intermediate").leaf
INDIRECT = (BOB, SUB.certificate, ROOT.certificate)
ISSUERS = [ROOT.certificate, SUB.certificate]
SERIAL = ALICE.serial_number

REVOKED = VerifyError(23, 0, "certificate revoked")
MISSING = VerifyError(3, 0, "unable to get certificate CRL")
EXPIRED = VerifyError(12, 0, "CRL has expired")
TOO_EARLY = VerifyError(11, 0, "CRL is not yet valid")


def errors(*crls: x509.CertificateRevocationList, now: float = NOW, **knobs: str):
    return build_revocation_view(crls, ISSUERS, **knobs).errors(DIRECT, now)


def test_no_configured_list_means_no_check():
    for check in ("leaf", "chain", "off"):
        assert build_revocation_view(None, ISSUERS, check) is NO_REVOCATION_CHECK
    assert NO_REVOCATION_CHECK.errors(DIRECT, NOW) == ()
    assert NO_REVOCATION_CHECK.changes_at(DIRECT, NOW) == float("inf")
    assert NO_REVOCATION_CHECK.crls == ()


def test_off_means_no_check_whatever_is_configured():
    crl = crl_of(ROOT, entries=[entry(SERIAL)])
    assert build_revocation_view([crl], ISSUERS, "off") is NO_REVOCATION_CHECK


def test_configured_lists_that_could_not_be_read_refuse_everybody():
    """An empty or half-written file must not open the gate."""
    assert errors() == (MISSING,)


def test_a_revoked_leaf_is_found_and_another_is_not():
    assert errors(crl_of(ROOT, entries=[entry(SERIAL)])) == (REVOKED,)
    assert errors(crl_of(ROOT, entries=[entry(SERIAL + 1)])) == ()


def test_a_list_of_another_ca_is_no_list():
    assert errors(crl_of(SUB)) == (MISSING,)


def test_a_list_of_a_namesake_is_no_list():
    view = build_revocation_view([crl_of(impostor())], [impostor().certificate, *ISSUERS])
    assert view.unusable == ()
    assert view.errors(DIRECT, NOW) == (MISSING,)
    assert not view.has_list_of(ROOT.certificate)
    assert not view.covers_clients_of(ROOT.certificate)
    assert view.has_list_of(impostor().certificate)


def test_an_unusable_list_counts_as_missing_and_is_reported():
    forged = crl_of(impostor())
    partial = crl_of(stranger(), scope(indirect=True))
    view = build_revocation_view([forged, partial], ISSUERS)
    assert view.errors(DIRECT, NOW) == (MISSING,)
    assert [item.crl for item in view.unusable] == [forged, partial]
    assert "signature" in view.unusable[0].reason
    assert "indirect" in view.unusable[1].reason
    assert view.crls == ()


def test_a_stale_list_refuses_or_warns():
    stale = crl_of(ROOT, entries=[entry(SERIAL)], age_days=9, days_left=-1)
    assert errors(stale) == (EXPIRED, REVOKED)
    assert errors(stale, stale="warn") == (REVOKED,)
    current = crl_of(ROOT, days_left=1)
    at_end = (START + DAY).timestamp()
    assert errors(current, now=at_end - 0.001) == ()
    assert errors(current, now=at_end) == (EXPIRED,)
    assert errors(current, now=at_end, stale="warn") == ()


def test_a_list_of_tomorrow_is_not_yet_valid():
    early = crl_of(ROOT, age_days=-1)
    assert errors(early) == (TOO_EARLY,)
    assert errors(early, stale="warn") == (TOO_EARLY,)
    assert errors(early, now=(START + DAY).timestamp()) == ()


@pytest.mark.parametrize("turn", [1, -1])
def test_the_highest_number_counts_in_whatever_order_the_lists_come(turn: int):
    old = crl_of(ROOT, number=5)
    new = crl_of(ROOT, entries=[entry(SERIAL)], number=6, age_days=2)
    assert errors(*[old, new][::turn]) == (REVOKED,)


@pytest.mark.parametrize("turn", [1, -1])
def test_of_equal_numbers_the_newest_counts_and_then_the_longest(turn: int):
    old = crl_of(ROOT, number=5, age_days=2)
    new = crl_of(ROOT, entries=[entry(SERIAL)], number=5, age_days=1)
    short = crl_of(ROOT, number=5, age_days=1)
    assert errors(*[old, new][::turn]) == (REVOKED,)
    assert errors(*[short, new][::turn]) == (REVOKED,)


def test_a_list_in_force_cannot_be_replaced_by_an_older_one():
    """A reload gives the lists in force to the next view: a rolled-back file unrevokes nobody."""
    revoking = crl_of(ROOT, entries=[entry(SERIAL)], number=6)
    view = build_revocation_view([revoking], ISSUERS)
    assert view.crls == (revoking,)
    rolled_back = crl_of(ROOT, number=5)
    view = build_revocation_view([*view.crls, rolled_back], ISSUERS)
    assert view.errors(DIRECT, NOW) == (REVOKED,)
    assert view.crls == (revoking,)


def test_a_list_that_is_given_twice_is_read_once():
    forged = crl_of(impostor())
    view = build_revocation_view([forged, crl_of(ROOT), forged], ISSUERS)
    assert len(view.unusable) == 1


def test_an_unusable_newer_list_leaves_the_old_one_in_force():
    revoking = crl_of(ROOT, entries=[entry(SERIAL)], number=6)
    forged = crl_of(impostor(), number=7)
    assert errors(revoking, forged) == (REVOKED,)


def test_leaf_asks_for_the_leafs_issuer_only():
    view = build_revocation_view([crl_of(SUB)], ISSUERS, "leaf")
    assert view.errors(INDIRECT, NOW) == ()


def test_chain_asks_for_every_issuer():
    at_one = VerifyError(3, 1, MISSING.text)
    view = build_revocation_view([crl_of(SUB)], ISSUERS, "chain")
    assert view.errors(INDIRECT, NOW) == (at_one,)
    view = build_revocation_view([crl_of(ROOT)], ISSUERS, "chain")
    assert view.errors(INDIRECT, NOW) == (MISSING,)
    view = build_revocation_view([crl_of(SUB), crl_of(ROOT)], ISSUERS, "chain")
    assert view.errors(INDIRECT, NOW) == ()


def test_a_revoked_intermediate_is_found_when_the_chain_is_checked():
    revoking = crl_of(ROOT, entries=[entry(SUB.certificate.serial_number)])
    lists = [crl_of(SUB), revoking]
    assert build_revocation_view(lists, ISSUERS, "leaf").errors(INDIRECT, NOW) == ()
    assert build_revocation_view(lists, ISSUERS, "chain").errors(INDIRECT, NOW) == (
        VerifyError(23, 1, REVOKED.text),
    )


@pytest.mark.parametrize("check", ["leaf", "chain"])
def test_an_anchor_that_is_itself_the_client_is_looked_up_in_its_own_list(check: str):
    anchor = (ROOT.certificate,)
    view = build_revocation_view([crl_of(ROOT)], ISSUERS, check)
    assert view.errors(anchor, NOW) == ()
    own = crl_of(ROOT, entries=[entry(ROOT.certificate.serial_number)])
    view = build_revocation_view([own], ISSUERS, check)
    assert view.errors(anchor, NOW) == (REVOKED,)
    assert build_revocation_view([], ISSUERS, check).errors(anchor, NOW) == (MISSING,)


def test_an_intermediate_alone_is_not_looked_up_in_its_own_list():
    """Its own list numbers other certificates; its issuer's is the one that counts."""
    view = build_revocation_view([crl_of(SUB), crl_of(ROOT)], ISSUERS)
    assert view.errors((SUB.certificate,), NOW) == (MISSING,)


def test_a_chain_that_stops_early_has_no_list():
    view = build_revocation_view([crl_of(ROOT)], ISSUERS, "chain")
    assert view.errors((ALICE,), NOW) == (MISSING,)


def test_lists_of_different_scope_stand_beside_each_other():
    users = crl_of(ROOT, scope(user=True), entries=[entry(SERIAL)], number=3)
    cas = crl_of(ROOT, scope(ca=True), number=9)
    assert errors(users, cas) == (REVOKED,)
    assert errors(cas) == (MISSING,)
    in_force = build_revocation_view([users, cas], ISSUERS)
    assert users in in_force.crls
    assert cas in in_force.crls
    assert in_force.covers_clients_of(ROOT.certificate)
    about_cas = build_revocation_view([cas], ISSUERS)
    assert about_cas.has_list_of(ROOT.certificate)
    assert not about_cas.covers_clients_of(ROOT.certificate)


def test_of_several_lists_one_has_to_be_current_and_any_may_revoke():
    """A CA that begins to write a scope: its last list without one expires and is not replaced."""
    plain = crl_of(ROOT, age_days=9, days_left=-1)
    assert errors(plain, crl_of(ROOT, scope(user=True))) == ()
    assert errors(plain, crl_of(ROOT, scope(user=True), entries=[entry(SERIAL)])) == (REVOKED,)
    revoking = crl_of(ROOT, entries=[entry(SERIAL)], age_days=9, days_left=-1)
    assert errors(revoking, crl_of(ROOT, scope(user=True))) == (REVOKED,)
    early = crl_of(ROOT, scope(user=True), age_days=-1)
    assert errors(plain, early) == (TOO_EARLY, EXPIRED)


def test_a_list_for_a_distribution_point_that_the_leaf_does_not_name_is_no_list():
    assert errors(crl_of(ROOT, scope(urls=[URL]))) == (MISSING,)


def test_the_answer_changes_when_a_list_begins_or_ends():
    begin, end = (START + DAY).timestamp(), (START + 30 * DAY).timestamp()
    view = build_revocation_view([crl_of(ROOT, age_days=-1)], ISSUERS)
    assert view.changes_at(DIRECT, NOW) == begin
    assert view.changes_at(DIRECT, begin) == end
    assert view.changes_at(DIRECT, end) == float("inf")
    lenient = build_revocation_view([crl_of(ROOT, age_days=-1)], ISSUERS, stale="warn")
    assert lenient.changes_at(DIRECT, begin) == float("inf")


def test_known_names_are_those_of_intermediates_and_lists():
    names = known_issuer_names([SUB.certificate], [crl_of(stranger())])
    assert names == {SUB.subject.public_bytes(), stranger().subject.public_bytes()}


def test_every_list_in_force_is_kept_once():
    """A CA whose name is encoded in two ways has two keys and one list."""
    view = build_revocation_view([crl_of(ROOT), crl_of(SUB)], ISSUERS)
    assert len(view.crls) == 2
    assert set(view.lists) == {IssuerKey.of(item) for item in ISSUERS}


def of_sub(*crls: x509.CertificateRevocationList, check: str = "leaf"):
    """Return a view that knows the intermediate from its clients only."""
    return build_revocation_view(crls, [ROOT.certificate], check)


BOB_REVOKED = entry(BOB.serial_number)


def test_the_list_of_an_intermediate_that_only_clients_send_counts():
    view = of_sub(crl_of(SUB, number=1))
    assert view.unusable == ()
    assert view.errors(INDIRECT, NOW, validated=True) == ()
    revoking = of_sub(crl_of(SUB, entries=[BOB_REVOKED]))
    assert revoking.errors(INDIRECT, NOW, validated=True) == (REVOKED,)
    stale = of_sub(crl_of(SUB, age_days=9, days_left=-1))
    assert stale.errors(INDIRECT, NOW, validated=True) == (EXPIRED,)
    assert view.changes_at(INDIRECT, NOW, validated=True) == (START + 30 * DAY).timestamp()


def test_a_chain_with_errors_has_no_say_in_whose_a_list_is():
    view = of_sub(crl_of(SUB))
    assert view.errors(INDIRECT, NOW) == (MISSING,)
    assert view.errors(INDIRECT, NOW, validated=False) == (MISSING,)


def test_an_intermediate_cannot_claim_the_list_of_its_namesake():
    """A CA below the same root takes another CA's name: neither gets the other's list."""
    other = ROOT.intermediate("certgate test sub")
    assert other.subject == SUB.subject
    eve = other.client("eve").leaf
    chain = (eve, other.certificate, ROOT.certificate)
    view = of_sub(crl_of(SUB, number=5))
    assert view.errors(chain, NOW, validated=True) == (MISSING,)
    view = of_sub(crl_of(SUB, entries=[BOB_REVOKED], number=5), crl_of(other, number=9))
    assert view.errors(chain, NOW, validated=True) == ()
    assert view.errors(INDIRECT, NOW, validated=True) == (REVOKED,)


def test_a_list_in_the_name_of_a_configured_ca_is_never_unclaimed():
    """Else a stranger's key would speak for the root to whoever brings its certificate."""
    forged = crl_of(impostor())
    view = of_sub(forged)
    assert [item.crl for item in view.unusable] == [forged]
    assert view.unclaimed.crls == ()


def test_an_unclaimed_list_does_not_speak_about_its_issuer_alone():
    view = of_sub(crl_of(SUB), crl_of(ROOT))
    assert view.errors((SUB.certificate,), NOW, validated=True) == (MISSING,)
    self_issued = (stranger().certificate,)
    view = of_sub(crl_of(stranger()))
    assert view.errors(self_issued, NOW, validated=True) == (MISSING,)


def test_chain_finds_unclaimed_lists_at_every_depth():
    low = SUB.intermediate("low")
    chain = (low.client("lou").leaf, low.certificate, SUB.certificate, ROOT.certificate)
    lists = [crl_of(low), crl_of(SUB, entries=[entry(low.certificate.serial_number)]), crl_of(ROOT)]
    assert of_sub(*lists).errors(chain, NOW, validated=True) == ()
    found = of_sub(*lists, check="chain").errors(chain, NOW, validated=True)
    assert found == (VerifyError(23, 1, REVOKED.text),)


def test_an_unclaimed_list_cannot_be_replaced_by_an_older_one():
    """It is carried over although no client of its issuer has come yet."""
    revoking, rolled_back = crl_of(SUB, entries=[BOB_REVOKED], number=6), crl_of(SUB, number=5)
    view = of_sub(*of_sub(revoking).crls, rolled_back)
    assert view.errors(INDIRECT, NOW, validated=True) == (REVOKED,)


def test_a_list_changes_between_claimed_and_unclaimed_as_the_configuration_does():
    revoking, rolled_back = crl_of(SUB, entries=[BOB_REVOKED], number=6), crl_of(SUB, number=5)
    configured = build_revocation_view([*of_sub(revoking).crls, rolled_back], ISSUERS)
    assert configured.errors(INDIRECT, NOW) == (REVOKED,)
    assert configured.unclaimed.crls == ()
    view = of_sub(*configured.crls, rolled_back)
    assert view.errors(INDIRECT, NOW, validated=True) == (REVOKED,)
