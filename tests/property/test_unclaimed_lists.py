"""Laws of revocation lists whose issuer only the clients send, over any row of reloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from proxy.identity.revocation import build_revocation_view
from tests.pki import START, client, trust
from tests.unit.identity.lists import crl_of, entry, scope

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateRevocationList

    from proxy.identity.revocation import RevocationView

    Reloads = list[list[CertificateRevocationList]]

NOW = START.timestamp()
ROOT, SUB = trust().root, trust().sub
BOB = client("with_intermediate").leaf
CHAIN = (BOB, SUB.certificate, ROOT.certificate)
REVOKED = [entry(BOB.serial_number)]

FEW = [
    crl_of(SUB, number=1),
    crl_of(SUB, entries=REVOKED, number=2),
    crl_of(SUB, number=3, age_days=9, days_left=-1),
    crl_of(ROOT, issuer=SUB.subject, number=9),
    crl_of(SUB, scope(user=True), number=2),
    crl_of(SUB, scope(user=True), entries=REVOKED, number=4),
    crl_of(SUB, scope(user=True), number=5, age_days=-1),
    crl_of(SUB, scope(ca=True), number=7),
    crl_of(ROOT),
]
"""No more of one scope than are kept."""

GENUINE = [crl_of(SUB, entries=REVOKED if n % 3 else [], number=n) for n in range(8)]
FOREIGN = [crl_of(ROOT, issuer=SUB.subject, number=n) for n in range(0, 12, 2)]


def after(reloads: Reloads, issuers: list[Certificate]) -> RevocationView:
    """Return the view after these reloads, each of which finds other lists in the files."""
    view = build_revocation_view([], issuers)
    for crls in reloads:
        view = build_revocation_view([*view.crls, *crls], issuers)
    return view


@given(st.lists(st.lists(st.sampled_from(FEW), max_size=4), max_size=4))
def test_an_intermediate_that_clients_send_is_as_good_as_a_configured_one(reloads: Reloads):
    sent = after(reloads, [ROOT.certificate])
    configured = after(reloads, [ROOT.certificate, SUB.certificate])
    answer = sent.answer(CHAIN, NOW, validated=True)
    expected = configured.answer(CHAIN, NOW, validated=True)
    assert answer.errors == expected.errors
    assert set(answer.moments) == set(expected.moments)


@given(st.lists(st.lists(st.sampled_from(GENUINE + FOREIGN), max_size=6), max_size=6))
def test_nobody_is_admitted_under_another_list_than_the_newest_genuine_one(reloads: Reloads):
    """However many lists by another key come with it, before it or after it."""
    found = after(reloads, [ROOT.certificate]).errors(CHAIN, NOW, validated=True)
    given_ones = [crl for crls in reloads for crl in crls if crl in GENUINE]
    newest = max(given_ones, key=GENUINE.index, default=None)
    if newest is None or newest.get_revoked_certificate_by_serial_number(BOB.serial_number):
        assert found
    if [error.number for error in found] != [3]:
        expected = build_revocation_view([newest], [SUB.certificate]).errors(CHAIN, NOW)
        assert found == expected
