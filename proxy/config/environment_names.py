"""The variables that configure a gate, and the key that each of them stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from proxy.config.source import Place

FILE: Final = "CERTGATE_CONFIG"
LISTEN: Final = "CERTGATE_LISTEN"
UPSTREAM: Final = "CERTGATE_UPSTREAM"
PLACES: Final[dict[str, Place]] = {
    LISTEN: ("listen",),
    UPSTREAM: ("upstream",),
    "CERTGATE_CERTIFICATE": ("tls", "certificate"),
    "CERTGATE_PRIVATE_KEY": ("tls", "private_key"),
    "CERTGATE_CLIENT_CA": ("client_auth", "ca"),
    "CERTGATE_CRL": ("client_auth", "crl"),
}
"""The keys of the short form."""
