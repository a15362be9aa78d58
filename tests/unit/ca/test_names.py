"""Names that become identities."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from proxy.ca.names import (
    SubjectFields,
    alternative_name_text,
    check_subject,
    common_name_of,
    host_name,
    is_dns_name,
    parse_alternative_name,
    subject_text,
)
from proxy.errors import CertgateError
from proxy.identity.der import UnreadableCertificateError


def name(*pairs: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def test_the_text_of_a_subject_is_rfc_2253():
    fields = SubjectFields("alice", "Acme, Inc.", "ops", "DE")
    assert subject_text(fields.to_name()) == r"CN=alice,OU=ops,O=Acme\, Inc.,C=DE"


@pytest.mark.parametrize("blank", ["", " ", "\u3000"])
def test_a_blank_common_name_is_refused_with_the_reason(blank: str):
    with pytest.raises(CertgateError, match="mistaken for the CA itself"):
        SubjectFields(blank).to_name()


@pytest.mark.parametrize("bad", ["a\nb", "a\0b", "\u202egnp.exe", " alice", "alice ", "a\x1b[2J"])
def test_text_that_could_forge_a_line_is_refused(bad: str):
    """Header injection, terminal escapes, right-to-left tricks, look-alikes with spaces."""
    with pytest.raises(CertgateError, match="subject field"):
        SubjectFields(bad).to_name()
    with pytest.raises(CertgateError, match="subject field"):
        SubjectFields("alice", bad).to_name()


@pytest.mark.parametrize(
    "fields",
    [
        SubjectFields("x" * 65),
        SubjectFields("x", country="Germany"),
        SubjectFields("x", country="ä"),
    ],
)
def test_fields_that_no_certificate_can_hold_are_refused(fields: SubjectFields):
    with pytest.raises(CertgateError, match=r"the subject cannot be used|is not two letters"):
        fields.to_name()


@pytest.mark.parametrize("text", ["Test CA", "test ca", "TEST  CA", " Test CA "])
def test_the_name_of_the_authority_is_refused_however_it_is_spelled(text: str):
    """OpenSSL folds letter case and spaces when it compares an issuer with a subject."""
    authority = name((NameOID.COMMON_NAME, "Test CA"))
    with pytest.raises(CertgateError, match=r"CA's own name|begins or ends"):
        check_subject(name((NameOID.COMMON_NAME, text)), [authority])


def test_a_further_field_makes_another_name():
    authority = name((NameOID.COMMON_NAME, "Test CA"))
    other = name((NameOID.ORGANIZATION_NAME, "Acme"), (NameOID.COMMON_NAME, "Test CA"))
    assert check_subject(other, [authority]) == "Test CA"


def test_two_common_names_are_ambiguous():
    """One program would read the first, another the last."""
    subject = name((NameOID.COMMON_NAME, "alice"), (NameOID.COMMON_NAME, "admin"))
    with pytest.raises(CertgateError, match="more than one common name"):
        check_subject(subject, [])


def test_a_subject_without_common_name_is_refused():
    with pytest.raises(CertgateError, match="common name is blank"):
        check_subject(name((NameOID.ORGANIZATION_NAME, "Acme")), [])
    assert common_name_of(name()) == ""


@pytest.mark.parametrize(
    "text",
    [
        "dns:a.example.com",
        "dns:*.example.com",
        "email:alice@example.com",
        "uri:spiffe://example.com/alice",
        "ip:10.0.0.1",
        "ip:2001:db8::1",
    ],
)
def test_an_alternative_name_is_written_as_it_is_read(text: str):
    assert alternative_name_text(parse_alternative_name(text)) == text


def test_an_international_domain_name_is_kept_in_ascii():
    assert parse_alternative_name("DNS: bücher.example").value == "xn--bcher-kva.example"


@pytest.mark.parametrize(
    "text",
    [
        "alice@example.com",
        "other:x",
        "dns:",
        "dns:-a.example",
        "dns:a..example",
        "dns:a b",
        "dns:ü" + "x" * 70,
        f"dns:{'a' * 63}.{'a' * 63}.{'a' * 63}.{'a' * 63}.x",
        "email:alice",
        "email:a b@example.com",
        "uri:nothing",
        "uri:http://a\nb",
        "ip:10.0.0.256",
        "ip:10.0.0.0/8",
    ],
)
def test_what_is_not_of_its_kind_is_refused(text: str):
    with pytest.raises(CertgateError):
        parse_alternative_name(text)


def test_other_kinds_of_names_are_shown_by_their_type():
    assert alternative_name_text(x509.DirectoryName(name())) == "other:DirectoryName"


def test_a_host_is_an_address_or_a_dns_name():
    assert isinstance(host_name("127.0.0.1"), x509.IPAddress)
    assert isinstance(host_name("localhost"), x509.DNSName)
    assert not is_dns_name("a_b c")


def test_a_name_that_reads_two_ways_is_refused(monkeypatch: pytest.MonkeyPatch):
    def unreadable(_name: x509.Name) -> str:
        raise UnreadableCertificateError("two readings")

    monkeypatch.setattr("proxy.ca.names.rfc2253", unreadable)
    with pytest.raises(CertgateError, match="the subject cannot be read: two readings"):
        subject_text(name((NameOID.COMMON_NAME, "alice")))


def test_an_attribute_that_is_not_text_counts_in_hexadecimal():
    """X.500 unique identifiers are bit strings; they may stand in an adopted CA's name."""
    oid = NameOID.X500_UNIQUE_IDENTIFIER
    attribute = x509.NameAttribute(oid, b"\x01", x509.name._ASN1Type.BitString)
    authority = x509.Name([attribute])
    assert check_subject(name((NameOID.COMMON_NAME, "alice")), [authority]) == "alice"
