"""From a finished handshake to the identity of the peer. Called once per connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from OpenSSL.SSL import X509VerificationCodes

from proxy.identity.peer import NO_CERTIFICATE, PeerIdentity, VerifyError
from proxy.tls.openssl import verify_error_text

if TYPE_CHECKING:
    from proxy.tls.connection import TLSConnection

_BROKEN: int = X509VerificationCodes.ERR_APPLICATION_VERIFICATION


def read_peer(connection: TLSConnection) -> PeerIdentity:
    """Return who is at the other end of a connection whose handshake is done. It never raises.

    A certificate that OpenSSL took but ``cryptography`` cannot parse, and a callback that failed,
    give an identity that is not judged and carries an error: refused by all who ask.
    """
    try:
        return _read(connection)
    except Exception:  # noqa: BLE001 - the client's bytes must not stop the proxy; it is refused
        return PeerIdentity(None, (), (_broken(),), judged=False)


def read_recorded(connection: TLSConnection) -> PeerIdentity:
    """Return who it is by what was recorded in the handshake: its paths are validated there.

    Raises:
        ValueError: ``cryptography`` cannot parse what OpenSSL took.
    """
    record, authorities = connection.record, connection.context.authorities
    chain = tuple(map(authorities.read, connection.path()))
    if not chain:
        # Resumed sessions have no path, for one. The leaf alone is not judged then.
        leaf = connection.leaf()
        if leaf is None:
            return NO_CERTIFICATE
        chain = (authorities.read(leaf),)
    if record.broken:
        return PeerIdentity(chain[0], chain, (_broken(),), judged=False)
    return PeerIdentity(chain[0], chain, tuple(record.errors), record.judged)


def _read(connection: TLSConnection) -> PeerIdentity:
    record, validator = connection.record, connection.context.validator
    if not record.finished:
        raise ValueError("the handshake is not done: nobody has proved a key")
    if validator is None:
        return read_recorded(connection)
    presented = connection.presented()
    if not presented:
        return NO_CERTIFICATE
    if not record.presented:
        raise ValueError("this certificate did not come in this handshake")
    return validator.validate(presented)


def _broken() -> VerifyError:
    return VerifyError(_BROKEN, 0, verify_error_text(_BROKEN))
