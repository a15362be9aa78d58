"""What a CSR may carry into a client certificate, and what it may not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from proxy.ca.keys import KeyType, generate_key, plain_pem
from proxy.ca.names import SubjectFields, subject_text
from proxy.ca.profiles import Profile
from proxy.ca.request import LeafRequest, parse_request
from proxy.errors import CertgateError
from tests.authorities import client, openssl

if TYPE_CHECKING:
    from proxy.ca.authority import Authority

PATH = Path("bob.csr")
KEY = ec.generate_private_key(ec.SECP256R1())


def csr(*extensions: x509.ExtensionType, name: x509.Name | None = None) -> bytes:
    subject = name or SubjectFields("bob", "Acme").to_name()
    builder = x509.CertificateSigningRequestBuilder(subject)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_request_of_openssl_is_read_in_pem_and_der(tmp_path: Path):
    key, path = tmp_path / "bob.key", tmp_path / "bob.csr"
    options = ("-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/O=Acme/CN=bob")
    openssl("req", "-new", *options, "-out", path)
    asked = parse_request(path.read_bytes(), path)
    assert subject_text(asked.subject) == "CN=bob,O=Acme"
    assert isinstance(asked.public_key, rsa.RSAPublicKey)
    assert asked.dropped == ()
    der = x509.load_pem_x509_csr(path.read_bytes()).public_bytes(Encoding.DER)
    assert parse_request(der, path).subject == asked.subject


def test_the_names_that_a_client_may_have_are_taken_and_others_dropped():
    names = [
        x509.DNSName("bob.example.com"),
        x509.RFC822Name("bob@example.com"),
        x509.DirectoryName(SubjectFields("x").to_name()),
        x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3"), b"\x0c\x03bob"),
    ]
    asked = parse_request(csr(x509.SubjectAlternativeName(names)), PATH)
    assert list(asked.alternative_names) == names[:2]
    assert asked.dropped == (
        "alternative name other:DirectoryName",
        "alternative name other:OtherName",
    )


def test_a_name_with_control_characters_is_dropped():
    names = x509.SubjectAlternativeName([x509.DNSName("bob\nX-Admin: 1")])
    asked = parse_request(csr(names), PATH)
    assert asked.alternative_names == ()
    assert len(asked.dropped) == 1


def test_extensions_beyond_the_profile_never_reach_the_certificate(authority: Authority):
    """A request asks to be a CA and a server; the certificate is a client's."""
    asked = parse_request(
        csr(
            x509.BasicConstraints(ca=True, path_length=None),
            x509.ExtendedKeyUsage(
                [ExtendedKeyUsageOID.SERVER_AUTH, x509.ObjectIdentifier("1.2.3")]
            ),
            x509.OCSPNoCheck(),
        ),
        PATH,
    )
    assert asked.dropped == (
        "extension basicConstraints (asks to be a CA)",
        "extension extendedKeyUsage (serverAuth, 1.2.3)",
        "extension OCSPNoCheck",
    )
    extensions = authority.sign(asked).certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_subject_field_that_nobody_needs_is_dropped():
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.JURISDICTION_COUNTRY_NAME, "DE"),
            x509.NameAttribute(NameOID.COMMON_NAME, "bob"),
        ]
    )
    asked = parse_request(csr(name=name), PATH)
    assert subject_text(asked.subject) == "CN=bob"
    assert asked.dropped[0].startswith("subject field")


def test_a_request_signed_by_another_key_is_refused():
    """Without proof of possession somebody could have a certificate made for another's key."""
    data = bytearray(csr())
    data[data.index(b"bob")] ^= 1
    with pytest.raises(CertgateError, match=r"bob\.csr: .*no proof of possession"):
        parse_request(bytes(data), PATH)


def test_a_weak_key_is_refused():
    weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to be refused
    request = x509.CertificateSigningRequestBuilder(SubjectFields("bob").to_name())
    data = request.sign(weak, hashes.SHA256()).public_bytes(Encoding.DER)
    with pytest.raises(CertgateError, match="1024 bits, which is too weak"):
        parse_request(data, PATH)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a certificate signing request"),
        (b"garbage", "not a certificate signing request"),
        (plain_pem(generate_key(KeyType.P256)), "this is a private key"),
        (b"-----BEGIN CERTIFICATE-----\n", "this is a certificate already"),
        (b"-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n", "not a certificate signing request"),
    ],
)
def test_what_is_not_a_request_is_named(data: bytes, reason: str):
    with pytest.raises(CertgateError, match=rf"bob\.csr: {reason}"):
        parse_request(data, PATH)


def test_a_damaged_extension_is_one_clear_line():
    damaged = x509.UnrecognizedExtension(x509.SubjectAlternativeName.oid, b"\x30\x05garba")
    with pytest.raises(CertgateError, match="damaged or unsupported"):
        parse_request(csr(damaged), PATH)


def test_a_field_of_forbidden_length_is_one_clear_line():
    """cryptography only warns about a country of seven letters; it may not go through."""
    with pytest.warns(UserWarning, match="length"):
        long = x509.NameAttribute(NameOID.COUNTRY_NAME, "Germany", _validate=False)
    with pytest.raises(CertgateError, match="damaged or unsupported"):
        parse_request(csr(name=x509.Name([long])), PATH)


def test_a_server_without_alternative_names_gets_its_common_name():
    assert LeafRequest(Profile.SERVER, SubjectFields("10.0.0.1")).names()[0].value.exploded == (
        "10.0.0.1"
    )
    with pytest.raises(CertgateError, match="not a DNS name"):
        LeafRequest(Profile.SERVER, SubjectFields("My Server")).names()
    assert client().names() == ()
