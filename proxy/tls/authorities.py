"""The configured CA certificates, as OpenSSL keeps them and as ``cryptography`` reads them."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from OpenSSL.crypto import X509

from proxy.tls.openssl import encoded, pointer_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.x509 import Certificate

# Bytes. OpenSSL takes up to 100 KB; 512 of those, from strangers, would be 50 MB for good.
_LONGEST_KEPT = 4096


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
        pointers = map(pointer_of, self.loaded)
        # cffi's pointers are equal if they point to the same place.
        self._by_address: dict[Any, Certificate] = dict(zip(pointers, certificates, strict=True))
        self._by_der = {one.public_bytes(Encoding.DER): one for one in certificates}

    def read(self, certificate: Any) -> Certificate:
        """Return the certificate of an ``X509 *``: the very one of these, if it is one.

        Raises:
            ValueError: ``cryptography`` cannot parse what OpenSSL took.
        """
        known = self._by_address.get(certificate)
        if known is None:
            der = encoded(certificate)
            parse = _parsed if len(der) <= _LONGEST_KEPT else load_der_x509_certificate
            known = self._by_der.get(der) or parse(der)
        return known


@lru_cache(maxsize=512)
def _parsed(der: bytes) -> Certificate:
    """Parse a certificate; a client that comes again brings the same bytes."""
    return load_der_x509_certificate(der)
