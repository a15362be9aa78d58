"""Whatever a request says: a client's certificate comes out, or one clear refusal."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st
from OpenSSL import crypto

from proxy.ca.names import parse_alternative_name
from proxy.ca.request import parse_request
from proxy.errors import CertgateError
from tests.authorities import make_authority

if TYPE_CHECKING:
    from proxy.ca.authority import Authority

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))  # signs the same text the same way
PATH = Path("x.csr")
OIDS = st.sampled_from(
    [
        NameOID.COMMON_NAME,
        NameOID.ORGANIZATION_NAME,
        NameOID.EMAIL_ADDRESS,
        NameOID.SERIAL_NUMBER,
        NameOID.JURISDICTION_LOCALITY_NAME,
    ]
)
TEXTS = st.text(min_size=1, max_size=20) | st.sampled_from(["Test CA", "test  ca", " ", "alice"])
ATTRIBUTES = st.builds(x509.NameAttribute, OIDS, TEXTS)
ALICE = x509.NameAttribute(NameOID.COMMON_NAME, "alice")
NAMES = st.one_of(
    st.lists(ATTRIBUTES, max_size=4).map(x509.Name),
    st.lists(
        ATTRIBUTES.filter(lambda attribute: attribute.oid != NameOID.COMMON_NAME), max_size=3
    ).map(lambda attributes: x509.Name([*attributes, ALICE])),
)
LABELS = st.text("abc*.-:/%\0", min_size=1, max_size=12)
GENERAL_NAMES = st.one_of(
    st.builds(x509.DNSName, LABELS),
    st.builds(x509.RFC822Name, LABELS.map(lambda text: f"{text.strip()}@example.com")),
    st.builds(x509.UniformResourceIdentifier, LABELS),
    st.builds(x509.IPAddress, st.ip_addresses()),
    st.builds(x509.DirectoryName, NAMES),
    st.builds(x509.RegisteredID, st.just(x509.ObjectIdentifier("1.2.3"))),
)
EXTENSIONS = st.one_of(
    st.builds(x509.BasicConstraints, st.just(True), st.none() | st.integers(0, 3)),
    st.just(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])),
    st.just(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])),
    st.just(x509.KeyUsage(*[True] * 9)),
    st.builds(x509.SubjectAlternativeName, st.lists(GENERAL_NAMES, min_size=1, max_size=4)),
    st.builds(
        x509.UnrecognizedExtension, st.just(x509.ObjectIdentifier("1.2.3.4")), st.binary(max_size=9)
    ),
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(Path(tempfile.mkdtemp(dir=tmp_path_factory.getbasetemp())) / "ca")


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Draw a request that is well signed, whatever it asks for."""
    builder = x509.CertificateSigningRequestBuilder(draw(NAMES))
    for extension in draw(st.lists(EXTENSIONS, max_size=3, unique_by=lambda item: item.oid)):
        builder = builder.add_extension(extension, critical=draw(st.booleans()))
    try:
        return builder.sign(KEY, None).public_bytes(Encoding.DER)
    except ValueError:
        reject()  # text that not even a request can hold


@given(requests())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_only_a_clients_certificate_ever_comes_out(authority: Authority, request_der: bytes):
    """Two verifiers agree that it is a good client certificate, and it is nothing more."""
    try:
        issued = authority.sign(parse_request(request_der, PATH))
    except CertgateError:
        return
    event("signed")
    certificate, root = issued.certificate, authority.registry.certificate
    extensions = certificate.extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca) == (True, False)
    usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    assert len(extensions) in {5, 6}
    [common_name] = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert str(common_name.value).isprintable()
    assert str(common_name.value).strip()
    _verify_by_openssl(certificate, root)
    _verify_by_cryptography(certificate, root)


def _verify_by_openssl(certificate: x509.Certificate, root: x509.Certificate) -> None:
    store = crypto.X509Store()
    store.add_cert(crypto.X509.from_cryptography(root))
    store.set_flags(crypto.X509StoreFlags.X509_STRICT)
    leaf = crypto.X509.from_cryptography(certificate)
    crypto.X509StoreContext(store, leaf).verify_certificate()


def _verify_by_cryptography(certificate: x509.Certificate, root: x509.Certificate) -> None:
    verifier = (
        PolicyBuilder()
        .store(Store([root]))
        .time(certificate.not_valid_before_utc + timedelta(hours=1))
        .extension_policies(
            ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all()
        )
        .build_client_verifier()
    )
    verifier.verify(certificate, [])


@given(requests(), st.data())
@settings(deadline=None)
def test_a_damaged_request_is_read_or_refused_and_never_crashes(
    request_der: bytes, data: st.DataObject
):
    damaged = bytearray(request_der)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = data.draw(st.integers(0, 255))
    try:
        parse_request(bytes(damaged), PATH)
    except CertgateError:
        event("refused")


@given(st.binary(max_size=200) | st.text(max_size=50).map(str.encode))
def test_any_bytes_are_refused_in_one_line(data: bytes):
    with pytest.raises(CertgateError) as caught:
        parse_request(data, PATH)
    assert "\n" not in str(caught.value)


@given(st.sampled_from(["dns:", "email:", "uri:", "ip:", ""]), st.text(max_size=30))
def test_any_text_is_an_alternative_name_or_refused(kind: str, text: str):
    try:
        name = parse_alternative_name(kind + text)
    except CertgateError:
        return
    assert str(name.value).isprintable()
