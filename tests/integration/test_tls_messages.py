"""Clients that know TLS 1.3 well and send messages that no library sends: OpenSSL's answers."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from proxy.tls.failure import TLSError
from proxy.tls.openssl import error_queue_is_empty
from proxy.tls.peer import read_peer
from tests.pki import client
from tests.unit.tls.forger import (
    ALERT,
    APPLICATION_DATA,
    CERTIFICATE,
    CERTIFICATE_VERIFY,
    KEY_UPDATE,
    Forger,
)
from tests.unit.tls.memory import gate, server_certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from proxy.tls.connection import TLSConnection

FLIGHT = 1 << 16
# The random of a ServerHello that is a HelloRetryRequest (RFC 8446, section 4.1.3).
HELLO_RETRY_REQUEST = hashlib.sha256(b"HelloRetryRequest").digest()


def exchange_with(server: TLSConnection) -> Callable[[bytes], bytes]:
    """Return what carries a flight to this server and its answer back."""

    def exchange(flight: bytes) -> bytes:
        server.feed(flight)
        server.handshake()
        return server.drain(FLIGHT)

    return exchange


def joined() -> tuple[Forger, TLSConnection]:
    """Return a good client and its server after the handshake."""
    forger, server = Forger(client("good")), gate().new_connection()
    forger.shake_hands(exchange_with(server))
    assert read_peer(server).judged
    return forger, server


def before_the_last_flight(who: str) -> tuple[Forger, TLSConnection, list[bytes]]:
    """Return client and server in the midst of it, and the client's messages that would end it."""
    forger, server = Forger(client(who)), gate().new_connection()
    messages = forger.last_flight(exchange_with(server)(forger.flight()))
    assert [message[0] for message in messages] == [CERTIFICATE, CERTIFICATE_VERIFY, 20]
    return forger, server, messages


def certificate_message(who: str) -> bytes:
    """Return the Certificate message of somebody, made of what everybody can see."""
    der = client(who).leaf.public_bytes(Encoding.DER)
    entry = len(der).to_bytes(3, "big") + der + bytes(2)
    body = b"\0" + len(entry).to_bytes(3, "big") + entry
    return bytes([CERTIFICATE]) + len(body).to_bytes(3, "big") + body


NOBODY = b"\x0b\0\0\x04\0\0\0\0"
LAST_FLIGHTS: dict[str, tuple[Callable[[bytes, bytes, bytes], list[bytes]], str]] = {
    "another's certificate": (
        lambda _mine, proof, end: [certificate_message("good"), proof, end],
        "bad signature",
    ),
    "no proof of the key": (lambda mine, _proof, end: [mine, end], "unexpected message"),
    "a damaged proof": (
        lambda mine, proof, end: [mine, proof[:-9] + bytes([proof[-9] ^ 1]) + proof[-8:], end],
        "bad signature",
    ),
    "a second certificate": (
        lambda mine, proof, end: [mine, certificate_message("good"), proof, end],
        "unexpected message",
    ),
    "another's certificate after the proof": (
        lambda mine, proof, end: [mine, proof, certificate_message("good"), end],
        "unexpected message",
    ),
    "proof before certificate": (
        lambda mine, proof, end: [proof, mine, end],
        "unexpected message",
    ),
    "proof of nothing": (lambda _mine, proof, end: [NOBODY, proof, end], "unexpected message"),
    "nothing at all": (lambda _mine, _proof, end: [end], "unexpected message"),
    "an end that belongs to other messages": (
        lambda _mine, _proof, end: [NOBODY, end],
        "digest check failed",
    ),
}


@pytest.mark.parametrize("kind", LAST_FLIGHTS)
def test_a_certificate_without_the_proof_of_its_key_ends_the_handshake(kind: str):
    """A certificate is public: whoever has seen one can send it."""
    forger, server, (mine, proof, end) = before_the_last_flight("self_signed")
    change, reason = LAST_FLIGHTS[kind]
    server.feed(b"".join(forger.sealed_flight(change(mine, proof, end))))
    with pytest.raises(TLSError, match=reason):
        server.handshake()
    assert error_queue_is_empty()
    with pytest.raises(TLSError):
        server.handshake()
    assert server.drain(FLIGHT), "an alert"


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("who", ["good", "expired", "self_signed"])
def test_the_messages_of_the_last_flight_may_come_in_pieces(who: str, size: int):
    """Each message over many records, and each record alone (RFC 8446, section 5.1)."""
    forger, server, messages = before_the_last_flight(who)
    content = b"".join(messages)
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    *before, last = forger.sealed_flight(pieces)
    for record in before:
        server.feed(record)
        assert not server.handshake()
    server.feed(last)
    assert server.handshake()
    identity = read_peer(server)
    assert identity.leaf == client(who).leaf
    assert bool(identity.errors) is (who != "good")


WRONG_LATER = {
    "certificate": NOBODY,
    "a good certificate": certificate_message("good"),
    "ClientHello": b"\x01\0\0\x04aaaa",
    "NewSessionTicket": b"\x04\0\0\x04aaaa",
    "EndOfEarlyData": b"\x05\0\0\0",
    "Finished": b"\x14\0\0\x20" + bytes(32),
    "KeyUpdate of another kind": b"\x18\0\0\x01\x07",
    "a long KeyUpdate": b"\x18\0\0\x02\0\0",
    "a message of 16 MB": b"\x0b\xff\xff\xff",
}


@pytest.mark.parametrize("kind", WRONG_LATER)
def test_no_message_of_a_handshake_is_taken_after_it(kind: str):
    """Post-handshake authentication is for who was asked; nobody is."""
    forger, server = joined()
    before = read_peer(server)
    server.feed(forger.record(WRONG_LATER[kind]))
    for _ in range(2):
        with pytest.raises(TLSError):
            server.read(100)
        with pytest.raises(TLSError):
            server.write(b"x")
        assert error_queue_is_empty()
    assert server.drain(FLIGHT), "an alert"
    assert read_peer(server) == before


def test_a_key_update_that_is_cut_in_two_holds_up_writing_until_it_is_whole():
    forger, server = joined()
    first, second = forger.key_update(at=4)
    server.feed(first)
    assert server.read(100) is None
    with pytest.raises(TLSError, match="incomplete handshake"):
        server.write(b"too early")
    assert server.drain(FLIGHT) == b""
    assert error_queue_is_empty()
    server.feed(second + forger.record(b"ping", APPLICATION_DATA))
    assert server.read(100) == b"ping"
    server.write(b"pong")
    assert forger.read(server.drain(FLIGHT)) == b"pong"


def test_data_between_the_halves_of_a_message_is_an_error():
    forger, server = joined()
    server.feed(forger.record(KEY_UPDATE[:4]) + forger.record(b"data", APPLICATION_DATA))
    with pytest.raises(TLSError, match="unexpected record"):
        server.read(100)


def test_a_thousand_key_updates_are_answered():
    forger, server = joined()
    flood = b"".join(sealed for _ in range(1000) for sealed in forger.key_update())
    server.feed(flood + forger.record(b"ping", APPLICATION_DATA))
    assert server.read(100) == b"ping"
    server.write(b"pong")
    assert forger.read(server.drain(FLIGHT)) == b"pong"


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", 0), (b"x", 0), (b"x", 20), (b"x", 99), (b"", 22), (b"", ALERT), (b"\2\x50", ALERT)],
)
def test_records_of_no_known_kind_and_fatal_alerts_are_the_end(content: bytes, kind: int):
    forger, server = joined()
    server.feed(forger.record(content, kind))
    with pytest.raises(TLSError):
        server.read(100)
    assert error_queue_is_empty()


def test_after_close_notify_nothing_is_read_and_something_can_be_written():
    """Half-closed (RFC 8446, section 6.1)."""
    forger, server = joined()
    server.feed(forger.record(b"\1\0", ALERT) + forger.record(b"late", APPLICATION_DATA))
    assert server.read(100) == b""
    assert server.read(100) == b""
    server.write(b"pong")
    assert forger.read(server.drain(FLIGHT)) == b"pong"
    assert server.shutdown() is True


@pytest.mark.parametrize("who", ["good", "expired"])
def test_a_client_that_has_to_say_hello_again_is_judged_once(who: str):
    """HelloRetryRequest (RFC 8446, section 4.1.4): the name's callback runs twice."""
    other = server_certificate("other.example")
    server = gate(by_name={"other.example": other}, alpn=("http/1.1",)).new_connection()
    forger = Forger(client(who))
    forger.tls.set_tlsext_host_name(b"other.example")
    assert SSL._lib.SSL_set1_curves_list(forger.tls._ssl, b"ffdhe2048:X25519")
    server.feed(forger.flight())
    assert server.handshake() is False
    again = server.drain(FLIGHT)
    assert HELLO_RETRY_REQUEST in again
    server.feed(forger.flight(again))
    assert server.handshake() is False
    server.feed(forger.flight(server.drain(FLIGHT)))
    assert server.handshake() is True
    identity = read_peer(server)
    assert identity.judged
    assert [error.number for error in identity.errors] == ([] if who == "good" else [10])
    assert forger.tls.get_peer_certificate(as_cryptography=True) == other.certificate
