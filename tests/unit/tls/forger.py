"""A TLS 1.3 client that sends what no TLS library sends: any content, correctly encrypted."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from OpenSSL import SSL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.pki import Identity

ALERT, HANDSHAKE, APPLICATION_DATA = 21, 22, 23
CERTIFICATE, CERTIFICATE_VERIFY, FINISHED = 11, 15, 20
KEY_UPDATE = b"\x18\x00\x00\x01\x00"
KEY_UPDATE_REQUESTED = b"\x18\x00\x00\x01\x01"
_HEADER = 5


class Keys:
    """One direction's, from one traffic secret (RFC 8446, section 7.3)."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._key, self._iv = self._expanded(b"key", 16), self._expanded(b"iv", 12)
        self._records = 0

    def sealed(self, content: bytes, kind: int) -> bytes:
        """Return a record of this content (section 5.2)."""
        inner = content + bytes([kind])
        header = b"\x17\x03\x03" + (len(inner) + 16).to_bytes(2, "big")
        return header + AESGCM(self._key).encrypt(self._nonce(), inner, header)

    def opened(self, record: bytes) -> bytes:
        """Return a record's content; it has no padding."""
        header, sealed = record[:_HEADER], record[_HEADER:]
        return AESGCM(self._key).decrypt(self._nonce(), sealed, header)[:-1]

    def next(self) -> Keys:
        """Return the keys that follow a KeyUpdate (section 7.2)."""
        return Keys(self._expanded(b"traffic upd", 32))

    def _nonce(self) -> bytes:
        number = int.from_bytes(self._iv, "big") ^ self._records
        self._records += 1
        return number.to_bytes(12, "big")

    def _expanded(self, label: bytes, size: int) -> bytes:
        """HKDF-Expand-Label (section 7.1), without a context."""
        label = b"tls13 " + label
        info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
        return HKDFExpand(SHA256(), size, info).derive(self._secret)


class Forger:
    """A real client in its handshake; what it sends can be changed, and is the test's after it.

    Attributes:
        tls: the client; it can read what the server sends.
    """

    def __init__(self, who: Identity | None = None) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.set_tls13_ciphersuites(b"TLS_AES_128_GCM_SHA256")
        context.set_keylog_callback(self._learn)
        if who is not None:
            context.use_certificate(who.leaf)
            context.use_privatekey(who.key)
        self.tls = SSL.Connection(context)
        self.tls.set_connect_state()
        self._secrets: dict[bytes, bytes] = {}
        self._keys: Keys

    def flight(self, answer: bytes = b"") -> bytes:
        """Go on with the handshake; return what is to be sent."""
        if answer:
            self.tls.bio_write(answer)
        with suppress(SSL.WantReadError):
            self.tls.do_handshake()
        return self.tls.bio_read(1 << 20)

    def shake_hands(self, exchange: Callable[[bytes], bytes]) -> None:
        """Run the handshake; ``exchange`` carries bytes to the server and its answer back."""
        tickets = exchange(self.flight(exchange(self.flight())))
        if tickets:
            self.tls.bio_write(tickets)
        self._keys = Keys(self._secrets[b"CLIENT_TRAFFIC_SECRET_0"])

    def last_flight(self, answer: bytes) -> list[bytes]:
        """Return the messages that end the handshake: Certificate to Finished."""
        records = list(_records(self.flight(answer)))
        keys = self._handshake_keys()
        content = b"".join(keys.opened(record) for record in records if record[0] != 0x14)
        return list(_messages(content))

    def sealed_flight(self, messages: list[bytes]) -> list[bytes]:
        """Return the records of a last flight of these messages, or pieces of them."""
        keys = self._handshake_keys()
        return [keys.sealed(message, HANDSHAKE) for message in messages]

    def record(self, content: bytes, kind: int = HANDSHAKE) -> bytes:
        """Return a record after the handshake."""
        return self._keys.sealed(content, kind)

    def key_update(self, message: bytes = KEY_UPDATE_REQUESTED, at: int = 0) -> list[bytes]:
        """Return a KeyUpdate in one record, or cut in two; what comes next has the next keys."""
        pieces = (message[:at], message[at:])
        sealed = [self.record(piece) for piece in pieces if piece]
        self._keys = self._keys.next()
        return sealed

    def read(self, ciphertext: bytes) -> bytes:
        """Return what the server has written."""
        self.tls.bio_write(ciphertext)
        return self.tls.recv(1 << 16)

    def _handshake_keys(self) -> Keys:
        return Keys(self._secrets[b"CLIENT_HANDSHAKE_TRAFFIC_SECRET"])

    def _learn(self, _connection: SSL.Connection, line: bytes) -> None:
        label, _, secret = line.split()
        self._secrets[label] = bytes.fromhex(secret.decode("ascii"))


def _records(data: bytes) -> Iterator[bytes]:
    while data:
        size = _HEADER + int.from_bytes(data[3:_HEADER], "big")
        yield data[:size]
        data = data[size:]


def _messages(data: bytes) -> Iterator[bytes]:
    while data:
        size = 4 + int.from_bytes(data[1:4], "big")
        yield data[:size]
        data = data[size:]
