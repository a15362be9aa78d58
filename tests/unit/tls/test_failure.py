"""Handshakes that fail for another reason than the verdict on a certificate, and their names."""

import ssl

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from proxy.tls.failure import (
    UNKNOWN_FAILURE,
    TLSError,
    context_failure_reason,
    failure_of,
    failure_reason,
)
from proxy.tls.openssl import error_queue_is_empty
from proxy.tls.peer import read_peer
from tests.pki import Identity, client, ec_key
from tests.unit.tls.memory import BOTH_VERSIONS, TLS_1_2, client_context, gate, join


def first_words(data: bytes) -> str:
    """Return why a server hangs up on a client that begins with these bytes."""
    server = gate().new_connection()
    server.feed(data)
    with pytest.raises(TLSError) as caught:
        server.handshake()
    assert error_queue_is_empty()
    return caught.value.reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "http request"),
        (b"CONNECT a:443 HTTP/1.1\r\n\r\n", "https proxy request"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "wrong version number"),
        (b"\x16\x03\x01\xff\xff" + b"\0" * 100, "data length too long"),
        (b"\x15\x03\x03\x00\x02\x02\x28", "unexpected message"),
    ],
)
def test_what_is_no_tls_has_a_reason(data: bytes, reason: str):
    assert first_words(data) == reason


def stolen(victim: Identity) -> Identity:
    """Return the victim's certificate with a key that only claims to be the victim's."""
    thief, theirs = ec_key(), victim.key
    assert isinstance(theirs, ec.EllipticCurvePrivateKey)
    encoded = thief.private_bytes(Encoding.DER, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    points = [
        key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        for key in (thief, theirs)
    ]
    assert points[0] in encoded
    return Identity(load_unchecked(encoded.replace(*points)), victim.certificates)


def load_unchecked(encoded: bytes) -> object:
    """Return a stand-in for a private key whose two halves do not fit."""

    class Unchecked:
        def private_bytes(self, *_arguments: object) -> bytes:
            return (
                ssl.DER_cert_to_PEM_cert(encoded).replace("CERTIFICATE", "EC PRIVATE KEY").encode()
            )

    with pytest.raises(ValueError):
        load_der_private_key(encoded, None)
    return Unchecked()


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_a_certificate_without_its_private_key_fails_the_handshake(version: ssl.TLSVersion):
    with pytest.raises(TLSError) as caught:
        join(gate(), stolen(client("good")), version=version)
    assert caught.value.reason == "bad signature"
    assert error_queue_is_empty()


def damaged(original: bytes, replacement: bytes, who: Identity) -> str:
    """Return why the handshake fails when the certificate is damaged on its way.

    TLS 1.2 sends the client's certificate in the clear, so the wire itself can be the attacker.
    """
    der = who.leaf.public_bytes(Encoding.DER)
    assert original in der
    changed = der.replace(original, replacement, 1)
    with pytest.raises((TLSError, ssl.SSLError)) as caught:
        join(gate(), who, version=TLS_1_2, change=lambda data: data.replace(der, changed))
    assert isinstance(caught.value, TLSError)
    assert error_queue_is_empty()
    return caught.value.reason


def test_a_certificate_that_is_no_der_fails_the_handshake():
    der = client("good").leaf.public_bytes(Encoding.DER)
    assert damaged(der[:1], b"\x31", client("good")) == "decode error"


def test_a_certificate_with_bytes_behind_it_fails_the_handshake():
    der = client("good").leaf.public_bytes(Encoding.DER)
    shorter = (int.from_bytes(der[2:4], "big") - 1).to_bytes(2, "big")
    assert damaged(der[:4], der[:2] + shorter, client("good")) == "decode error"


def test_the_next_client_is_not_told_of_the_last_one_s_failure():
    context = gate()
    with pytest.raises(TLSError):
        join(context, stolen(client("good")))
    assert read_peer(join(context, client("good")).server).judged


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (ssl.SSL_ERROR_ZERO_RETURN, "closed by the client"),
        (ssl.SSL_ERROR_SYSCALL, "connection lost"),
        (ssl.SSL_ERROR_WANT_READ, "incomplete handshake"),
        (ssl.SSL_ERROR_WANT_WRITE, "incomplete handshake"),
        (ssl.SSL_ERROR_SSL, UNKNOWN_FAILURE),
    ],
)
def test_each_number_has_a_reason(number: int, reason: str):
    assert failure_of(number).reason == reason


@pytest.mark.parametrize(*BOTH_VERSIONS)
def test_bytes_that_end_in_a_handshake_are_a_lost_connection(version: ssl.TLSVersion):
    server = gate(min_version="1.2").new_connection()
    hello, browser = ssl.MemoryBIO(), client_context(version=version)
    with pytest.raises(ssl.SSLWantReadError):
        browser.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    server.feed(hello.read())
    assert server.handshake() is False
    server.feed_end()
    with pytest.raises(TLSError) as caught:
        server.handshake()
    assert (caught.value.number, caught.value.reason) == (
        ssl.SSL_ERROR_SYSCALL,
        "connection lost",
    )
    assert error_queue_is_empty()


ENTRIES = [
    ([("asn1 routines", "wrong tag"), ("SSL routines", "asn1 lib")], "decode error"),
    ([("rsa routines", "Bad Thing")], "bad thing"),
    ([("SSL routines", "")], UNKNOWN_FAILURE),
    ([], UNKNOWN_FAILURE),
]


@pytest.mark.parametrize(("entries", "reason"), ENTRIES)
def test_the_first_entry_of_the_tls_library_is_the_reason(
    entries: list[tuple[str, str]], reason: str
):
    assert failure_reason(entries) == reason
    raised = SSL.Error([(library, "", text) for library, text in entries])
    assert context_failure_reason(raised) == reason


@pytest.mark.parametrize(
    "odd", [SSL.Error(), SSL.Error("text"), SSL.Error(7), ValueError("not OpenSSL's")]
)
def test_an_odd_error_has_no_reason(odd: Exception):
    assert context_failure_reason(odd) == UNKNOWN_FAILURE


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists).map(SSL.Error))
def test_no_error_is_too_odd_for_a_reason(error: SSL.Error):
    assert context_failure_reason(error) == context_failure_reason(error).lower()
