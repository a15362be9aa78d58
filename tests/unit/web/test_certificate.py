"""What is told about a refused certificate is bounded, printable and exact."""

import dataclasses

import pytest

from proxy.identity.facts import CertificateFacts
from proxy.web.certificate import make_card
from tests.pki import EMPTY, NASTY_SUBJECTS, Issuer, Profile, certificate, client, ec_key, name


def facts_of(subject_name: str) -> CertificateFacts:
    """Return the facts of a certificate with one of the nasty subjects."""
    key = ec_key()
    profile = Profile(subject=NASTY_SUBJECTS[subject_name])
    return CertificateFacts.read(certificate(profile, key, Issuer(name("CA"), key), 4096))


def test_the_problem_document_has_the_forms_of_the_command_line():
    leaf = client("good").leaf
    assert leaf is not None
    facts = CertificateFacts.read(leaf)
    shown = make_card(facts).as_problem()
    assert shown == {
        "subject": facts.subject,
        "issuer": facts.issuer,
        "serial": str(leaf.serial_number),
        "not_before": leaf.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "not_after": leaf.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "fingerprint_sha256": facts.fingerprint_sha256,
    }


@pytest.mark.parametrize("subject", NASTY_SUBJECTS)
def test_every_text_is_printable_and_bounded(subject: str):
    card = make_card(facts_of(subject))
    for field in dataclasses.fields(card):
        value = getattr(card, field.name)
        if isinstance(value, str):
            assert value.isprintable()
            assert len(value) <= 512


def test_a_name_is_shown_in_its_own_script():
    assert "Jürgen Łukasz 花子" in make_card(facts_of("not ASCII")).name


def test_an_empty_name_is_not_shown_as_nothing():
    assert NASTY_SUBJECTS["empty"] == EMPTY
    assert make_card(facts_of("empty")).name == "(no name)"


def test_a_serial_number_that_python_refuses_to_print_is_described():
    """An integer of more than 4300 digits raises ValueError when it is made decimal."""
    facts = dataclasses.replace(facts_of("empty"), serial_number=1 << 40_000)
    assert make_card(facts).serial == "(40001 bits)"


@pytest.mark.parametrize(
    ("moment", "written"),
    [(-62_135_596_800, "0001-01-01T00:00:00Z"), (253_402_300_799, "9999-12-31T23:59:59Z")],
)
def test_the_first_and_the_last_year_are_written_too(moment: int, written: str):
    facts = dataclasses.replace(facts_of("empty"), not_before=moment, not_after=moment)
    assert make_card(facts).as_problem()["not_after"] == written
