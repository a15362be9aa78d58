"""TLS in which a client certificate that fails verification still reaches HTTP."""

from proxy.tls.build import build_context
from proxy.tls.context import ClientCertContext
from proxy.tls.failure import handshake_failure_reason
from proxy.tls.files import (
    ServerCertificate,
    load_certificates,
    load_crls,
    load_private_key,
    load_server_certificate,
)
from proxy.tls.peer import read_peer
from proxy.tls.sslobject import ClientCertObject
from proxy.tls.verification import VerificationRecord

__all__ = [
    "ClientCertContext",
    "ClientCertObject",
    "ServerCertificate",
    "VerificationRecord",
    "build_context",
    "handshake_failure_reason",
    "load_certificates",
    "load_crls",
    "load_private_key",
    "load_server_certificate",
    "read_peer",
]
