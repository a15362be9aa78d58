"""Why TLS failed, in a few words for the log and for a counter's label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proxy.tls.openssl import LIB, pop_errors

if TYPE_CHECKING:
    from collections.abc import Iterable

UNKNOWN_FAILURE = "unknown failure"
_BY_NUMBER: dict[int, str] = {
    LIB.SSL_ERROR_ZERO_RETURN: "closed by the client",
    LIB.SSL_ERROR_SYSCALL: "connection lost",
    LIB.SSL_ERROR_WANT_READ: "incomplete handshake",
    LIB.SSL_ERROR_WANT_WRITE: "incomplete handshake",
}
_TLS_LIBRARY = "SSL routines"
_CUT = "unexpected eof while reading"
# "See below": the TLS library passes on an ASN.1 error. The alert it sends is decode_error.
_CLEARER = {"asn1 lib": "decode error"}


class TLSError(Exception):
    """TLS cannot go on.

    Attributes:
        number: OpenSSL's ``SSL_ERROR_*``, which ``ssl.SSLErrorNumber`` names as well.
        reason: in a few words; they come from OpenSSL's own table, never from the client, so they
            are a bounded set.
    """

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(number, reason)
        self.number = number
        self.reason = reason


def failure_of(number: int) -> TLSError:
    """Return what an operation failed with, and empty the error queue.

    Args:
        number: what ``SSL_get_error`` says of the operation.
    """
    entries = pop_errors()
    reason = _BY_NUMBER.get(number) or failure_reason(entries)
    if reason == _CUT:  # since OpenSSL 3 the end of the bytes is an SSL_ERROR_SSL
        number, reason = LIB.SSL_ERROR_SYSCALL, _BY_NUMBER[LIB.SSL_ERROR_SYSCALL]
    return TLSError(number, reason)


def context_failure_reason(error: Exception) -> str:
    """Return the reason in what pyOpenSSL raised while a context was set up; it never raises."""
    entries: Any = error.args[0] if error.args else ()
    try:
        return failure_reason((str(library), str(reason)) for library, _, reason in entries)
    except (TypeError, ValueError):
        return UNKNOWN_FAILURE


def failure_reason(entries: Iterable[tuple[str, str]]) -> str:
    """Return OpenSSL's reason in lower case, e.g. ``no shared cipher``.

    Where several libraries had something to say, the TLS library's first entry is the one that
    names the step of the handshake (what lies below it is ASN.1 or big-number detail).

    Args:
        entries: library and reason of each entry in the error queue, the oldest first.
    """
    tls_first = sorted(entries, key=lambda entry: entry[0] != _TLS_LIBRARY)
    reason = next((reason.lower() for _, reason in tls_first if reason), UNKNOWN_FAILURE)
    return _CLEARER.get(reason, reason)
