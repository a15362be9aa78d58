"""One exchange as the access log will tell it: cheap to make, filled in while the exchange runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from proxy.observe.escaping import escape

if TYPE_CHECKING:
    from proxy.http1.messages import RequestFields
    from proxy.identity.facts import CertificateFacts

# A certificate of many kilobytes must not buy many kilobytes in every line of the log.
MAX_NAME_LENGTH: Final = 1024


@dataclass(frozen=True, slots=True)
class LoggedClient:
    """What stays the same for all exchanges of one downstream connection.

    Everything here that stems from a certificate is the client's own text, verified or not: it is
    bounded here and escaped when a line is written. An empty string is logged as ``-``.

    Attributes:
        tls_protocol: e.g. ``TLSv1.3``.
        tls_cipher: OpenSSL's name, e.g. ``TLS_AES_256_GCM_SHA384``.
        subject: RFC 2253 text of the leaf's subject.
        issuer: RFC 2253 text of the leaf's issuer.
        serial: the serial number as nginx writes it (upper-case hex).
        fingerprint: SHA-256 of the leaf, lower-case hex.
        facts: all that the leaf says; None without one, or with an unreadable one.
        server_port: the port that the client connected to; 0 where it is not known.
        escaped_subject: the subject as a line of the log shows it; made here, once.
    """

    tls_protocol: str = ""
    tls_cipher: str = ""
    subject: str = ""
    issuer: str = ""
    serial: str = ""
    fingerprint: str = ""
    facts: CertificateFacts | None = None
    server_port: int = 0
    escaped_subject: bytes = field(init=False)

    def __post_init__(self) -> None:
        """Bound the names, whose length the client chooses."""
        for name in ("subject", "issuer", "serial"):
            object.__setattr__(self, name, getattr(self, name)[:MAX_NAME_LENGTH])
        subject = escape(self.subject.encode("utf-8", "backslashreplace"))
        object.__setattr__(self, "escaped_subject", subject or b"-")


NO_CLIENT = LoggedClient()
"""A connection that ended before TLS was up, or that is not TLS."""


class AccessRecord:
    """One line of the access log to be. What is bytes came over the wire and is not trusted.

    Attributes:
        remote_addr: the client's address, after trusted proxies were taken into account.
        client: what the handshake told; one object is shared by all records of a connection.
        time: when the exchange ended, in seconds since the epoch.
        request_line: the first line as it was received, also when it could not be parsed; where
            it is empty, the three parts below make it up.
        method: the request method, empty when no request was read.
        target: the request target as it was sent.
        version: the HTTP version without the name, e.g. ``1.1``.
        section: all fields of the request; None when no request was read.
        host: the Host field's value, None when absent.
        referer: the Referer field's value, None when absent.
        user_agent: the User-Agent field's value, None when absent.
        status: the status code sent; 499 when the client left before there was one.
        body_bytes_sent: bytes of content sent to the client, without the head.
        request_time: seconds from the first byte of the request to the last of the response.
        request_id: the value of X-Request-ID.
        verify: ``SUCCESS``, ``NONE`` or ``FAILED:reason``, as judged for this request.
        decision: ``admitted`` or the code of the refusal; empty when none was made.
        upstream: the name of the upstream in the configuration.
        upstream_address: the server that was chosen, e.g. ``127.0.0.1:3000``.
        upstream_status: the upstream's status code; 0 for none.
        upstream_time: seconds spent with the upstream; None for no upstream.
        error: why the exchange ended early, one stable word such as ``client_gone``.
    """

    # Defaults belong to the class: an exchange sets what it knows, and nothing twice.
    time = 0.0
    request_line = b""
    method = b""
    target = b""
    version = b""
    section: RequestFields | None = None
    host: bytes | None = None
    referer: bytes | None = None
    user_agent: bytes | None = None
    status = 0
    body_bytes_sent = 0
    request_time = 0.0
    request_id = ""
    verify = "NONE"
    decision = ""
    upstream = ""
    upstream_address = ""
    upstream_status = 0
    upstream_time: float | None = None
    error = ""

    def __init__(self, remote_addr: str, client: LoggedClient = NO_CLIENT) -> None:
        self.remote_addr = remote_addr
        self.client = client
