"""TLS in which a client certificate that fails verification still reaches HTTP."""

from proxy.tls.build import build_context
from proxy.tls.connection import TLSConnection
from proxy.tls.context import ClientCertContext
from proxy.tls.failure import TLSError
from proxy.tls.files import (
    ServerCertificate,
    load_certificates,
    load_crls,
    load_private_key,
    load_server_certificate,
)
from proxy.tls.peer import read_peer
from proxy.tls.sslobject import ClientCertObject

__all__ = [
    "ClientCertContext",
    "ClientCertObject",
    "ServerCertificate",
    "TLSConnection",
    "TLSError",
    "build_context",
    "load_certificates",
    "load_crls",
    "load_private_key",
    "load_server_certificate",
    "read_peer",
]
