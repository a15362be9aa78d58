"""PKCS#12 bundles (RFC 7292): key, certificate and chain in one file for a device.

OpenSSL 3 writes AES-256 with a SHA-256 MAC; iOS, macOS and Android refuse such a file with the
words "wrong password". 3DES with SHA-1 is opened by everything: by those, by Windows, NSS, Java
and by OpenSSL 3 as well. So the legacy encoding is the default, with a generated password that
carries the whole strength: 100 random bits do not care how fast the key derivation is.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import PrivateFormat, pkcs12

from proxy.ca.keys import check_strength, is_same_key
from proxy.ca.names import common_name_of
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import KeySerializationEncryption

    from proxy.ca.keys import PrivateKey

# No letter that looks like another: the password is read from a screen and typed on a phone.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 5, 4


class Encoding(StrEnum):
    """How a bundle is encrypted."""

    LEGACY = "legacy"
    MODERN = "modern"


_ALGORITHMS = {
    Encoding.LEGACY: (pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC, hashes.SHA1),
    Encoding.MODERN: (pkcs12.PBES.PBESv2SHA256AndAES256CBC, hashes.SHA256),
}
_ROUNDS = 20_000


def generate_password() -> str:
    """Return a password of 99 random bits in groups that can be typed, e.g. ``k7mq-3fhz-…``."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def build_p12(
    key: PrivateKey,
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    password: str,
    encoding: Encoding = Encoding.LEGACY,
) -> bytes:
    """Return a bundle that was opened again and found complete.

    Raises:
        CertgateError: an empty password (macOS and Android cannot open such a file), or a key
            that is not the certificate's.
    """
    if not password:
        raise CertgateError("the .p12 password is empty: macOS and Android refuse such a file")
    check_key(key, certificate)
    name = common_name_of(certificate.subject).encode()
    data = pkcs12.serialize_key_and_certificates(
        name, key, certificate, chain, _encryption(password, encoding)
    )
    _check_opens(data, password, certificate, chain)
    return data


def check_key(key: PrivateKey, certificate: x509.Certificate) -> None:
    """Refuse a key that is not the certificate's.

    Raises:
        CertgateError: it is not.
    """
    public_key = check_strength(certificate.public_key(), "the certificate")
    if not is_same_key(key.public_key(), public_key):
        raise CertgateError("this private key does not belong to this certificate")


def _encryption(password: str, encoding: Encoding) -> KeySerializationEncryption:
    cipher, mac = _ALGORITHMS[encoding]
    return (
        PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(_ROUNDS)
        .key_cert_algorithm(cipher)
        .hmac_hash(mac())
        .build(password.encode())
    )


def _check_opens(
    data: bytes,
    password: str,
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
) -> None:
    bundle = pkcs12.load_pkcs12(data, password.encode())
    inside = {extra.certificate for extra in bundle.additional_certs}
    if (
        bundle.key is None
        or bundle.cert is None
        or bundle.cert.certificate != certificate
        or inside != set(chain)
    ):
        raise CertgateError("the .p12 could not be opened again after it was made")
