"""A TLS 1.2 client made by hand that goes only as far as its certificate (RFC 5246, section 7.4).

OpenSSL never sends a certificate that does not parse, or one whose key it does not hold. These
two clients do: up to CertificateVerify nothing is encrypted in TLS 1.2, so no more is needed.
"""

from __future__ import annotations

import os
import socket
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.pki import Identity, ec_key

_HANDSHAKE, _ALERT = 22, 21
_CLIENT_HELLO, _CERTIFICATE, _SERVER_HELLO_DONE = 1, 11, 14
_CERTIFICATE_VERIFY, _CLIENT_KEY_EXCHANGE = 15, 16
_ECDSA_SHA256 = 0x0403
DECODE_ERROR, DECRYPT_ERROR, BAD_CERTIFICATE = 50, 51, 42


def send_certificate(port: int, entries: list[bytes], timeout: float = 10) -> int | None:
    """Send these bytes as the certificate list; return the alert that came back, if any."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as sock:
        _exchange_hello(sock)
        _send(sock, _message(_CERTIFICATE, _vector(3, b"".join(_vector(3, e) for e in entries))))
        return _alert(sock)


def send_with_wrong_key(port: int, identity: Identity, timeout: float = 10) -> int | None:
    """Show somebody's certificate and prove another key; return the alert that came back."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as sock:
        transcript = _exchange_hello(sock)
        entries = [c.public_bytes(Encoding.DER) for c in identity.certificates]
        certificate = _message(_CERTIFICATE, _vector(3, b"".join(_vector(3, e) for e in entries)))
        point = ec_key().public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        key_exchange = _message(_CLIENT_KEY_EXCHANGE, _vector(1, point))
        signed = transcript + certificate + key_exchange
        signature = ec_key().sign(signed, ec.ECDSA(hashes.SHA256()))
        verify = struct.pack("!H", _ECDSA_SHA256) + _vector(2, signature)
        _send(sock, certificate, key_exchange, _message(_CERTIFICATE_VERIFY, verify))
        return _alert(sock)


def _exchange_hello(sock: socket.socket) -> bytes:
    """Send ClientHello, read up to ServerHelloDone; return all messages so far."""
    hello = _client_hello()
    _send(sock, hello)
    received = b""
    while not received.endswith(_message(_SERVER_HELLO_DONE, b"")):
        kind, payload = _record(sock)
        assert kind == _HANDSHAKE, f"no ServerHelloDone, but record type {kind}: {payload.hex()}"
        received += payload
    return hello + received


def _client_hello() -> bytes:
    extensions = b"".join(
        (
            _extension(0, _vector(2, b"\0" + _vector(2, b"localhost"))),
            _extension(10, _vector(2, struct.pack("!H", 23))),  # secp256r1
            _extension(11, _vector(1, b"\0")),  # uncompressed points
            _extension(13, _vector(2, struct.pack("!HHH", _ECDSA_SHA256, 0x0804, 0x0401))),
        )
    )
    # ECDHE_ECDSA and ECDHE_RSA with AES_128_GCM_SHA256, secure renegotiation
    suites = struct.pack("!HHH", 0xC02B, 0xC02F, 0x00FF)
    body = b"\3\3" + os.urandom(32) + _vector(1, b"") + _vector(2, suites) + _vector(1, b"\0")
    return _message(_CLIENT_HELLO, body + _vector(2, extensions))


def _vector(size_bytes: int, content: bytes) -> bytes:
    return len(content).to_bytes(size_bytes, "big") + content


def _extension(number: int, content: bytes) -> bytes:
    return struct.pack("!H", number) + _vector(2, content)


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _vector(3, body)


def _send(sock: socket.socket, *messages: bytes) -> None:
    sock.sendall(b"".join(bytes([_HANDSHAKE]) + b"\3\3" + _vector(2, m) for m in messages))


def _record(sock: socket.socket) -> tuple[int, bytes]:
    header = _exactly(sock, 5)
    return header[0], _exactly(sock, int.from_bytes(header[3:5], "big"))


def _exactly(sock: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        data = sock.recv(size - len(got))
        if not data:
            raise EOFError
        got += data
    return got


def _alert(sock: socket.socket) -> int | None:
    """Return the description of the alert that the server sends next, None if it just closes."""
    try:
        kind, payload = _record(sock)
    except (EOFError, ConnectionError):
        return None
    assert kind == _ALERT, f"expected an alert, got record type {kind}"
    return payload[1]
