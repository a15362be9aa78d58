"""What a context is told before its first connection, as values that are replaced, not changed."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from OpenSSL import SSL
from OpenSSL.crypto import X509StoreFlags

from proxy.errors import CertgateError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateRevocationList, Name

DEFAULT_VERIFY_DEPTH = 3

# TLS 1.2: forward secrecy and AEAD only. The groups stay OpenSSL's own choice, which is good and
# moves with it (X25519MLKEM768 came that way). AES-128 comes first, as in Mozilla's recommendation
# and in browsers: it is as far out of reach as the P-256 and X25519 keys around it; and SHA-256,
# which processors have built in, takes 5 % off a handshake where OpenSSL's order has SHA-384.
DEFAULT_CIPHERS = "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20"
TLS_1_3_SUITES = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

# NO_TICKET, together with the session cache off: no resumption (see docs/tls.md). NO_RENEGOTIATION:
# the client certificate of a connection is asked for once, and stays the one that was judged.
REQUIRED_OPTIONS = SSL.OP_NO_TICKET | SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION

# SSL_OP_PRIORITIZE_CHACHA, which pyOpenSSL does not name: our order counts, but a client that puts
# ChaCha20 first has no AES in hardware, and gets what is fast for it.
PREFERENCES = SSL.OP_CIPHER_SERVER_PREFERENCE | 0x200000

# What a context has from the start: middlebox compatibility (RFC 8446, appendix D.4) is OpenSSL's.
DEFAULT_OPTIONS = REQUIRED_OPTIONS | 0x100000  # SSL_OP_ENABLE_MIDDLEBOX_COMPAT

# OP_IGNORE_UNEXPECTED_EOF is not among them: it would make a cut connection look complete.
USABLE_OPTIONS = (
    (int(ssl.OP_ALL) & 0xFFFFFFFF)
    | PREFERENCES
    | SSL.OP_NO_SSLv3
    | SSL.OP_NO_TLSv1
    | SSL.OP_NO_TLSv1_1
    | SSL.OP_NO_TLSv1_2
    | SSL.OP_NO_TLSv1_3
)


@dataclass(frozen=True, slots=True)
class ClientAuthentication:
    """How clients are judged.

    Attributes:
        anchors: trust anchors; their names are sent to the client.
        intermediates: help for clients that forget theirs; neither trusted nor sent as names.
        crls: revocation lists for a check inside the handshake.
        verify_flags: ``X509_V_FLAG_*``; None means what follows from ``crls``.
        verify_depth: intermediates allowed between leaf and anchor.
        required: refuse in the handshake, with an alert, instead of recording.
    """

    anchors: tuple[Certificate, ...] = ()
    intermediates: tuple[Certificate, ...] = ()
    crls: tuple[CertificateRevocationList, ...] = ()
    verify_flags: int | None = None
    verify_depth: int = DEFAULT_VERIFY_DEPTH
    required: bool = False

    @property
    def in_handshake(self) -> bool:
        """Whether paths are validated in the handshake: to end it, or to look at CRLs once."""
        return self.required or bool(self.crls)

    @property
    def effective_flags(self) -> int:
        """The flags as chosen; a CRL that was loaded is looked at unless told otherwise."""
        if self.verify_flags is not None:
            return self.verify_flags
        return X509StoreFlags.CRL_CHECK if self.crls else 0


@dataclass(frozen=True, slots=True)
class ProtocolSettings:
    """How TLS is spoken.

    Attributes:
        minimum: the lowest version, TLS 1.2 or 1.3.
        maximum: the highest version.
        ciphers: OpenSSL's cipher string for TLS 1.2.
        options: ``SSL_OP_*`` beyond the required ones.
        alpn: the protocols offered, the preferred first (RFC 7301); empty leaves ALPN alone.
    """

    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: str = DEFAULT_CIPHERS
    options: int = PREFERENCES
    alpn: tuple[bytes, ...] = ()


def refuse_self_issued(intermediates: tuple[Certificate, ...]) -> None:
    """Make sure that none of these could end a chain, which would make it a trust anchor.

    Raises:
        CertgateError: one is issued by its own name.
    """
    for certificate in intermediates:
        if certificate.issuer == certificate.subject:
            raise CertgateError(
                f"{_name(certificate.subject)}: a self-signed certificate is no intermediate;"
                " if it is to be trusted, list it under ca"
            )


def refuse_dead_ends(anchors: tuple[Certificate, ...]) -> None:
    """Make sure that each anchor leads to a root that is also an anchor.

    Chains end at self-signed certificates only (no X509_V_FLAG_PARTIAL_CHAIN): an intermediate
    without its root admits nobody, and OpenSSL says no more than "unable to get issuer".

    Raises:
        CertgateError: there is no anchor, or the issuer of one is missing.
    """
    if not anchors:
        raise CertgateError("no CA certificate for clients; nobody could be verified")
    subjects = {certificate.subject for certificate in anchors}
    for certificate in anchors:
        if certificate.issuer not in subjects:
            raise CertgateError(
                f"{_name(certificate.subject)}: is an intermediate, and its issuer"
                f" {_name(certificate.issuer)} is missing; add the root to ca"
            )


def _name(name: Name) -> str:
    return name.rfc4514_string() or "(a certificate without a subject)"
