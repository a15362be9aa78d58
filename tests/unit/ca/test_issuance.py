"""What stands in a certificate, extension by extension."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from proxy.ca.issuance import authority_key_identifier, fingerprint, leaf_validity
from proxy.ca.keys import KeyType, generate_key, signature_hash
from proxy.ca.names import SubjectFields, parse_alternative_name
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest
from proxy.errors import CertgateError
from tests.authorities import Clock, client, openssl

if TYPE_CHECKING:
    from pathlib import Path

    from proxy.ca.authority import Authority


def test_a_client_certificate_has_exactly_what_the_profile_gives(authority: Authority):
    names = (parse_alternative_name("email:alice@example.com"),)
    issued = authority.issue(client(alternative_names=names))
    extensions = {type(e.value): (e.critical, e.value) for e in issued.certificate.extensions}
    assert set(extensions) == {
        x509.BasicConstraints,
        x509.KeyUsage,
        x509.ExtendedKeyUsage,
        x509.SubjectKeyIdentifier,
        x509.AuthorityKeyIdentifier,
        x509.SubjectAlternativeName,
    }
    assert extensions[x509.BasicConstraints] == (True, x509.BasicConstraints(False, None))
    critical, usage = extensions[x509.KeyUsage]
    assert critical
    assert isinstance(usage, x509.KeyUsage)
    assert usage.digital_signature
    assert not (usage.key_cert_sign)
    assert not (usage.crl_sign)
    assert not (usage.key_encipherment)
    assert list(extensions[x509.ExtendedKeyUsage][1]) == [ExtendedKeyUsageOID.CLIENT_AUTH]  # type: ignore[call-overload]


def test_a_server_certificate_serves_and_names_its_host(authority: Authority):
    issued = authority.issue(LeafRequest(Profile.SERVER, SubjectFields("gate.example.com")))
    extensions = issued.certificate.extensions
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["gate.example.com"]


def test_openssl_verifies_both_profiles_strictly(authority: Authority, tmp_path: Path):
    for profile, purpose in ((Profile.CLIENT, "sslclient"), (Profile.SERVER, "sslserver")):
        issued = authority.issue(LeafRequest(profile, SubjectFields("host.example.com")))
        path = tmp_path / f"{profile}.crt"
        path.write_bytes(issued.certificate.public_bytes(Encoding.PEM))
        told = openssl(
            "verify",
            *("-x509_strict", "-purpose", purpose, "-crl_check"),
            *("-CAfile", authority.registry.folder.certificate),
            *("-CRLfile", authority.registry.folder.crl, path),
        )
        assert "OK" in told


def test_the_authority_certificate_may_sign_certificates_and_lists_only(authority: Authority):
    certificate = authority.registry.certificate
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert basic.critical
    assert basic.value == x509.BasicConstraints(ca=True, path_length=0)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert usage.value.crl_sign
    assert not usage.value.digital_signature


def test_a_slow_clock_still_accepts_a_new_certificate(authority: Authority, clock: Clock):
    clock.advance(hours=1)
    certificate = authority.issue(client()).certificate
    assert clock() - certificate.not_valid_before_utc == timedelta(minutes=5)


def test_no_certificate_begins_before_its_authority(authority: Authority):
    certificate = authority.issue(client()).certificate
    assert certificate.not_valid_before_utc >= authority.registry.certificate.not_valid_before_utc


def test_the_default_lifetime_is_cut_to_the_end_of_the_authority(
    authority: Authority, clock: Clock
):
    clock.advance(days=3650 - 10)
    issued = authority.issue(client())
    assert issued.certificate.not_valid_after_utc == (
        authority.registry.certificate.not_valid_after_utc
    )


@pytest.mark.parametrize(
    ("profile", "lifetime", "reason"),
    [
        (Profile.CLIENT, timedelta(minutes=59), "shorter than an hour"),
        (Profile.CLIENT, timedelta(days=3651), "longer than the CA's own"),
        (Profile.CLIENT, timedelta.max, "longer than the CA's own"),
        (Profile.SERVER, timedelta(days=826), "at most 825 days"),
    ],
)
def test_impossible_lifetimes_are_refused(
    authority: Authority, clock: Clock, profile: Profile, lifetime: timedelta, reason: str
):
    with pytest.raises(CertgateError, match=reason):
        leaf_validity(authority.registry.certificate, profile, lifetime, clock())


def test_an_hour_is_enough(authority: Authority, clock: Clock):
    issued = authority.issue(client(lifetime=timedelta(hours=1)))
    assert issued.certificate.not_valid_after_utc == clock() + timedelta(hours=1)


def test_an_expired_authority_issues_nothing(authority: Authority, clock: Clock):
    clock.advance(days=3651)
    with pytest.raises(CertgateError, match="the CA expired on"):
        authority.issue(client())


def test_an_authority_without_key_identifier_is_named_by_its_key(clock: Clock):
    """Openssl can be told to leave the identifier out; an adopted CA may come like that."""
    key = generate_key(KeyType.P256)
    subject = SubjectFields("Bare CA").to_name()
    bare = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1)
        .not_valid_before(clock())
        .not_valid_after(clock() + timedelta(days=1))
        .sign(key, signature_hash(key))
    )
    expected = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    assert authority_key_identifier(bare).key_identifier == expected.digest


def test_a_fingerprint_is_lower_case_hex(authority: Authority):
    told = openssl(
        "x509",
        *("-in", authority.registry.folder.certificate),
        *("-noout", "-fingerprint", "-sha256"),
    )
    expected = told.partition("=")[2].strip().replace(":", "").lower()
    assert fingerprint(authority.registry.certificate) == expected
