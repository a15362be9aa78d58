"""Why a handshake failed, in a few words for the log and for a counter's label."""

from __future__ import annotations

from OpenSSL import SSL

UNKNOWN_FAILURE = "unknown failure"
_BY_TYPE: tuple[tuple[type[Exception], str], ...] = (
    (SSL.ZeroReturnError, "closed by the client"),
    (SSL.SysCallError, "connection lost"),
    (SSL.WantReadError, "incomplete handshake"),
    (SSL.WantWriteError, "incomplete handshake"),
)
_TLS_LIBRARY = "SSL routines"
# "See below": the TLS library passes on an ASN.1 error. The alert it sends is decode_error.
_CLEARER = {"asn1 lib": "decode error"}


def handshake_failure_reason(error: Exception) -> str:
    """Return OpenSSL's reason in lower case, e.g. ``no shared cipher``; it never raises.

    The words come from OpenSSL's own table, never from the client, so they are a bounded set.
    Where several libraries had something to say, the TLS library's first entry is the one that
    names the step of the handshake (what lies below it is ASN.1 or big-number detail).
    """
    for kind, reason in _BY_TYPE:
        if isinstance(error, kind):
            return reason
    try:
        entries = [(str(library), str(reason)) for library, _, reason in error.args[0]]
    except (IndexError, TypeError, ValueError):
        return UNKNOWN_FAILURE
    entries.sort(key=lambda entry: entry[0] != _TLS_LIBRARY)  # stable: TLS entries first
    reason = next((reason.lower() for _, reason in entries if reason), UNKNOWN_FAILURE)
    return _CLEARER.get(reason, reason)
