"""Why an upstream gave no response: one value for log, counters, error page and retries."""

from __future__ import annotations

import os
import socket
import ssl
from dataclasses import dataclass

from proxy.tls.upstream import tls_failure_reason


@dataclass(frozen=True, slots=True)
class UpstreamFailure:
    """Why there is no (whole) response.

    Attributes:
        status: 502, 503, or 504 when it took too long, as nginx tells them apart.
        code: a stable word for log, counters and error page.
        reason: one sentence for the operator.
        condition: nginx's word for it, after which another server may be asked: ``error``,
            ``timeout``, ``invalid_header``; empty when the client has a part of the response.
        is_stale: the connection died without a byte of response.
    """

    status: int
    code: str
    reason: str
    condition: str = ""
    is_stale: bool = False


def tls_failure(address: str, error: OSError) -> UpstreamFailure:
    """Return the failure of a handshake, or of a server that broke it off by an alert."""
    reason = f"no TLS with {address}: {tls_failure_reason(error)}"
    return UpstreamFailure(502, "upstream_tls_failed", reason, "error")


def connect_failure(
    address: str, error: OSError | UnicodeError, *, is_tls: bool
) -> UpstreamFailure:
    """Return the failure of a connection that could not be made.

    Args:
        address: of the server.
        error: what the event loop raised.
        is_tls: the server is spoken to over TLS, so that it may have ended in the handshake.
    """
    in_handshake = (ssl.SSLError, ConnectionResetError, ConnectionAbortedError)
    if is_tls and isinstance(error, in_handshake):
        return tls_failure(address, error)
    # asyncio says neither refused nor unreachable; numbers below 0 are those of DNS.
    number = getattr(error, "errno", None) or 0
    named = os.strerror(number) if number > 0 else getattr(error, "strerror", None)
    why = named or str(error) or type(error).__name__
    if isinstance(error, socket.gaierror | UnicodeError):  # the latter: what DNS cannot hold
        reason = f"the name of {address} does not resolve: {why}"
        return UpstreamFailure(502, "upstream_unresolved", reason, "error")
    reason = f"cannot connect to {address}: {why}"
    return UpstreamFailure(502, "upstream_unreachable", reason, "error")


def connect_timeout(address: str, seconds: float) -> UpstreamFailure:
    """Return the failure of a connection that was not there in time."""
    reason = f"{address} did not accept a connection within {seconds:g} seconds"
    return UpstreamFailure(504, "upstream_timeout", reason, "timeout")


def lost_at_once(address: str) -> UpstreamFailure:
    """Return the failure of a connection that was gone before a request was sent."""
    reason = f"{address} closed the connection, or spoke, before it was asked"
    return UpstreamFailure(502, "upstream_bad_response", reason, "error")


def bad_response(reason: str) -> UpstreamFailure:
    """Return the failure of a server that sent what is no response, or one with two readings."""
    return UpstreamFailure(502, "upstream_bad_response", reason, "invalid_header")


def status_failure(status: int) -> UpstreamFailure:
    """Return the failure that a response with an error status is where ``retries`` says so."""
    reason = f"it answered {status}, which is for another server to do better"
    return UpstreamFailure(status, f"upstream_http_{status}", reason, f"http_{status}")
