"""What the certificates of a client are worth: certification path validation (RFC 5280, section 6).

It comes after the handshake, in which the client has proved to hold the key, and once for the same
certificates: a client that comes again is not worked out anew. That is a signature less to check,
a tenth of what a handshake costs.

With the functions that pyOpenSSL calls, OpenSSL validates a path with a security level, a depth and
a callback that hears of *all* errors in a handshake only: ``X509_verify_cert`` on its own gets no
level there and stops at the first error. So the certificates go through a rehearsal: a handshake in
memory, of TLS 1.2, where a client's Certificate message is neither encrypted nor signed, and which
ends right after that message. What OpenSSL says in it is what it would have said to the client's
face. Key exchange by RSA is what makes it cheap: a server has nothing to compute before the
client's next message, which never comes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from proxy.errors import CertgateError
from proxy.tls.compiled import CompiledContext
from proxy.tls.connection import TLSConnection
from proxy.tls.failure import TLSError, context_failure_reason
from proxy.tls.openssl import clear_error_queue, pointer_of
from proxy.tls.peer import read_recorded
from proxy.tls.settings import REQUIRED_OPTIONS
from proxy.tls.verification import verify_all

if TYPE_CHECKING:
    from proxy.identity.peer import PeerIdentity
    from proxy.tls.authorities import Authorities
    from proxy.tls.settings import ClientAuthentication

_MOST_KEPT = 4096  # clients
_LONGEST_KEPT = 8192  # bytes of all certificates of one client

_SUITE, _SUITE_CODE = b"AES128-GCM-SHA256", b"\x00\x9c"  # TLS_RSA_WITH_AES_128_GCM_SHA256
_CLIENT_HELLO, _CERTIFICATE = 1, 11
_HANDSHAKE_RECORD = b"\x16\x03\x03"
_LONGEST_RECORD = 1 << 14


@dataclass(frozen=True, slots=True)
class _Valid:
    """A path without errors, and the unix times between which all of its certificates are valid."""

    presented: tuple[bytes, ...]
    peer: PeerIdentity
    since: float
    until: float


class PathValidator:
    """Validates against one set of trust anchors; remembers the clients that passed.

    The same bytes under the same anchors have the same signatures, names and purposes. Only time
    can change the answer, so a path is remembered for as long as its certificates are valid. What
    failed is not remembered, and of each leaf one path is: one client pushes out no other.
    """

    __slots__ = ("_context", "_valid")

    def __init__(self, clients: ClientAuthentication, authorities: Authorities) -> None:
        """Build the context of the rehearsals.

        Raises:
            CertgateError: no client could ever be verified.
        """
        self._valid: dict[bytes, _Valid] = {}  # by leaf
        try:
            context = _rehearsal_context(clients, authorities)
            self._context = CompiledContext(context, pointer_of(context), authorities)
            self._rehearsed((_stage_identity()[1].public_bytes(Encoding.DER),))
        except (SSL.Error, ValueError) as error:
            # A system's openssl.cnf, or a build without TLS 1.2: say so before the first client.
            reason = context_failure_reason(error) if isinstance(error, SSL.Error) else error
            raise CertgateError(
                f"OpenSSL, as it is set up here, validates no client certificates: {reason};"
                " look for what openssl.cnf, or the file that OPENSSL_CONF names, says of TLS"
            ) from None

    def validate(self, presented: tuple[bytes, ...]) -> PeerIdentity:
        """Return what path validation says now about what a client presented.

        Args:
            presented: in DER and in the client's order, its own certificate first. Its key must
                have been proved.

        Raises:
            ValueError: OpenSSL has not come to an end.
            Exception: ``cryptography`` cannot parse what OpenSSL took; it has no one type for that.
        """
        known = self._valid.get(presented[0])
        if (
            known is not None
            and known.presented == presented
            and known.since <= time.time() < known.until
        ):
            return known.peer
        peer = self._rehearsed(presented)
        if peer.judged and not peer.errors and sum(map(len, presented)) <= _LONGEST_KEPT:
            self._keep(presented, peer)
        return peer

    def _rehearsed(self, presented: tuple[bytes, ...]) -> PeerIdentity:
        rehearsal = TLSConnection(self._context)
        rehearsal.feed(_hello() + _certificate_message(presented))
        try:
            rehearsal.handshake()
        except TLSError as error:
            # Its callback says "good" of the leaf before it looks at name constraints, and never
            # hears of some failures there. So nothing counts but that it waits for what follows.
            raise ValueError(f"OpenSSL has not come to an end: {error.reason}") from None
        finally:
            clear_error_queue()
        peer = read_recorded(rehearsal)
        if peer.leaf is None or peer.leaf.public_bytes(Encoding.DER) != presented[0]:
            raise ValueError("OpenSSL has said nothing about this certificate")
        return peer

    def _keep(self, presented: tuple[bytes, ...], peer: PeerIdentity) -> None:
        if presented[0] not in self._valid and len(self._valid) >= _MOST_KEPT:
            self._valid.clear()
        since = max(one.not_valid_before_utc for one in peer.chain)
        until = min(one.not_valid_after_utc for one in peer.chain)
        valid = _Valid(presented, peer, since.timestamp(), until.timestamp())
        self._valid[presented[0]] = valid


def _rehearsal_context(clients: ClientAuthentication, authorities: Authorities) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(_SUITE + b":@SECLEVEL=2")
    context.set_options(REQUIRED_OPTIONS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    verify_all(context, clients, authorities)
    key, certificate = _stage_identity()
    context.use_certificate(certificate)
    context.use_privatekey(key)
    return context


@cache
def _stage_identity() -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """Return a server's key and certificate for a stage that nobody sees: TLS asks for them.

    The key protects nothing and is no secret: its primes are the two largest of 1024 bits. To find
    secret ones takes a tenth of a second.
    """
    p, q, e = 2**1024 - 105, 2**1024 - 179, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    parts = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    numbers = rsa.RSAPrivateNumbers(p, q, d, *parts, rsa.RSAPublicNumbers(e, p * q))
    key = numbers.private_key(unsafe_skip_rsa_key_validation=True)  # 60 ms; nothing rests on it
    name, now = x509.Name([]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return key, builder.sign(key, SHA256())


@cache
def _hello() -> bytes:
    """Return a ClientHello for TLS 1.2 (RFC 5246, section 7.4.1.2) that offers the least."""
    random, session, compression = bytes(32), _vector(1, b""), _vector(1, b"\0")
    suites = _vector(2, _SUITE_CODE)
    # All that are usual, as a system may have switched some off; none is used.
    algorithms = bytes.fromhex(
        "0401 0403 0501 0503 0601 0603 0804 0805 0806 0807 0808 0809 080a 080b"
    )
    extension = (13).to_bytes(2, "big") + _vector(2, _vector(2, algorithms))  # signature_algorithms
    offer = suites + compression + _vector(2, extension)
    return _message(_CLIENT_HELLO, b"\x03\x03" + random + session + offer)


def _certificate_message(certificates: tuple[bytes, ...]) -> bytes:
    """Return a Certificate message (RFC 5246, section 7.4.6)."""
    entries = b"".join(_vector(3, certificate) for certificate in certificates)
    return _message(_CERTIFICATE, _vector(3, entries))


def _message(kind: int, body: bytes) -> bytes:
    """Return a handshake message in as many records as it takes (section 6.2.1)."""
    message = bytes([kind]) + _vector(3, body)
    starts = range(0, len(message), _LONGEST_RECORD)
    pieces = (message[start : start + _LONGEST_RECORD] for start in starts)
    return b"".join(_HANDSHAKE_RECORD + _vector(2, piece) for piece in pieces)


def _vector(size: int, content: bytes) -> bytes:
    """Return content behind its length, in TLS's presentation language (section 4.3)."""
    return len(content).to_bytes(size, "big") + content
