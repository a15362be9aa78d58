"""From settings to pyOpenSSL contexts. A compiled context is never changed again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from OpenSSL import SSL

from proxy.errors import CertgateError
from proxy.tls.failure import handshake_failure_reason
from proxy.tls.settings import REQUIRED_OPTIONS, TLS_1_3_SUITES, refuse_dead_ends
from proxy.tls.verification import VerificationRecord, record_and_continue, record_and_refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.x509 import Certificate
    from OpenSSL.crypto import X509Store

    from proxy.tls.authorities import Authorities
    from proxy.tls.files import ServerCertificate
    from proxy.tls.names import ServerNames
    from proxy.tls.settings import ClientAuthentication, ProtocolSettings

# SSL_MODE_NO_AUTO_CHAIN, which pyOpenSSL does not name: without it OpenSSL fills up the chain that
# it sends from the store of client CAs, so that each handshake would carry the CA certificate.
_NO_AUTO_CHAIN = 0x8

_NAME_LIST_LIMIT = 0xFFFF  # DistinguishedName authorities<3..2^16-1>, RFC 8446, section 4.2.4


@dataclass(frozen=True, slots=True)
class CompiledContext:
    """Everything that a new connection needs.

    Attributes:
        context: the context of the default server certificate.
        authorities: the configured CA certificates.
    """

    context: SSL.Context
    authorities: Authorities

    def connect(self) -> SSL.Connection:
        """Return a connection in accept state over memory BIOs, with an empty record."""
        connection = SSL.Connection(self.context)
        connection.set_accept_state()
        connection.set_app_data(VerificationRecord(self.authorities))
        return connection


def compile_context(
    server: ServerCertificate,
    by_name: ServerNames[SSL.Context],
    clients: ClientAuthentication,
    authorities: Authorities,
    protocol: ProtocolSettings,
) -> CompiledContext:
    """Return the context of the default certificate, which hands over to those of other names.

    Raises:
        CertgateError: OpenSSL does not take the certificate, or no client could ever be verified.
    """
    context = openssl_context(server, clients, authorities, protocol)
    if by_name:
        context.set_tlsext_servername_callback(_choice_of_certificate(by_name))
    return CompiledContext(context, authorities)


def openssl_context(
    server: ServerCertificate,
    clients: ClientAuthentication,
    authorities: Authorities,
    protocol: ProtocolSettings,
) -> SSL.Context:
    """Return one pyOpenSSL context. All names of a listener get the same clients and protocol.

    That is not thrift: ``set_context`` in the SNI callback swaps the trust store along with the
    certificate, while flags, depth and verify mode stay the first context's.

    Raises:
        CertgateError: OpenSSL does not take the certificate, or no client could ever be verified.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    _speak(context, protocol)
    _resume_nothing(context)
    _judge(context, clients, authorities)
    try:
        _show(context, server)
    except SSL.Error as error:
        name = server.certificate.subject.rfc4514_string()
        reason = handshake_failure_reason(error)
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
    if protocol.alpn:
        context.set_alpn_select_callback(_choice_of_protocol(protocol.alpn))


def _resume_nothing(context: SSL.Context) -> None:
    """Switch resumption off: on a resumed session no callback runs, so there is no verdict."""
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(os.urandom(32))  # and were it on, no other context's session would fit


def _judge(context: SSL.Context, clients: ClientAuthentication, authorities: Authorities) -> None:
    refuse_dead_ends(clients.anchors)
    store = cast("X509Store", context.get_cert_store())  # None for contexts without TLS only
    for certificate in authorities.loaded:
        store.add_cert(certificate)
    for crl in clients.crls:
        store.add_crl(crl)
    store.set_flags(clients.effective_flags)
    _send_names(context, clients.anchors)
    context.set_verify_depth(clients.verify_depth)
    if clients.required:
        mode = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT
        context.set_verify(mode, record_and_refuse)
    else:
        context.set_verify(SSL.VERIFY_PEER, record_and_continue)


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


def _choice_of_certificate(
    by_name: ServerNames[SSL.Context],
) -> Callable[[SSL.Connection], None]:
    def choose(connection: SSL.Connection) -> None:
        context = by_name.find(connection.get_servername())
        if context is not None:
            connection.set_context(context)

    return choose


def _choice_of_protocol(
    preferred: tuple[bytes, ...],
) -> Callable[[SSL.Connection, list[bytes]], bytes]:
    def choose(_connection: SSL.Connection, offered: list[bytes]) -> bytes:
        for protocol in preferred:
            if protocol in offered:
                return protocol
        # RFC 7301, section 3.2: a fatal no_application_protocol alert. It also keeps a client that
        # believes to speak SMTP or FTP from being answered in HTTP (the ALPACA attack).
        raise SSL.Error([("SSL routines", "", "no application protocol")])

    return choose
