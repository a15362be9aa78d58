"""What path validation said about one client, collected while the handshake runs.

pyOpenSSL stores OK as the verify result of whatever a callback lets through, and calls no callback
on a resumed session. So the stored result is worthless here, and the record below is the only
source of a verdict: a client is verified when the callback was told "good" at depth 0 on this very
connection and no error was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxy.identity.peer import VerifyError
from proxy.tls.openssl import UNSPECIFIED, clear_error_queue, verify_error_text

if TYPE_CHECKING:
    from OpenSSL import SSL, crypto

    from proxy.tls.authorities import Authorities


@dataclass(slots=True)
class VerificationRecord:
    """The application data of one connection. It knows nothing of the connection: no cycle.

    Attributes:
        authorities: the configured CA certificates, which are parsed once a context and not once a
            handshake; shared, never written.
        errors: each error that OpenSSL reported, in its order.
        path: the certificates that OpenSSL said "good" about, by depth: the whole path where there
            are no errors.
        judged: OpenSSL said "good" about depth 0, which is the end of path validation.
        broken: the callback itself failed; nothing about this client can be trusted.
    """

    authorities: Authorities
    errors: list[VerifyError] = field(default_factory=list)
    path: dict[int, crypto.X509] = field(default_factory=dict)
    judged: bool = False
    broken: bool = False


def record_and_continue(
    connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, good: int
) -> bool:
    """Record what OpenSSL found and let the handshake go on; the answer is HTTP's to give.

    It returns True always and never raises: pyOpenSSL keeps a callback's exception on the
    *context*, from where another client's handshake could pick it up.
    """
    _record(connection, certificate, number, depth, good)
    return True


def record_and_refuse(
    connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, good: int
) -> bool:
    """Record what OpenSSL found and end the handshake with an alert at the first error."""
    return _record(connection, certificate, number, depth, good)


def _record(
    connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, good: int
) -> bool:
    record = connection.get_app_data()
    try:
        if good and not number:
            record.path[depth] = certificate
            record.judged = record.judged or depth == 0
            return True
        number = number or UNSPECIFIED
        record.errors.append(VerifyError(number, depth, verify_error_text(number)))
        clear_error_queue()
    except Exception:  # noqa: BLE001 - whatever it was, the client is refused and the proxy lives
        if isinstance(record, VerificationRecord):
            record.broken = True
    return False
