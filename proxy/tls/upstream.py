"""TLS from the proxy to its servers, with stdlib ``ssl``: there a bad certificate has to end it.

What bars ``ssl`` from the listeners (it cannot let a bad certificate through to a page) is wanted
here. The default is the reverse of nginx's ``proxy_ssl_verify off`` and ``proxy_ssl_server_name
off``: chain, dates and name are verified, and the name is sent.
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from proxy.errors import CertgateError
from proxy.tls.files import (
    given_as,
    load_certificates,
    load_passphrase,
    load_server_certificate,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def build_upstream_context(
    ca: Iterable[Path] = (),
    *,
    verify: bool = True,
    certificate: Path | None = None,
    private_key: Path | None = None,
    passphrase_file: Path | None = None,
) -> ssl.SSLContext:
    """Return a context for connections to servers.

    Args:
        ca: files with the trust anchors; none stands for the system's.
        verify: False takes any certificate.
        certificate: a client certificate with its chain.
        private_key: the key of that certificate; needed with it.
        passphrase_file: for an encrypted key.

    Raises:
        CertgateError: a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # A server that also speaks other protocols must not take this for one of them (ALPACA).
    context.set_alpn_protocols(["http/1.1"])
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    with given_as("ca"):
        found = [one for path in ca for one in load_certificates(path)]
    anchors = [one.public_bytes(Encoding.DER) for one in found]
    if anchors:
        context.load_verify_locations(cadata=b"".join(anchors))
    elif verify:
        context.load_default_certs()
    if certificate is not None and private_key is not None:
        _load_pair(context, certificate, private_key, passphrase_file)
    return context


def _load_pair(
    context: ssl.SSLContext, certificate: Path, private_key: Path, passphrase_file: Path | None
) -> None:
    # First with our own reader: it tells what is wrong in words, and ssl does not.
    load_server_certificate(certificate, private_key, passphrase_file)
    # Never None: OpenSSL would ask for it on the terminal.
    passphrase = b"" if passphrase_file is None else load_passphrase(passphrase_file)
    try:
        context.load_cert_chain(certificate, private_key, passphrase)
    except (ssl.SSLError, OSError) as error:
        reason = tls_failure_reason(error)
        raise CertgateError(
            f"{certificate}, {private_key}: cannot be used for TLS: {reason}"
        ) from None


def tls_failure_reason(error: OSError) -> str:
    """Return in a few words why a handshake failed; they are OpenSSL's, never the peer's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message.rstrip('.')}"
    reason: str | None = getattr(error, "reason", None)  # which ssl does not always set
    if reason:
        return reason.lower().replace("_", " ")
    return error.strerror or "the connection ended in the handshake"
