"""From settings to pyOpenSSL contexts. A compiled context is never changed again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from OpenSSL import SSL

from proxy.errors import CertgateError
from proxy.tls.failure import context_failure_reason
from proxy.tls.hello import certificate_callback, protocol_callback
from proxy.tls.openssl import FFI, LIB, pointer_of
from proxy.tls.settings import REQUIRED_OPTIONS, TLS_1_3_SUITES
from proxy.tls.verification import take_all, verify_all

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from proxy.tls.authorities import Authorities
    from proxy.tls.files import ServerCertificate
    from proxy.tls.names import ServerNames
    from proxy.tls.settings import ClientAuthentication, ProtocolSettings
    from proxy.tls.validation import PathValidator

# SSL_MODE_NO_AUTO_CHAIN, which pyOpenSSL does not name: without it OpenSSL fills up the chain that
# it sends from the store of client CAs, so that each handshake would carry the CA certificate.
_NO_AUTO_CHAIN = 0x8

_NAME_LIST_LIMIT = 0xFFFF  # DistinguishedName authorities<3..2^16-1>, RFC 8446, section 4.2.4


@dataclass(frozen=True, slots=True)
class CompiledContext:
    """Everything that a new connection needs.

    Attributes:
        context: pyOpenSSL's, of the default server certificate.
        pointer: its ``SSL_CTX *``.
        authorities: the configured CA certificates.
        validator: of the certificates that clients present; None if the handshake does it.
        choice: the callback that chooses by server name; held here, since OpenSSL does not hold it.
    """

    context: SSL.Context
    pointer: Any
    authorities: Authorities
    validator: PathValidator | None = None
    choice: Any = None


def compile_context(
    context: SSL.Context,
    by_name: ServerNames[SSL.Context],
    authorities: Authorities,
    validator: PathValidator | None,
) -> CompiledContext:
    """Return the context of the default certificate, which hands over to those of other names."""
    pointer = pointer_of(context)
    if not by_name:
        return CompiledContext(context, pointer, authorities, validator)
    choice = certificate_callback(by_name)
    LIB.SSL_CTX_set_tlsext_servername_callback(pointer, choice)
    return CompiledContext(context, pointer, authorities, validator, choice)


def openssl_context(
    server: ServerCertificate,
    clients: ClientAuthentication,
    authorities: Authorities,
    protocol: ProtocolSettings,
) -> SSL.Context:
    """Return one pyOpenSSL context. All names of a listener get the same clients and protocol.

    That is not thrift: the SNI callback swaps the trust store along with the certificate, while
    flags, depth and verify mode stay the first context's.

    Raises:
        CertgateError: OpenSSL does not take the certificate, or no client could ever be verified.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    _speak(context, protocol)
    _resume_nothing(context)
    _ask(context, clients, authorities)
    try:
        _show(context, server)
    except SSL.Error as error:
        name = server.certificate.subject.rfc4514_string()
        reason = context_failure_reason(error)
        raise CertgateError(f"server certificate {name!r} is not usable: {reason}") from None
    return context


def _speak(context: SSL.Context, protocol: ProtocolSettings) -> None:
    context.set_min_proto_version(protocol.minimum)
    context.set_max_proto_version(protocol.maximum)
    context.set_cipher_list(f"{protocol.ciphers}:@SECLEVEL=2".encode("ascii"))
    context.set_tls13_ciphersuites(TLS_1_3_SUITES.encode("ascii"))
    context.set_options(REQUIRED_OPTIONS | protocol.options)
    # An idle connection keeps no 2 * 17 kB of record buffers.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS | _NO_AUTO_CHAIN)
    # pyOpenSSL sets this one: one call would write one record, and the rest is another's business.
    LIB.SSL_CTX_clear_mode(pointer_of(context), LIB.SSL_MODE_ENABLE_PARTIAL_WRITE)
    if protocol.alpn:
        choice = protocol_callback(protocol.alpn)
        LIB.SSL_CTX_set_alpn_select_cb(pointer_of(context), choice, FFI.NULL)


def _resume_nothing(context: SSL.Context) -> None:
    """Switch resumption off: on a resumed session no callback runs, so there is no verdict."""
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(os.urandom(32))  # and were it on, no other context's session would fit


def _ask(context: SSL.Context, clients: ClientAuthentication, authorities: Authorities) -> None:
    _send_names(context, clients.anchors)
    if clients.in_handshake:
        verify_all(context, clients, authorities)
    else:
        take_all(context)


def _send_names(context: SSL.Context, anchors: tuple[Certificate, ...]) -> None:
    by_subject = {anchor.subject.public_bytes(): anchor for anchor in anchors}
    if sum(len(subject) + 2 for subject in by_subject) > _NAME_LIST_LIMIT:
        raise CertgateError(
            f"the names of {len(by_subject)} client CAs do not fit into a TLS handshake (64 KiB);"
            " trust fewer: only those that issue your clients' certificates"
        )
    for anchor in by_subject.values():
        context.add_client_ca(anchor)


def _show(context: SSL.Context, server: ServerCertificate) -> None:
    context.use_certificate(server.certificate)
    for certificate in server.chain:
        context.add_extra_chain_cert(certificate)
    context.use_privatekey(server.private_key)
    context.check_privatekey()
