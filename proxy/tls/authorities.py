"""The configured CA certificates, as OpenSSL keeps them and as ``cryptography`` reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL.crypto import FILETYPE_ASN1, X509, dump_certificate

from proxy.tls.openssl import address_of

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
        self._by_address = dict(zip(map(address_of, self.loaded), certificates, strict=True))
        self._by_der = {one.public_bytes(Encoding.DER): one for one in certificates}

    def find(self, certificate: X509) -> Certificate | bytes:
        """Return the certificate if it is one of these, else its DER."""
        known = self._by_address.get(address_of(certificate))
        if known is not None:
            return known
        encoded = dump_certificate(FILETYPE_ASN1, certificate)
        return self._by_der.get(encoded, encoded)
