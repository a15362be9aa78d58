"""From a handshake to an identity, also where something is odd."""

import datetime as dt
import ssl
from itertools import pairwise

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from proxy.identity.peer import NO_CERTIFICATE
from proxy.tls import authorities
from proxy.tls.peer import read_peer
from proxy.tls.verification import VerificationRecord
from tests.pki import ADMITTED, START, Identity, client, ec_key, name, trust
from tests.unit.tls.memory import TLS_1_2, client_context, gate, join, open_ends


def test_certificates_of_the_configuration_are_not_parsed_again():
    identity = read_peer(join(gate(), client("good")).server)
    assert identity.chain[1] is trust().root.certificate


def test_a_callback_that_failed_refuses_whatever_else_was_found():
    ends = join(gate(crls=[trust().root.crl()]), client("good"))
    ends.server.record.broken = True
    identity = read_peer(ends.server)
    assert identity.leaf == client("good").leaf
    assert not identity.judged
    assert [error.number for error in identity.errors] == [50]


@pytest.mark.parametrize("kind", ["good", "expired"])
@pytest.mark.parametrize("changes", [{}, {"crls": [trust().root.crl()]}], ids=["after", "within"])
def test_a_certificate_whose_callback_never_ran_is_not_judged(
    changes: dict[str, object], kind: str
):
    """It stands there all the same on a resumed session, and nobody has proved its key."""
    ends = join(gate(**changes), client(kind))
    ends.server.record = VerificationRecord()
    identity = read_peer(ends.server)
    assert not identity.judged
    assert identity != NO_CERTIFICATE


def test_a_connection_without_a_record_is_refused_without_an_exception():
    ends = join(gate(), client("good"))
    del ends.server.record
    identity = read_peer(ends.server)
    assert not identity.judged
    assert identity.errors


def test_a_certificate_that_cannot_be_parsed_is_refused_without_an_exception(
    monkeypatch: pytest.MonkeyPatch,
):
    def load(_der: bytes) -> x509.Certificate:
        raise ValueError("not in the mood")

    monkeypatch.setattr(authorities, "load_der_x509_certificate", load)
    identity = read_peer(join(gate(), trust().root.client("never seen before")).server)
    assert identity.leaf is None
    assert not identity.judged
    assert identity.errors


def test_before_the_handshake_there_is_nobody_and_not_somebody_without_a_certificate():
    identity = read_peer(gate().new_connection())
    assert identity.leaf is None
    assert identity.errors


@pytest.mark.parametrize("changes", [{}, {"crls": [trust().root.crl()]}], ids=["after", "within"])
def test_whoever_has_not_proved_the_key_yet_is_not_judged(changes: dict[str, object]):
    """In TLS 1.2 a certificate comes first, for everybody to copy; its proof comes later."""
    ends = open_ends(gate(**changes), client_context(client("good"), TLS_1_2))
    for _ in range(2):
        with pytest.raises(ssl.SSLWantReadError):
            ends.client.do_handshake()
        flight = ends.from_client.read()
        first_record = flight[: 5 + int.from_bytes(flight[3:5], "big")]
        ends.server.feed(first_record)
        assert ends.server.handshake() is False
        ends.back()
    assert ends.server.presented()
    identity = read_peer(ends.server)
    assert not identity.judged
    assert identity.errors


def test_without_a_path_the_leaf_alone_is_the_chain(monkeypatch: pytest.MonkeyPatch):
    ends = join(gate(), client("expired"))
    monkeypatch.setattr(type(ends.server), "path", lambda _self: [])
    assert read_peer(ends.server).chain == (client("expired").leaf,)


@pytest.mark.parametrize("kind", ADMITTED)
def test_the_path_of_a_good_client_leads_from_its_leaf_to_an_anchor(kind: str):
    chain = read_peer(join(gate(), client(kind)).server).chain
    assert chain[0] == client(kind).leaf
    assert chain[-1] == trust().root.certificate
    for one, issuer in pairwise(chain):
        one.verify_directly_issued_by(issuer)


def test_a_second_reading_says_the_same():
    server = join(gate(), client("good")).server
    assert read_peer(server) == read_peer(server)


def key_cert_sign() -> x509.KeyUsage:
    """Return the key usage that a careless profile gives to everybody."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def unsigned(subject: str, issuer: x509.Name, key: object) -> x509.CertificateBuilder:
    """Return the beginnings of a certificate without a single extension."""
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())  # type: ignore[attr-defined]
        .serial_number(4711)
        .not_valid_before(START - dt.timedelta(days=1))
        .not_valid_after(START + dt.timedelta(days=1))
    )


NETSCAPE_CA = x509.UnrecognizedExtension(
    x509.ObjectIdentifier("2.16.840.1.113730.1.1"), bytes.fromhex("03020007")
)


@pytest.mark.parametrize("extension", [key_cert_sign(), NETSCAPE_CA], ids=["keyCertSign", "nsCA"])
def test_a_client_cannot_issue_certificates_without_basic_constraints(
    extension: x509.ExtensionType,
):
    """RFC 5280, section 6.1.4 (k). OpenSSL once took either extension for a CA's."""
    root, key, forged_key = trust().root, ec_key(), ec_key()
    builder = unsigned("careless", root.subject, key).add_extension(extension, critical=False)
    signer = builder.sign(root.key, hashes.SHA256())
    forged = unsigned("admin", signer.subject, forged_key).sign(key, hashes.SHA256())
    identity = read_peer(join(gate(), Identity(forged_key, (forged, signer))).server)
    assert (79, 1) in {(error.number, error.depth) for error in identity.errors}
