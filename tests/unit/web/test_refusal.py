"""A refusal says what is wrong with the certificate, as far as it may."""

import dataclasses
import json
import re
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from proxy.identity.codes import RefusalCode
from proxy.identity.facts import CertificateFacts
from proxy.web.page import Detail
from proxy.web.refusal import Refusal, render_refusal
from tests.pki import (
    NASTY_SUBJECTS,
    START,
    Issuer,
    Profile,
    certificate,
    client,
    ec_key,
)

HTML, PROBLEM, TEXT = b"text/html", b"application/problem+json", b"*/*"
NOW = START.timestamp()


def facts(kind: str) -> CertificateFacts:
    """Return the facts of one of the test clients."""
    leaf = client(kind).leaf
    assert leaf is not None
    return CertificateFacts.read(leaf)


def self_signed(subject: x509.Name) -> x509.Certificate:
    """Return what anybody can make: a certificate of this name, signed by itself."""
    key = ec_key()
    return certificate(Profile(subject=subject), key, Issuer(subject, key), 1)


def refusal(code: RefusalCode, kind: str = "", **changes: Any) -> Refusal:
    """Return a refusal of one of the test clients."""
    made = Refusal(
        status=403,
        code=code,
        request_id="4f2a",
        now=NOW,
        certificate=facts(kind) if kind else None,
    )
    return dataclasses.replace(made, **changes)


def problem(given: Refusal) -> dict[str, Any]:
    """Render a refusal as a problem document."""
    members: dict[str, Any] = json.loads(render_refusal(given, PROBLEM).body)
    return members


class TestEveryCode:
    @pytest.mark.parametrize("code", RefusalCode)
    @pytest.mark.parametrize("accept", [HTML, PROBLEM, TEXT])
    def test_has_a_page_in_every_format(self, code: RefusalCode, accept: bytes):
        page = render_refusal(refusal(code, "good"), accept)
        assert code.value.encode() in page.body
        assert b"4f2a" in page.body
        assert len(page.body) < 10_000

    @pytest.mark.parametrize("code", RefusalCode)
    def test_has_a_problem_document_with_the_members_of_the_contract(self, code: RefusalCode):
        members = problem(refusal(code, "good", verify_error=10))
        assert list(members) == [
            *("type", "title", "status", "detail", "code", "verify_error", "request_id"),
            "certificate",
        ]
        assert members["code"] == code
        assert members["type"] == f"urn:certgate:{code}"
        assert members["verify_error"] == 10

    def test_without_a_certificate_there_is_none_in_the_document(self):
        members = problem(refusal(RefusalCode.CERTIFICATE_MISSING))
        assert "certificate" not in members
        assert members["verify_error"] is None

    def test_keeps_the_configured_status(self):
        page = render_refusal(refusal(RefusalCode.DENIED, status=495), TEXT)
        assert page.body.startswith(b"495 Error: ")


class TestTime:
    def test_an_expired_certificate_is_told_since_when(self):
        now = (START + timedelta(days=10)).timestamp()
        given = refusal(RefusalCode.CERTIFICATE_EXPIRED, "expired", now=now)
        assert re.fullmatch(
            r"It was valid until \d+ \w+ \d{4}, \d\d:\d\d UTC, and expired \d+ days ago\.",
            problem(given)["detail"],
        )

    def test_a_certificate_that_is_not_valid_yet_is_told_from_when(self):
        given = refusal(RefusalCode.CERTIFICATE_NOT_YET_VALID, "not_yet_valid")
        assert re.fullmatch(
            r"It is valid from \d+ \w+ \d{4}, \d\d:\d\d UTC, in .+\.", problem(given)["detail"]
        )

    def test_an_expired_intermediate_is_not_blamed_on_the_leaf(self):
        """The leaf is valid for months: "expired in 3 months" would be nonsense."""
        given = refusal(RefusalCode.CERTIFICATE_EXPIRED, "expired_intermediate")
        assert "a certificate above it in its chain has expired" in problem(given)["detail"]

    def test_an_intermediate_that_is_not_valid_yet_is_not_blamed_on_the_leaf(self):
        given = refusal(RefusalCode.CERTIFICATE_NOT_YET_VALID, "good")
        assert "above it in its chain is not valid yet" in problem(given)["detail"]

    def test_the_last_moment_itself_has_a_sentence(self):
        """OpenSSL takes notAfter itself for expired."""
        expired = facts("expired")
        given = refusal(RefusalCode.CERTIFICATE_EXPIRED, "expired", now=float(expired.not_after))
        assert problem(given)["detail"]


class TestCause:
    @pytest.mark.parametrize(
        "code",
        [RefusalCode.CERTIFICATE_UNKNOWN_ISSUER, RefusalCode.CERTIFICATE_BAD_SIGNATURE],
    )
    def test_an_issuer_that_is_the_trouble_is_named(self, code: RefusalCode):
        given = refusal(code, "unknown_ca")
        assert facts("unknown_ca").readable_issuer in problem(given)["detail"]

    def test_the_blank_name_trap_is_called_by_its_name(self):
        given = refusal(
            RefusalCode.CERTIFICATE_SELF_SIGNED, "same_subject_as_ca", subject_is_issuers=True
        )
        assert problem(given)["title"] == "Your certificate has the same name as its issuer"

    def test_a_certificate_that_signed_itself_is_called_so(self):
        given = refusal(RefusalCode.CERTIFICATE_SELF_SIGNED, "self_signed")
        assert problem(given)["title"] == "Your certificate is self-signed"


class TestDetail:
    def test_short_tells_the_cause_and_nothing_out_of_the_certificate(self):
        given = refusal(RefusalCode.CERTIFICATE_EXPIRED, "expired", detail="short", verify_error=10)
        members = problem(given)
        assert members["code"] == "certificate_expired"
        assert "certificate" not in members
        shown = b"".join(render_refusal(given, accept).body for accept in (HTML, PROBLEM, TEXT))
        assert b"carol" not in shown
        assert given.certificate is not None
        assert given.certificate.fingerprint_sha256.encode() not in shown
        assert b" ago" not in shown

    @pytest.mark.parametrize("accept", [HTML, PROBLEM, TEXT])
    def test_none_is_the_same_for_every_cause(self, accept: bytes):
        pages = {
            render_refusal(refusal(code, kind, detail="none", verify_error=number), accept)
            for code in RefusalCode
            for kind, number in (("", None), ("expired", 10))
        }
        assert len(pages) == 1

    def test_none_still_gives_the_number_to_ask_with(self):
        members = problem(refusal(RefusalCode.DENIED, "good", detail="none"))
        assert set(members) == {"type", "title", "status", "detail", "request_id"}

    @pytest.mark.parametrize("detail", ["full", "short", "none"])
    def test_no_page_tells_a_rule(self, detail: Detail):
        """Which names would be let in is nobody's business (design: policy is not told)."""
        body = render_refusal(refusal(RefusalCode.NOT_ALLOWED, "good", detail=detail), TEXT).body
        assert b"rule" not in body


class TestAttack:
    @pytest.mark.parametrize("subject", NASTY_SUBJECTS)
    @pytest.mark.parametrize("accept", [HTML, PROBLEM, TEXT])
    def test_a_name_in_a_certificate_cannot_change_the_page(self, subject: str, accept: bytes):
        leaf = self_signed(NASTY_SUBJECTS[subject])
        given = refusal(
            RefusalCode.CERTIFICATE_UNKNOWN_ISSUER, certificate=CertificateFacts.read(leaf)
        )
        plain = dataclasses.replace(given, certificate=facts("good"))
        body = render_refusal(given, accept).body.decode()
        assert body.replace("\n", "").isprintable()
        assert body.count("\n") == render_refusal(plain, accept).body.decode().count("\n")
        if accept == HTML:
            tags = re.findall(r"<[^>]*>", body)
            assert tags == re.findall(r"<[^>]*>", render_refusal(plain, accept).body.decode())

    def test_the_longest_name_that_is_taken_does_not_make_a_large_page(self):
        unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "\u202e" * 60)
        octets = len(x509.Name([unit] * 2).public_bytes()) - len(x509.Name([unit]).public_bytes())
        most = 8_192 // octets
        given = refusal(
            RefusalCode.CERTIFICATE_UNKNOWN_ISSUER,
            certificate=CertificateFacts.read(self_signed(x509.Name([unit] * most))),
        )
        for accept in (HTML, PROBLEM, TEXT):
            assert len(render_refusal(given, accept).body) < 10_000
        with pytest.raises(ValueError, match="8 KiB"):
            CertificateFacts.read(self_signed(x509.Name([unit] * (most + 1))))

    def test_a_megabyte_in_a_certificate_is_no_facts_and_a_small_page(self):
        """What has no facts is refused as invalid, and the page shows no card."""
        unit = x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "\u202e" * 60)
        leaf = self_signed(x509.Name([unit] * 5_000))
        with pytest.raises(ValueError, match="8 KiB"):
            CertificateFacts.read(leaf)
        given = refusal(RefusalCode.CERTIFICATE_INVALID)
        for accept in (HTML, PROBLEM, TEXT):
            body = render_refusal(given, accept).body
            assert len(body) < 10_000
            assert b"certificate_invalid" in body
