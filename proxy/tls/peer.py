"""From a finished handshake to the identity of the peer. Called once per connection."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.x509 import load_der_x509_certificate
from OpenSSL.SSL import X509VerificationCodes

from proxy.identity.peer import NO_CERTIFICATE, PeerIdentity, VerifyError
from proxy.tls.openssl import verify_error_text

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from OpenSSL.crypto import X509
    from OpenSSL.SSL import Connection

    from proxy.tls.authorities import Authorities
    from proxy.tls.verification import VerificationRecord

_BROKEN: int = X509VerificationCodes.ERR_APPLICATION_VERIFICATION


def read_peer(connection: Connection) -> PeerIdentity:
    """Return who is at the other end of a connection whose handshake is done. It never raises.

    A certificate that OpenSSL took but ``cryptography`` cannot parse, and a callback that failed,
    give an identity that is not judged and carries an error: refused by all who ask.
    """
    try:
        return _read(connection)
    except Exception:  # noqa: BLE001 - the client's bytes must not stop the proxy; it is refused
        return PeerIdentity(None, (), (_broken(),), judged=False)


def _read(connection: Connection) -> PeerIdentity:
    record: VerificationRecord = connection.get_app_data()
    chain = _good_path(record) or _chain(connection)
    if not chain:
        return NO_CERTIFICATE
    certificates = tuple(_converted(one, record.authorities) for one in chain)
    if record.broken:
        return PeerIdentity(certificates[0], certificates, (_broken(),), judged=False)
    return PeerIdentity(certificates[0], certificates, tuple(record.errors), record.judged)


def _good_path(record: VerificationRecord) -> list[X509]:
    """Return the path of a client without errors, as the callback saw it: each depth once.

    To ask for it again would cost as much as everything else here.
    """
    path, record.path = record.path, {}  # they are not needed for as long as the connection
    if record.errors or not record.judged:
        return []
    return [path[depth] for depth in range(len(path))]


def _chain(connection: Connection) -> list[X509]:
    """Return the path as OpenSSL built it, or the leaf alone: a resumed session has no path."""
    chain = connection.get_verified_chain()
    if chain:
        return chain
    leaf = connection.get_peer_certificate()
    return [] if leaf is None else [leaf]


def _converted(certificate: X509, authorities: Authorities) -> Certificate:
    known = authorities.find(certificate)
    return _parsed(known) if isinstance(known, bytes) else known


@lru_cache(maxsize=512)
def _parsed(encoded: bytes) -> Certificate:
    """Parse a certificate; a client that comes again brings the same bytes."""
    return load_der_x509_certificate(encoded)


def _broken() -> VerifyError:
    return VerifyError(_BROKEN, 0, verify_error_text(_BROKEN))
