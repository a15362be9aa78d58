"""Lists whose issuer is not configured: who may claim them, which are kept, what that costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from proxy.identity.crl import CrlContents, read_crl
from proxy.identity.unclaimed import UnclaimedLists
from tests.pki import Authority, trust
from tests.unit.identity.forge import UNREADABLE_NAMES, forged
from tests.unit.identity.lists import SIGNS_CERTIFICATES_ONLY, URL, ca_with, crl_of, entry, scope

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT, SUB = trust().root, trust().sub
NAME = "certgate test sub"


def unclaimed(*crls: x509.CertificateRevocationList) -> UnclaimedLists:
    return UnclaimedLists(map(read_crl, crls))


def key_identifier(authority: Authority) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())


def claimed(lists: UnclaimedLists, authority: Authority = SUB) -> list[int]:
    """Return the numbers of the lists that a CA gets."""
    return [item.number for item in lists.of(authority.certificate)]


def numbers(crls: Iterable[x509.CertificateRevocationList]) -> list[int]:
    return [read_crl(crl).number for crl in crls]


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Give the numbers of all lists whose signature is checked from here on."""
    made: list[int] = []
    check = CrlContents.signed_by

    def counted(contents: CrlContents, namesakes: Iterable[x509.Certificate]):
        made.append(contents.number)
        return check(contents, namesakes)

    monkeypatch.setattr(CrlContents, "signed_by", counted)
    return made


def test_nobody_claims_anything_where_there_is_nothing():
    assert UnclaimedLists().of(SUB.certificate) == ()
    assert UnclaimedLists().crls == ()


def test_a_ca_of_another_name_claims_nothing_and_costs_nothing(checks: list[int]):
    assert claimed(unclaimed(crl_of(SUB, number=1)), ROOT) == []
    assert checks == []


def test_a_ca_whose_name_cannot_be_read_claims_nothing():
    odd = forged(UNREADABLE_NAMES["invalid UTF-8"]).leaf
    assert unclaimed(crl_of(SUB)).of(odd) == ()


def test_the_newest_list_of_each_scope_is_claimed_and_no_other_is_checked(checks: list[int]):
    crls = [crl_of(SUB, number=n) for n in (2, 3, 1)]
    crls += [crl_of(SUB, scope(urls=[URL]), number=n) for n in (8, 9)]
    assert claimed(unclaimed(*crls)) == [9, 3]
    assert checks == [9, 3]


def test_a_newer_list_by_another_key_leaves_the_genuine_one_in_force():
    lists = unclaimed(crl_of(SUB, number=1), crl_of(ROOT, issuer=SUB.subject, number=9))
    assert claimed(lists) == [1]


def test_an_issuer_without_crl_sign_claims_nothing_whoever_came_first():
    """Two certificates of one name and key: what one may not do, the other still may."""
    narrow = ca_with(SIGNS_CERTIFICATES_ONLY, SUB)
    for turn in (1, -1):
        lists = unclaimed(crl_of(SUB, number=1))
        found = {item: lists.of(item) for item in [narrow, SUB.certificate][::turn]}
        assert found[narrow] == ()
        assert len(found[SUB.certificate]) == 1


def test_an_issuer_whose_extensions_cannot_be_read_claims_nothing(checks: list[int]):
    """That is remembered as well: who brings it again costs nothing."""
    odd = ca_with(x509.UnrecognizedExtension(ExtensionOID.KEY_USAGE, b"\x30\x7f"), SUB)
    lists = unclaimed(crl_of(SUB, number=1))
    assert lists.of(odd) == lists.of(odd) == ()
    assert checks == [1]


def test_a_signature_is_checked_once_whatever_comes_of_it(checks: list[int]):
    lists = unclaimed(crl_of(SUB, number=1))
    namesake = ROOT.intermediate(NAME)
    for _ in range(3):
        assert claimed(lists) == [1]
        assert claimed(lists, namesake) == []
    assert checks == [1, 1]


def test_many_cas_of_one_name_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch):
    """Whoever holds a CA below the root can make CAs without end."""
    monkeypatch.setattr("proxy.identity.unclaimed._MAX_ISSUERS", 2)
    lists = unclaimed(crl_of(SUB, number=1))
    for _ in range(5):
        assert claimed(lists, ROOT.intermediate(NAME)) == []
    assert lists._claimed_by.cache_info().currsize == 2
    assert claimed(lists) == [1]


def test_the_newest_four_of_a_ca_are_kept():
    """Somebody writes a list a day, and no client of that CA comes for a year."""
    lists = unclaimed()
    for number in range(1, 9):
        lists = unclaimed(*lists.crls, crl_of(SUB, number=number))
    assert numbers(lists.crls) == [5, 6, 7, 8]
    assert claimed(lists) == [8]


def test_lists_that_crowd_the_newest_out_do_not_let_an_older_one_in():
    """Who can write the file but not sign can lock clients out; he cannot unrevoke any."""
    lists = unclaimed(crl_of(SUB, entries=[entry(7)], number=6))
    foreign = [crl_of(ROOT, issuer=SUB.subject, number=90 + n) for n in range(4)]
    lists = unclaimed(*lists.crls, *foreign)
    lists = unclaimed(*lists.crls, crl_of(SUB, number=5))
    assert numbers(lists.crls) == [90, 91, 92, 93]
    assert claimed(lists) == []


def test_a_ca_that_signs_often_does_not_crowd_out_its_namesake():
    """A CA that was made anew under its old name counts its lists from 1 again."""
    anew = ROOT.intermediate(NAME)
    often = [crl_of(SUB, key_identifier(SUB), number=n, critical=False) for n in range(50, 60)]
    lists = unclaimed(*often, crl_of(anew, key_identifier(anew), number=1, critical=False))
    assert claimed(lists) == [59]
    assert claimed(lists, anew) == [1]


def test_a_ca_may_publish_its_list_in_many_parts():
    urls = [x509.UniformResourceIdentifier(f"http://crl.example/{n}") for n in range(9)]
    lists = unclaimed(*(crl_of(SUB, scope(urls=[url]), number=1) for url in urls))
    assert len(lists.crls) == len(lists.of(SUB.certificate)) == 9


@pytest.mark.parametrize("turn", [1, -1])
def test_lists_of_one_age_stay_in_their_order(turn: int):
    """The same of two lists is in force after each reload."""
    one, two = (crl_of(SUB, entries=[entry(n)], number=1) for n in (5, 6))
    lists = unclaimed(*[one, two][::turn])
    for _ in range(3):
        assert [item.crl for item in lists.of(SUB.certificate)] == [[one, two][::turn][1]]
        lists = unclaimed(*lists.crls)
