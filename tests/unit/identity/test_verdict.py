"""Every way to be refused, and how long an answer stands."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from proxy.identity.codes import RefusalCode
from proxy.identity.crl import CrlContents
from proxy.identity.peer import NO_CERTIFICATE, PeerIdentity, VerifyError
from proxy.identity.revocation import (
    NO_REVOCATION_CHECK,
    build_revocation_view,
    known_issuer_names,
)
from proxy.identity.verdict import INVALID, MISSING, Hint, judge, most_telling, refusal_code
from tests.pki import DAY, START, Identity, client, trust
from tests.unit.identity.lists import URL, crl_of, scope

NOW = START.timestamp()
INFINITY = float("inf")


def peer_of(identity: Identity, *errors: int) -> PeerIdentity:
    """Return the peer as the handshake leaves it, with these OpenSSL errors at depth 0."""
    chain = (*identity.certificates, trust().root.certificate)
    found = tuple(VerifyError(number, 0, f"error {number}") for number in errors)
    return PeerIdentity(identity.leaf, chain, found, judged=True)


GOOD = peer_of(client("good"))


def code_of(peer: PeerIdentity, **knobs: object) -> RefusalCode | None:
    return judge(peer, NOW, NO_REVOCATION_CHECK, **knobs).code


def test_a_good_certificate_is_admitted_until_its_chain_changes():
    verdict = judge(GOOD, NOW, NO_REVOCATION_CHECK)
    leaf, root = client("good").leaf, trust().root.certificate
    assert (verdict.code, verdict.error, verdict.hint) == (None, None, None)
    assert verdict.valid_until == leaf.not_valid_after_utc.timestamp()
    assert verdict.valid_from == max(item.not_valid_before_utc.timestamp() for item in (leaf, root))
    assert verdict.stands(NOW)


def test_no_certificate_is_missing_whatever_the_time():
    assert judge(NO_CERTIFICATE, NOW, NO_REVOCATION_CHECK) is MISSING
    assert MISSING.code is RefusalCode.CERTIFICATE_MISSING
    assert MISSING.stands(0)
    assert MISSING.stands(4e9)


def test_a_certificate_that_could_not_be_read_is_not_missing():
    """Its holder has to be told that something is wrong with it, not to choose one."""
    broken = VerifyError(50, 0, "application verification failure")
    peer = PeerIdentity(None, (), (broken,), judged=True)
    verdict = judge(peer, NOW, NO_REVOCATION_CHECK)
    assert (verdict.code, verdict.error) == (RefusalCode.CERTIFICATE_INVALID, broken)


@pytest.mark.parametrize(
    "peer",
    [
        pytest.param(replace(GOOD, judged=False), id="no callback reached depth 0"),
        pytest.param(replace(GOOD, chain=()), id="empty chain"),
        pytest.param(replace(GOOD, chain=GOOD.chain[1:]), id="chain without the leaf"),
        pytest.param(replace(GOOD, chain=GOOD.chain[::-1]), id="chain upside down"),
        pytest.param(
            replace(GOOD, chain=(client("no_eku").leaf, *GOOD.chain[1:])), id="another's chain"
        ),
    ],
)
def test_what_was_not_verified_on_this_connection_is_invalid(peer: PeerIdentity):
    """An empty list of errors proves nothing: a resumed session has one as well."""
    assert peer.errors == ()
    assert judge(peer, NOW, NO_REVOCATION_CHECK) is INVALID


TABLE = [
    ((22, 25), RefusalCode.CERTIFICATE_CHAIN_TOO_LONG),
    ((18,), RefusalCode.CERTIFICATE_SELF_SIGNED),
    ((7,), RefusalCode.CERTIFICATE_BAD_SIGNATURE),
    ((2, 19, 20, 21, 27), RefusalCode.CERTIFICATE_UNKNOWN_ISSUER),
    ((23,), RefusalCode.CERTIFICATE_REVOKED),
    ((10,), RefusalCode.CERTIFICATE_EXPIRED),
    ((9,), RefusalCode.CERTIFICATE_NOT_YET_VALID),
    ((26,), RefusalCode.CERTIFICATE_WRONG_PURPOSE),
    ((66, 67, 68), RefusalCode.CERTIFICATE_WEAK),
    ((12,), RefusalCode.CRL_EXPIRED),
    ((3, 8, 11), RefusalCode.CRL_MISSING),
    ((1, 34, 79, 999, -1, 0), RefusalCode.CERTIFICATE_INVALID),
]
FLAT = [(number, code) for numbers, code in TABLE for number in numbers]


@pytest.mark.parametrize(("number", "code"), FLAT)
def test_every_error_number_has_its_code(number: int, code: RefusalCode):
    assert refusal_code(number) is code
    verdict = judge(replace(GOOD, errors=(VerifyError(number, 0, "x"),)), NOW, NO_REVOCATION_CHECK)
    assert (verdict.code, verdict.error) == (code, VerifyError(number, 0, "x"))


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(FLAT, 2)))
def test_of_two_errors_the_earlier_in_the_table_counts(
    first: tuple[int, RefusalCode], second: tuple[int, RefusalCode]
):
    """At whatever depth, and in whatever order OpenSSL met them."""
    for depths in ((0, 1), (1, 0)):
        errors = tuple(
            VerifyError(number, depth, "x")
            for (number, _), depth in zip((second, first), depths, strict=True)
        )
        assert refusal_code(most_telling(errors).number) is first[1]
        assert most_telling(errors) == most_telling(errors[::-1])


def test_of_equal_errors_the_one_nearest_to_the_leaf_is_told():
    errors = [VerifyError(10, depth, "x") for depth in (2, 0, 1)]
    assert most_telling(errors).depth == 0


@pytest.mark.parametrize(
    ("kind", "code", "number", "depth"),
    [
        ("expired", RefusalCode.CERTIFICATE_EXPIRED, 10, 0),
        ("not_yet_valid", RefusalCode.CERTIFICATE_NOT_YET_VALID, 9, 0),
        ("expired_intermediate", RefusalCode.CERTIFICATE_EXPIRED, 10, 1),
    ],
)
def test_validity_is_looked_at_again_whatever_the_handshake_said(
    kind: str, code: RefusalCode, number: int, depth: int
):
    verdict = judge(peer_of(client(kind)), NOW, NO_REVOCATION_CHECK)
    assert verdict.code is code
    assert (verdict.error.number, verdict.error.depth) == (number, depth)


def test_an_expired_anchor_counts_too():
    root = trust().root.certificate
    end = root.not_valid_after_utc.timestamp()
    leaf = trust().root.client("longer than its CA", not_after=START + 9999 * DAY)
    assert judge(peer_of(leaf), end - 1, NO_REVOCATION_CHECK).code is None
    verdict = judge(peer_of(leaf), end, NO_REVOCATION_CHECK)
    assert verdict.code is RefusalCode.CERTIFICATE_EXPIRED
    assert verdict.error.depth == 1


def test_a_certificate_stops_at_its_last_second():
    """OpenSSL 3 counts equality as expired; half-open periods leave no gap for a cached answer."""
    end = client("good").leaf.not_valid_after_utc.timestamp()
    before = judge(GOOD, end - 0.001, NO_REVOCATION_CHECK)
    assert before.code is None
    assert before.valid_until == end
    assert not before.stands(end)
    assert judge(GOOD, end, NO_REVOCATION_CHECK).code is RefusalCode.CERTIFICATE_EXPIRED


def test_a_certificate_begins_at_its_first_second():
    begin = client("not_yet_valid").leaf.not_valid_before_utc.timestamp()
    peer = peer_of(client("not_yet_valid"))
    before = judge(peer, begin - 0.001, NO_REVOCATION_CHECK)
    assert before.code is RefusalCode.CERTIFICATE_NOT_YET_VALID
    assert before.valid_until == begin
    at_once = judge(peer, begin, NO_REVOCATION_CHECK)
    assert at_once.code is None
    assert at_once.valid_from == begin
    assert at_once.valid_until == client("not_yet_valid").leaf.not_valid_after_utc.timestamp()
    assert at_once.stands(begin)


def test_a_clock_that_is_set_back_undoes_a_kept_success():
    """Who was let in under a wrong clock is judged again when the clock is right."""
    begin = client("not_yet_valid").leaf.not_valid_before_utc.timestamp()
    peer = peer_of(client("not_yet_valid"))
    verdict = judge(peer, begin + 5, NO_REVOCATION_CHECK)
    assert verdict.code is None
    assert not verdict.stands(NOW)
    assert judge(peer, NOW, NO_REVOCATION_CHECK).code is RefusalCode.CERTIFICATE_NOT_YET_VALID


def test_an_error_of_the_handshake_does_not_heal_with_time():
    begin = client("not_yet_valid").leaf.not_valid_before_utc.timestamp()
    peer = peer_of(client("not_yet_valid"), 9)
    verdict = judge(peer, begin + 5, NO_REVOCATION_CHECK)
    assert verdict.code is RefusalCode.CERTIFICATE_NOT_YET_VALID


def test_revocation_is_asked_at_the_time_of_the_request():
    view = build_revocation_view(trust().crls, [trust().root.certificate])
    verdict = judge(peer_of(client("revoked")), NOW, view)
    assert verdict.code is RefusalCode.CERTIFICATE_REVOKED
    assert judge(GOOD, NOW, view).code is None
    assert judge(GOOD, NOW, view).valid_until == (START + 60 * DAY).timestamp()
    later = (START + 61 * DAY).timestamp()
    assert judge(GOOD, later, view).code is RefusalCode.CRL_EXPIRED


def test_the_list_of_an_intermediate_counts_for_the_clients_that_send_it():
    bob = peer_of(client("with_intermediate"))
    root, sub = trust().root, trust().sub
    view = build_revocation_view([sub.crl()], [root.certificate])
    assert judge(bob, NOW, view).code is None
    assert judge(bob, NOW, view).valid_until == (START + 60 * DAY).timestamp()
    view = build_revocation_view([sub.crl([client("with_intermediate")])], [root.certificate])
    assert judge(bob, NOW, view).code is RefusalCode.CERTIFICATE_REVOKED


def test_whoever_failed_the_handshake_makes_nobody_check_a_signature(
    monkeypatch: pytest.MonkeyPatch,
):
    """A stranger may name his CA as he likes; 100,000 entries would cost 45 ms each time."""
    view = build_revocation_view([trust().sub.crl()], [trust().root.certificate])
    checked: list[CrlContents] = []
    monkeypatch.setattr(CrlContents, "signed_by", lambda contents, _: checked.append(contents))
    stranger = peer_of(client("with_intermediate"), 19)
    assert judge(stranger, NOW, view).code is RefusalCode.CERTIFICATE_UNKNOWN_ISSUER
    assert checked == []


@pytest.mark.parametrize("number", [2, 20, 21, 27])
def test_a_chain_that_ends_below_a_known_ca_is_incomplete(number: int):
    bob = client("with_intermediate").leaf
    peer = PeerIdentity(bob, (bob,), (VerifyError(number, 0, "x"),), judged=True)
    known = known_issuer_names([trust().sub.certificate], [])
    assert code_of(peer, known_issuers=known) is RefusalCode.CERTIFICATE_INCOMPLETE_CHAIN
    assert code_of(peer) is RefusalCode.CERTIFICATE_UNKNOWN_ISSUER
    foreign = known_issuer_names([trust().web.certificate], [])
    assert code_of(peer, known_issuers=foreign) is RefusalCode.CERTIFICATE_UNKNOWN_ISSUER


def test_a_foreign_root_in_the_chain_is_never_incomplete():
    """Error 19: the chain is complete, its root is not trusted, whatever its name is."""
    root = trust().root.certificate
    peer = peer_of(client("good"), 19)
    known = known_issuer_names([root], [])
    assert code_of(peer, known_issuers=known) is RefusalCode.CERTIFICATE_UNKNOWN_ISSUER


def test_a_self_signed_certificate_is_told_as_such():
    leaf = client("self_signed").leaf
    verdict = judge(
        PeerIdentity(leaf, (leaf,), (VerifyError(18, 0, "x"),), judged=True),
        NOW,
        NO_REVOCATION_CHECK,
    )
    assert (verdict.code, verdict.hint) == (RefusalCode.CERTIFICATE_SELF_SIGNED, None)


def test_a_subject_equal_to_the_cas_is_told_as_what_it_is():
    """OpenSSL says self-signed; in truth the holder left the same fields blank as the CA."""
    leaf = client("same_subject_as_ca").leaf
    verdict = judge(
        PeerIdentity(leaf, (leaf,), (VerifyError(18, 0, "x"),), judged=True),
        NOW,
        NO_REVOCATION_CHECK,
    )
    assert verdict.code is RefusalCode.CERTIFICATE_SELF_SIGNED
    assert verdict.hint is Hint.SUBJECT_IS_ISSUER


def test_a_surprise_in_the_certificate_refuses_and_does_not_raise():
    """The list covers one distribution point; whether the leaf names it cannot be parsed."""
    root = trust().root
    view = build_revocation_view([crl_of(root, scope(urls=[URL]))], [root.certificate])
    junk = x509.UnrecognizedExtension(ExtensionOID.CRL_DISTRIBUTION_POINTS, b"\x30\x7f")
    peer = peer_of(root.client("odd", more=((junk, False),)))
    with pytest.raises(ValueError):
        view.errors(peer.chain, NOW)
    assert judge(peer, NOW, view) is INVALID
