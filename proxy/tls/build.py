"""One call from loaded certificates to a context that is ready for connections."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Literal

from proxy.tls.context import ClientCertContext

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.x509 import Certificate, CertificateRevocationList

    from proxy.tls.files import ServerCertificate

_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
_CRL_FLAGS = {
    "off": ssl.VERIFY_DEFAULT,
    "leaf": ssl.VERIFY_CRL_CHECK_LEAF,
    "chain": ssl.VERIFY_CRL_CHECK_CHAIN,
}


def build_context(
    *,
    default: ServerCertificate,
    by_name: Mapping[str, ServerCertificate],
    anchors: Iterable[Certificate],
    intermediates: Iterable[Certificate] = (),
    verify_depth: int = 3,
    min_version: Literal["1.2", "1.3"] = "1.2",
    verify_mode: ssl.VerifyMode = ssl.CERT_OPTIONAL,
    alpn: Iterable[str] = ("http/1.1", "http/1.0"),
    crls: Iterable[CertificateRevocationList] = (),
    crl_check: Literal["off", "leaf", "chain"] = "off",
) -> ClientCertContext:
    """Return a frozen context.

    Args:
        default: for clients that ask for no name, or for one that is not in ``by_name``.
        by_name: further certificates by server name; ``*.`` stands for one label.
        anchors: the trust anchors of client certificates.
        intermediates: CA certificates that help chain building only.
        verify_depth: intermediates allowed between leaf and anchor.
        min_version: the lowest TLS version.
        verify_mode: ``CERT_REQUIRED`` refuses in the handshake instead of recording.
        alpn: the protocols offered; the default is nginx's for HTTP/1.
        crls: for a check inside the handshake. certgate itself gives none: it decides about
            revocation at each request, so that a new CRL counts on open connections, too.
        crl_check: whose CRLs are looked at.

    Raises:
        CertgateError: something given cannot be used.
    """
    context = ClientCertContext()
    context.set_server_certificate(default)
    for name, certificate in by_name.items():
        context.set_server_certificate(certificate, name)
    context.add_trust_anchors(anchors)
    context.add_intermediates(intermediates)
    context.add_crls(crls)
    context.verify_flags = _CRL_FLAGS[crl_check]
    context.verify_depth = verify_depth
    context.verify_mode = verify_mode
    context.minimum_version = _VERSIONS[min_version]
    context.set_alpn_protocols(alpn)
    context.freeze()
    return context
