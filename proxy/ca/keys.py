"""Private and public keys: which kinds, how strong, and how they are kept."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from proxy.errors import CertgateError

if TYPE_CHECKING:
    from pathlib import Path

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class KeyType(StrEnum):
    """The kinds of keys that are made here."""

    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"
    P256 = "p256"
    P384 = "p384"
    ED25519 = "ed25519"


_RSA_BITS = {KeyType.RSA_2048: 2048, KeyType.RSA_3072: 3072, KeyType.RSA_4096: 4096}
_CURVES = {KeyType.P256: ec.SECP256R1, KeyType.P384: ec.SECP384R1}
SignatureHash = hashes.SHA256 | hashes.SHA384 | hashes.SHA512
_CURVE_HASHES: dict[str, type[SignatureHash]] = {
    "secp256r1": hashes.SHA256,
    "secp384r1": hashes.SHA384,
    "secp521r1": hashes.SHA512,
}
_LEAST_RSA_BITS = 2048  # OpenSSL's security level 2, the default of Debian, refuses less
_MOST_RSA_BITS = 8192  # each handshake verifies with it: a huge key is an attack on the gate
_LEAST_RSA_EXPONENT = 65537  # NIST SP 800-56B section 6.2


def generate_key(key_type: KeyType) -> PrivateKey:
    """Make a new private key."""
    if key_type in _RSA_BITS:
        return rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS[key_type])
    if key_type in _CURVES:
        return ec.generate_private_key(_CURVES[key_type]())
    return ed25519.Ed25519PrivateKey.generate()


def signature_hash(key: PrivateKey) -> SignatureHash | None:
    """Return the hash to sign with: the curve's own size, SHA-256 for RSA, none for Ed25519."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return _CURVE_HASHES[key.curve.name]()
    return hashes.SHA256() if isinstance(key, rsa.RSAPrivateKey) else None


def check_strength(key: object, where: str) -> PublicKey:
    """Return the public key if certificates may be made for it.

    Raises:
        CertgateError: too weak, too large, or of a kind that TLS clients do not use.
    """
    match key:
        case rsa.RSAPublicKey():
            _check_rsa(key, where)
            return key
        case ec.EllipticCurvePublicKey():
            if key.curve.name not in _CURVE_HASHES:
                raise CertgateError(
                    f"{where}: the curve {key.curve.name} is not accepted; "
                    "use P-256, P-384 or P-521"
                )
            return key
        case ed25519.Ed25519PublicKey():
            return key
        case _:
            raise CertgateError(
                f"{where}: this kind of key is not accepted; use RSA, P-256, P-384 or Ed25519"
            )


def _check_rsa(key: rsa.RSAPublicKey, where: str) -> None:
    if key.key_size < _LEAST_RSA_BITS:
        raise CertgateError(
            f"{where}: the RSA key has {key.key_size} bits, which is too weak; "
            f"at least {_LEAST_RSA_BITS} are needed"
        )
    if key.key_size > _MOST_RSA_BITS:
        raise CertgateError(
            f"{where}: the RSA key has {key.key_size} bits; at most {_MOST_RSA_BITS} are accepted"
        )
    if key.public_numbers().e < _LEAST_RSA_EXPONENT:
        raise CertgateError(
            f"{where}: the RSA key's public exponent is {key.public_numbers().e}, "
            f"which is too weak; at least {_LEAST_RSA_EXPONENT} is needed"
        )


def describe_key(key: PublicKey) -> str:
    """Return the kind and size in a few letters, e.g. ``RSA 2048`` or ``P-256``."""
    match key:
        case rsa.RSAPublicKey():
            return f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey():
            return f"P-{key.curve.key_size}"
        case _:
            return "Ed25519"


def spki_sha256(key: PublicKey) -> str:
    """Return the SHA-256 of the SubjectPublicKeyInfo, in hex: the name of the key itself."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


def is_same_key(one: PublicKey, other: PublicKey) -> bool:
    """Tell whether two public keys are one."""
    return spki_sha256(one) == spki_sha256(other)


def encrypted_pem(key: PrivateKey, passphrase: bytes) -> bytes:
    """Return the key as encrypted PKCS#8 (PBES2, AES-256-CBC) in PEM.

    Raises:
        CertgateError: the passphrase is empty or longer than the format allows.
    """
    try:
        return key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(passphrase),
        )
    except ValueError as error:
        raise CertgateError(f"this passphrase cannot be used: {error}") from error


def plain_pem(key: PrivateKey) -> bytes:
    """Return the key as unencrypted PKCS#8 in PEM: for a 0600 file only."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def load_private_key(data: bytes, passphrase: bytes | None, path: Path) -> PrivateKey:
    """Read a private key in PEM, old (``Proc-Type``) or new (PKCS#8), encrypted or not.

    Args:
        data: the file's content.
        passphrase: used when the key is encrypted, ignored otherwise.
        path: for the messages.

    Raises:
        CertgateError: a wrong or missing passphrase, garbage, or a kind of key we do not use.
    """
    secret = passphrase if is_encrypted(data) else None
    if secret is None and is_encrypted(data):
        raise CertgateError(f"{path}: the key is encrypted and no passphrase was given")
    try:
        key = serialization.load_pem_private_key(data, secret)
    except (ValueError, UnsupportedAlgorithm) as error:
        if secret is not None:
            raise CertgateError(f"{path}: wrong passphrase, or the key is damaged") from error
        raise CertgateError(f"{path}: not a private key in PEM") from error
    if not isinstance(key, PrivateKey):
        raise CertgateError(f"{path}: only RSA, EC and Ed25519 keys are accepted")
    return key


def is_encrypted(data: bytes) -> bool:
    """Tell whether a private key in PEM needs a passphrase, in the old or the new form."""
    return b"ENCRYPTED" in data
