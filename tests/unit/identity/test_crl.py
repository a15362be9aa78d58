"""Which revocation lists are believed, and what they revoke."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from proxy.identity.crl import CrlScope, IssuerKey, RevocationList, UnusableCrlError, read_crl
from tests.pki import Profile, certificate, client, impostor, stranger, trust
from tests.unit.identity.forge import UNREADABLE_NAMES, elements, forged, signed
from tests.unit.identity.lists import SIGNS_CERTIFICATES_ONLY, URL, ca_with, crl_of, entry, scope

ROOT = trust().root
_PRINTABLE = x509.name._ASN1Type.PrintableString
UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")


def read_signed(crl: x509.CertificateRevocationList, issuers: list[x509.Certificate]):
    contents = read_crl(crl)
    return contents.signed_by(contents.namesakes(issuers))


def read(crl: x509.CertificateRevocationList):
    return read_signed(crl, [stranger().certificate, ROOT.certificate])


def refusal(crl: x509.CertificateRevocationList, *issuers: x509.Certificate) -> str:
    with pytest.raises(UnusableCrlError) as caught:
        read_signed(crl, list(issuers) or [ROOT.certificate])
    return str(caught.value)


def test_a_good_list_is_read():
    crl = crl_of(ROOT, entries=[entry(5), entry(2**159 - 1)], number=7)
    found = read(crl)
    assert found.crl is crl
    assert found.issuers == {IssuerKey.of(ROOT.certificate)}
    assert found.serials == {5, 2**159 - 1}
    assert found.number == 7
    assert found.this_update == crl.last_update_utc.timestamp()
    assert found.next_update == crl.next_update_utc.timestamp()
    assert found.scope == CrlScope()


def test_a_list_without_a_number_sorts_below_all_others():
    assert read(crl_of(ROOT)).number == -1
    assert read(crl_of(ROOT)).age < read(crl_of(ROOT, number=0, age_days=300)).age


def test_a_list_of_a_ca_that_is_not_configured_has_no_namesakes_and_is_not_signed_by_others():
    contents = read_crl(crl_of(stranger()))
    assert contents.namesakes([ROOT.certificate]) == []
    for issuers in ([], [ROOT.certificate]):
        with pytest.raises(UnusableCrlError, match="signature"):
            contents.signed_by(issuers)


def test_contents_alone_are_no_revocation_list():
    """What nobody has vouched for has another type: a type checker finds where it is believed."""
    assert not isinstance(read_crl(crl_of(ROOT)), RevocationList)
    assert isinstance(read(crl_of(ROOT)), RevocationList)


def test_a_list_of_a_ca_with_the_same_name_and_another_key_is_refused():
    """The attack of trap 6: an empty list in the CA's name would unrevoke everybody."""
    assert "signature" in refusal(crl_of(impostor()))


def test_a_list_with_one_bit_turned_over_is_refused():
    encoded = bytearray(crl_of(ROOT, entries=[entry(5)]).public_bytes(Encoding.DER))
    encoded[-1] ^= 1
    assert "signature" in refusal(x509.load_der_x509_crl(bytes(encoded)))


def test_among_namesakes_the_one_with_the_right_key_signs():
    found = read_signed(crl_of(ROOT), [impostor().certificate, ROOT.certificate])
    assert found.issuers == {IssuerKey.of(ROOT.certificate)}


def test_an_issuer_without_crl_sign_may_not_sign_lists():
    narrow = ca_with(SIGNS_CERTIFICATES_ONLY, ROOT)
    assert "cRLSign" in refusal(crl_of(ROOT), narrow)
    both = read_signed(crl_of(ROOT), [narrow, ROOT.certificate])
    assert both.issuers == {IssuerKey.of(ROOT.certificate)}


def test_an_issuer_without_key_usage_may_sign_lists():
    assert read_signed(crl_of(ROOT), [ca_with(None, ROOT)]).serials == frozenset()


def test_a_namesake_whose_key_cannot_sign_is_passed_over():
    """An X25519 key in a CA certificate: ``cryptography`` raises instead of saying no."""
    odd = (
        x509.CertificateBuilder()
        .subject_name(ROOT.subject)
        .issuer_name(ROOT.subject)
        .public_key(x25519.X25519PrivateKey.generate().public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2036, 1, 1, tzinfo=dt.UTC))
        .sign(ROOT.key, hashes.SHA256())
    )
    assert "signature" in refusal(crl_of(ROOT), odd)
    assert read_signed(crl_of(ROOT), [odd, ROOT.certificate]).number == -1


def test_an_issuer_with_an_unreadable_name_is_passed_over():
    odd = forged(UNREADABLE_NAMES["invalid UTF-8"]).leaf
    assert read_crl(crl_of(ROOT)).namesakes([odd]) == []
    assert read_signed(crl_of(ROOT), [odd, ROOT.certificate]).number == -1


def test_the_encoding_of_the_issuers_name_does_not_matter():
    """A CA renewed by another tool: same name as PrintableString, same key."""
    other = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "certgate test root", _type=_PRINTABLE)]
    )
    renewed = certificate(Profile(subject=other, ca=True), ROOT.key, ROOT.issuer, 9)
    assert IssuerKey.of(renewed) != IssuerKey.of(ROOT.certificate)
    found = read_signed(crl_of(ROOT), [renewed, ROOT.certificate])
    assert found.issuers == {IssuerKey.of(renewed), IssuerKey.of(ROOT.certificate)}


@pytest.mark.parametrize(
    ("crl", "reason"),
    [
        pytest.param(crl_of(ROOT, UNKNOWN), "1.2.3.4", id="unknown critical extension"),
        pytest.param(crl_of(ROOT, x509.DeltaCRLIndicator(1), number=2), "delta CRL", id="delta"),
        pytest.param(
            crl_of(ROOT, x509.DeltaCRLIndicator(1), number=2, critical=False),
            "delta CRL",
            id="delta, wrongly not critical",
        ),
        pytest.param(crl_of(ROOT, scope(indirect=True)), "indirect", id="indirect"),
        pytest.param(crl_of(ROOT, scope(attribute=True)), "part", id="attribute certificates"),
        pytest.param(
            crl_of(ROOT, scope(reasons=frozenset({x509.ReasonFlags.key_compromise}))),
            "part",
            id="some reasons",
        ),
        pytest.param(
            crl_of(
                ROOT,
                scope(
                    relative_name=x509.RelativeDistinguishedName(
                        [x509.NameAttribute(NameOID.COMMON_NAME, "part 1")]
                    )
                ),
            ),
            "part",
            id="relative name",
        ),
        pytest.param(
            crl_of(ROOT, entries=[entry(5), entry(6, (UNKNOWN, True))]),
            "1.2.3.4",
            id="unknown critical extension of an entry",
        ),
        pytest.param(
            crl_of(
                ROOT,
                entries=[
                    entry(
                        5,
                        (x509.CertificateIssuer([x509.DirectoryName(stranger().subject)]), True),
                    )
                ],
            ),
            "2.5.29.29",
            id="entry of another issuer",
        ),
    ],
)
def test_what_is_not_a_complete_list_is_refused(crl: x509.CertificateRevocationList, reason: str):
    assert reason in refusal(crl)


def test_an_unknown_extension_that_is_not_critical_is_passed_over():
    crl = crl_of(ROOT, UNKNOWN, entries=[entry(5, (UNKNOWN, False))], critical=False)
    assert read(crl).serials == {5}


def test_a_list_without_next_update_is_refused():
    """RFC 5280 demands it; without it a frozen list would count for ever."""
    fields = elements(crl_of(ROOT).tbs_certlist_bytes)
    del fields[4]
    crl = x509.load_der_x509_crl(signed(fields, ROOT.key, fields[1]))
    assert crl.next_update_utc is None
    assert "nextUpdate" in refusal(crl)


def test_remove_from_crl_releases_but_a_second_entry_revokes():
    release = (x509.CRLReason(x509.ReasonFlags.remove_from_crl), False)
    hold = (x509.CRLReason(x509.ReasonFlags.certificate_hold), False)
    dated = (x509.InvalidityDate(dt.datetime(2026, 1, 1, tzinfo=dt.UTC)), False)
    crl = crl_of(
        ROOT, entries=[entry(5, release), entry(6, release), entry(6, hold), entry(7, dated)]
    )
    assert read(crl).serials == {6, 7}


def _leaf_with(*points: x509.DistributionPoint) -> x509.Certificate:
    return ROOT.client("a", more=((x509.CRLDistributionPoints(points), False),)).leaf


def _point(
    *,
    name: list[x509.GeneralName] | None = None,
    reasons: frozenset[x509.ReasonFlags] | None = None,
    issuer: list[x509.GeneralName] | None = None,
) -> x509.DistributionPoint:
    return x509.DistributionPoint(name, None, reasons, issuer)


def test_a_list_for_one_distribution_point_covers_who_names_it():
    covering = read(crl_of(ROOT, scope(urls=[URL]))).scope
    elsewhere = x509.UniformResourceIdentifier("http://crl.example/2")
    issuer = [x509.DirectoryName(ROOT.subject)]
    some = frozenset({x509.ReasonFlags.key_compromise})
    assert covering.covers(_leaf_with(_point(name=[URL])))
    assert covering.covers(_leaf_with(_point(name=[elsewhere]), _point(name=[URL])))
    assert not covering.covers(_leaf_with(_point(name=[elsewhere])))
    assert not covering.covers(_leaf_with(_point(name=[URL], reasons=some)))
    assert not covering.covers(_leaf_with(_point(issuer=issuer)))
    assert not covering.covers(client("good").leaf)


def test_lists_for_users_and_for_cas_cover_only_those():
    """step-ca writes onlyContainsUserCerts into its lists."""
    leaf, ca = client("good").leaf, trust().sub.certificate
    without_constraints = ca_with(None, stranger())
    users = read(crl_of(ROOT, scope(user=True))).scope
    cas = read(crl_of(ROOT, scope(ca=True))).scope
    everybody = read(crl_of(ROOT)).scope
    assert [users.covers(item) for item in (leaf, ca, without_constraints)] == [True, False, True]
    assert [cas.covers(item) for item in (leaf, ca, without_constraints)] == [False, True, False]
    assert [everybody.covers(item) for item in (leaf, ca)] == [True, True]


def test_a_key_is_name_and_key():
    same_name = IssuerKey.of(impostor().certificate)
    root = IssuerKey.of(ROOT.certificate)
    assert same_name.subject == root.subject
    assert same_name != root
    other_name = certificate(Profile(ca=True), ROOT.key, ROOT.issuer, 9)
    assert IssuerKey.of(other_name).public_key_info == root.public_key_info
    assert IssuerKey.of(other_name) != root
