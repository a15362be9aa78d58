"""The configured CA certificates, as OpenSSL keeps them and as ``cryptography`` reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL.crypto import X509

from proxy.tls.openssl import encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.x509 import Certificate


class Authorities:
    """Read once for a context, so that no handshake has to parse them again.

    A path ends with the very object that is in the trust store, so an address tells which one it
    is. All are held here: no other certificate can come to lie there.

    Attributes:
        loaded: for OpenSSL's stores.
    """

    __slots__ = ("_by_address", "_by_der", "loaded")

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        certificates = tuple(certificates)
        self.loaded = tuple(map(X509.from_cryptography, certificates))
        pointers = (one._x509 for one in self.loaded)  # noqa: SLF001 - see openssl.py
        # cffi's pointers are equal if they point to the same place.
        self._by_address: dict[Any, Certificate] = dict(zip(pointers, certificates, strict=True))
        self._by_der = {one.public_bytes(Encoding.DER): one for one in certificates}

    def find(self, certificate: Any) -> Certificate | bytes:
        """Return the certificate of an ``X509 *`` if it is one of these, else its DER."""
        if (known := self._by_address.get(certificate)) is not None:
            return known
        der = encoded(certificate)
        return self._by_der.get(der, der)
