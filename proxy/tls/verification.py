"""What path validation said about one client, collected while the handshake runs.

OpenSSL keeps OK as the verify result of whatever a callback lets through, and calls no callback on
a resumed session. So the stored result is worthless here, and the record below is the only source
of a verdict: a client is verified when the callback was told "good" at depth 0 on this very
connection and no error was recorded.
"""

from __future__ import annotations

import threading
from typing import Any

from proxy.identity.peer import VerifyError
from proxy.tls.openssl import FFI, LIB, UNSPECIFIED, clear_error_queue, verify_error_text


class VerificationRecord:
    """What the callbacks of one connection were told.

    Attributes:
        errors: each error that OpenSSL reported, in its order.
        judged: OpenSSL said "good" about depth 0, which is the end of path validation.
        broken: the callback itself failed; nothing about this client can be trusted.
    """

    __slots__ = ("broken", "errors", "judged")

    def __init__(self) -> None:
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
    try:
        number = LIB.X509_STORE_CTX_get_error(store)
        depth = LIB.X509_STORE_CTX_get_error_depth(store)
        if good and not number:
            record.judged = record.judged or depth == 0
            return True
        number = number or UNSPECIFIED
        record.errors.append(VerifyError(number, depth, verify_error_text(number)))
        clear_error_queue()
    except Exception:  # noqa: BLE001 - whatever it was, the client is refused and the proxy lives
        record.broken = True
    return False


_CALLBACK = "int (*)(int, X509_STORE_CTX *)"
record_and_continue = FFI.callback(_CALLBACK, _record_and_continue, error=0)
record_and_refuse = FFI.callback(_CALLBACK, _record_and_refuse, error=0)
