"""The dictionary of a certificate is the standard library's, which is the oracle here."""

import ipaddress
import ssl
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from proxy.tls.peercert import certificate_dict
from tests.pki import NASTY_SUBJECTS, Profile, certificate_pem, client, name, trust

EVERY_NAME = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "DE"),
        x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Hessen"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, "Kassel"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Acme"),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "Ops"),
        x509.NameAttribute(NameOID.COMMON_NAME, "Jürgen"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "j@example.com"),
        x509.NameAttribute(NameOID.SERIAL_NUMBER, "17"),
        x509.NameAttribute(NameOID.SURNAME, "Müller"),
        x509.NameAttribute(NameOID.GIVEN_NAME, "Jürgen"),
        x509.NameAttribute(NameOID.TITLE, "Dr"),
        x509.NameAttribute(NameOID.PSEUDONYM, "jm"),
        x509.NameAttribute(NameOID.DN_QUALIFIER, "q"),
        x509.NameAttribute(NameOID.GENERATION_QUALIFIER, "II"),
        x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "example"),
        x509.NameAttribute(NameOID.USER_ID, "jm"),
        x509.NameAttribute(NameOID.STREET_ADDRESS, "Street 1"),
        x509.NameAttribute(NameOID.POSTAL_CODE, "34117"),
    ]
)

ALTERNATIVES = (
    x509.DNSName("device.example"),
    x509.RFC822Name("alice@example.com"),
    x509.UniformResourceIdentifier("spiffe://example/alice"),
    x509.IPAddress(ipaddress.ip_address("192.0.2.1")),
    x509.DirectoryName(name("alice", "Acme")),
    x509.RegisteredID(x509.ObjectIdentifier("1.2.3.4")),
)

ACCESS = x509.AuthorityInformationAccess(
    [
        x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP,
            x509.UniformResourceIdentifier("http://ocsp.example/"),
        ),
        x509.AccessDescription(
            AuthorityInformationAccessOID.CA_ISSUERS,
            x509.UniformResourceIdentifier("http://ca.example/ca.crt"),
        ),
    ]
)

POINTS = x509.CRLDistributionPoints(
    [
        x509.DistributionPoint(
            [x509.UniformResourceIdentifier("http://ca.example/crl")], None, None, None
        ),
    ]
)


def standard(certificate: x509.Certificate, tmp_path: Path) -> dict[str, Any]:
    """Return what the standard library says of this certificate."""
    path = tmp_path / "one.crt"
    path.write_bytes(certificate_pem(certificate))
    decoded: dict[str, Any] = ssl._ssl._test_decode_cert(str(path))  # type: ignore[attr-defined]
    return decoded


@pytest.mark.parametrize("kind", ["good", "no_eku", "empty_subject", "expired"])
def test_ordinary_certificates_look_the_same(kind: str, tmp_path: Path):
    leaf = client(kind).leaf
    assert certificate_dict(leaf) == standard(leaf, tmp_path)


def test_a_certificate_with_everything_looks_the_same(tmp_path: Path):
    more = ((ACCESS, False), (POINTS, False))
    profile = Profile(subject=EVERY_NAME, alternative_names=ALTERNATIVES, more=more)
    leaf = trust().root.issue(profile).leaf
    assert certificate_dict(leaf) == standard(leaf, tmp_path)


# The standard library cannot decode these two: it wants UTF-8 without NUL, and a known type.
@pytest.mark.parametrize("which", sorted(NASTY_SUBJECTS))
def test_nasty_subjects_do_not_break_it(which: str, tmp_path: Path):
    leaf = trust().root.issue(Profile(subject=NASTY_SUBJECTS[which])).leaf
    assert certificate_dict(leaf)["subject"] == standard(leaf, tmp_path)["subject"]


def test_the_times_can_be_read_back():
    leaf = client("good").leaf
    told = certificate_dict(leaf)
    assert ssl.cert_time_to_seconds(told["notAfter"]) == leaf.not_valid_after_utc.timestamp()


def test_a_kind_of_name_without_a_form_of_its_own_is_named():
    other = x509.OtherName(x509.ObjectIdentifier("1.2.3"), b"\x0c\x01a")
    leaf = trust().root.issue(Profile(alternative_names=(other,))).leaf
    assert certificate_dict(leaf)["subjectAltName"] == (("othername", "<unsupported>"),)


def test_access_by_other_means_than_uri_is_left_out():
    description = x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.DNSName("a"))
    access = x509.AuthorityInformationAccess([description])
    leaf = trust().root.issue(Profile(more=((access, False),))).leaf
    assert "OCSP" not in certificate_dict(leaf)
