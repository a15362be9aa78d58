"""From a finished handshake to the identity of the peer. Called once per connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.x509 import BasicConstraints, ExtensionNotFound, load_der_x509_certificate
from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate
from OpenSSL.SSL import X509VerificationCodes

from proxy.identity.peer import NO_CERTIFICATE, PeerIdentity, VerifyError
from proxy.tls.openssl import verify_error_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cryptography.x509 import Certificate
    from OpenSSL.crypto import X509
    from OpenSSL.SSL import Connection

    from proxy.tls.verification import VerificationRecord

_INVALID_CA: int = X509VerificationCodes.ERR_INVALID_CA
_BROKEN: int = X509VerificationCodes.ERR_APPLICATION_VERIFICATION


def read_peer(connection: Connection) -> PeerIdentity:
    """Return who is at the other end of a connection whose handshake is done. It never raises.

    A certificate that OpenSSL took but ``cryptography`` cannot parse, and a callback that failed,
    give an identity that is not judged and carries an error: refused by all who ask.
    """
    try:
        return _read(connection)
    except Exception:  # noqa: BLE001 - the client's bytes must not stop the proxy; it is refused
        return PeerIdentity(None, (), (_error(_BROKEN, 0),), judged=False)


def _read(connection: Connection) -> PeerIdentity:
    chain = _chain(connection)
    if not chain:
        return NO_CERTIFICATE
    record: VerificationRecord = connection.get_app_data()
    certificates = tuple(_converted(one, record.authorities) for one in chain)
    errors = (*record.errors, *_improper_issuers(certificates, record.errors))
    if record.broken:
        errors = (*errors, _error(_BROKEN, 0))
    return PeerIdentity(certificates[0], certificates, errors, record.judged and not record.broken)


def _chain(connection: Connection) -> list[X509]:
    """Return the path as OpenSSL built it, or the leaf alone: a resumed session has no path."""
    chain = connection.get_verified_chain()
    if chain:
        return chain
    leaf = connection.get_peer_certificate()
    return [] if leaf is None else [leaf]


def _converted(certificate: X509, authorities: Mapping[bytes, Certificate]) -> Certificate:
    encoded = dump_certificate(FILETYPE_ASN1, certificate)
    return authorities.get(encoded) or load_der_x509_certificate(encoded)


def _improper_issuers(
    chain: tuple[Certificate, ...], known: list[VerifyError]
) -> Iterator[VerifyError]:
    """Yield an error for each intermediate without basicConstraints cA=TRUE, unless it is known.

    RFC 5280, section 6.1.4 (k) demands it. OpenSSL without X509_STRICT also takes a certificate
    that has keyCertSign but no basicConstraints, so a client to whom a careless profile gave that
    bit could sign certificates for others.
    """
    for depth, certificate in enumerate(chain[1:-1], start=1):
        error = _error(_INVALID_CA, depth)
        if error not in known and not _is_authority(certificate):
            yield error


def _is_authority(certificate: Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(BasicConstraints).value.ca
    except ExtensionNotFound:
        return False


def _error(number: int, depth: int) -> VerifyError:
    return VerifyError(number, depth, verify_error_text(number))
