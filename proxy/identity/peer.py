"""The peer of a connection, as the TLS handshake left it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


@dataclass(frozen=True, slots=True)
class VerifyError:
    """One error that OpenSSL's path validation (or a re-check of ours) reported.

    Attributes:
        number: OpenSSL's ``X509_V_ERR_*``, e.g. 10 for an expired certificate.
        depth: 0 is the leaf, 1 its issuer, and so on.
        text: OpenSSL's own words, e.g. ``certificate has expired``.
    """

    number: int
    depth: int
    text: str


@dataclass(frozen=True, slots=True)
class PeerIdentity:
    """What one handshake told about the client. Never a verdict by itself: see ``judge``.

    Attributes:
        leaf: the end-entity certificate; None when the client sent none.
        chain: the certification path that OpenSSL built, leaf first, trust anchor last; it may
            stop early (or be the leaf alone) when validation failed.
        errors: every error of this handshake, in the order in which they were met.
        judged: the verify callback reached depth 0 for just these certificates, and their key was
            proved on *this* connection. OpenSSL's stored result is the callback's own doing, and
            on a resumed session no callback runs: a leaf that was not judged is not verified,
            whatever ``errors`` says.
    """

    leaf: Certificate | None
    chain: tuple[Certificate, ...]
    errors: tuple[VerifyError, ...]
    judged: bool


NO_CERTIFICATE = PeerIdentity(leaf=None, chain=(), errors=(), judged=False)
