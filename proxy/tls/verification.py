"""What OpenSSL said about one client, collected while a handshake runs.

OpenSSL's stored verify result is what a callback made of it, and no callback is called on a resumed
session. So that result is worthless here, and the record below is the only source of a verdict: a
path is valid when the callback was told "good" at depth 0, no error was recorded, and OpenSSL went
on. The handshake in which that is recorded is the client's own or a rehearsal of it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from OpenSSL import SSL

from proxy.identity.peer import VerifyError
from proxy.tls.openssl import (
    FFI,
    LIB,
    UNSPECIFIED,
    clear_error_queue,
    pointer_of,
    verify_error_text,
)
from proxy.tls.settings import refuse_dead_ends

if TYPE_CHECKING:
    from OpenSSL.crypto import X509Store

    from proxy.tls.authorities import Authorities
    from proxy.tls.settings import ClientAuthentication


class VerificationRecord:
    """What the callbacks of one connection were told.

    Attributes:
        presented: a certificate came in this very handshake; nothing about what it is worth.
        finished: the handshake is done, so whoever presented a certificate holds its key.
        errors: each error that OpenSSL reported, in its order.
        judged: OpenSSL said "good" about depth 0, which is the end of path validation.
        broken: the callback itself failed; nothing about this client can be trusted.
    """

    __slots__ = ("broken", "errors", "finished", "judged", "presented")

    def __init__(self) -> None:
        self.finished = False
        self.presented = False
        self.errors: list[VerifyError] = []
        self.judged = False
        self.broken = False


class _Current(threading.local):
    """Whose handshake this thread runs; OpenSSL calls back before it returns."""

    record: VerificationRecord | None = None


current = _Current()
"""``record`` is where the callbacks write. None outside a handshake: then nobody is verified.

A callback is Python: finalizers and signal handlers may run in it, and in one of them another
handshake.
"""


def _take(good: int, _store: Any) -> int:
    """Take note that a certificate came, and let the handshake go on.

    That nobody has issued it is all that OpenSSL can say here, and what it keeps as the result.
    """
    record = current.record
    if record is not None:
        record.presented = True
    if not good:
        clear_error_queue()
    return 1


def _record_and_continue(good: int, store: Any) -> int:
    """Record what OpenSSL found and let the handshake go on; the answer is HTTP's to give."""
    if not _recorded(good, store):
        LIB.X509_STORE_CTX_set_error(store, LIB.X509_V_OK)
    return 1


def _record_and_refuse(good: int, store: Any) -> int:
    """Record what OpenSSL found and end the handshake with an alert at the first error."""
    return int(_recorded(good, store))


def _recorded(good: int, store: Any) -> bool:
    """Write down what OpenSSL says of one certificate; tell whether it was good. Never raises.

    Args:
        good: 0 if there is an error.
        store: the ``X509_STORE_CTX *`` of this path validation.
    """
    record = current.record
    if record is None:
        return False
    # Broken until it is written down: KeyboardInterrupt, for one, is no Exception.
    was_broken, record.broken = record.broken, True
    try:
        number = LIB.X509_STORE_CTX_get_error(store)
        depth = LIB.X509_STORE_CTX_get_error_depth(store)
        is_good = bool(good) and not number
        if is_good:
            record.judged = record.judged or depth == 0
        else:
            number = number or UNSPECIFIED
            record.errors.append(VerifyError(number, depth, verify_error_text(number)))
            clear_error_queue()
        record.broken = was_broken
    except Exception:  # noqa: BLE001 - whatever it was, the client is refused and the proxy lives
        return False
    return is_good


# With 0 the path still takes in one issuer that the client sends, and its signature is checked; -1
# is OpenSSL's "not set".
_NO_ISSUER = -2

_CALLBACK = "int (*)(int, X509_STORE_CTX *)"
_take_c = FFI.callback(_CALLBACK, _take, error=0)
_record_and_continue_c = FFI.callback(_CALLBACK, _record_and_continue, error=0)
_record_and_refuse_c = FFI.callback(_CALLBACK, _record_and_refuse, error=0)


def take_all(context: SSL.Context) -> None:
    """Have a context ask for certificates and let each one in whose holder has its key.

    Its trust store is empty and its paths are too short for any issuer, so OpenSSL checks no
    signature but the one that proves the key.
    """
    context.set_verify_depth(_NO_ISSUER)
    LIB.SSL_CTX_set_verify(pointer_of(context), SSL.VERIFY_PEER, _take_c)


def verify_all(
    context: SSL.Context, clients: ClientAuthentication, authorities: Authorities
) -> None:
    """Have a context validate the path of each client in the handshake, and record all errors.

    Raises:
        CertgateError: no client could ever be verified.
    """
    refuse_dead_ends(clients.anchors)
    store = cast("X509Store", context.get_cert_store())  # None for contexts without TLS only
    for certificate in authorities.loaded:
        store.add_cert(certificate)
    for crl in clients.crls:
        store.add_crl(crl)
    store.set_flags(clients.effective_flags)
    context.set_verify_depth(clients.verify_depth)
    if clients.required:
        mode = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        LIB.SSL_CTX_set_verify(pointer_of(context), mode, _record_and_refuse_c)
    else:
        LIB.SSL_CTX_set_verify(pointer_of(context), SSL.VERIFY_PEER, _record_and_continue_c)
