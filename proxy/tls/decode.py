"""Certificates, CRLs and private keys out of PEM or DER data, with errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key

from proxy.errors import CertgateError
from proxy.tls.pem import PemBlock, is_pem, scan

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

ServerKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

# TLS 1.3 signs with no others (RFC 8446, section 4.2.3), and clients offer no others for 1.2.
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)

CERTIFICATE = "CERTIFICATE"
CRL = "X509 CRL"
PRIVATE_KEYS = frozenset(
    {"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"}
)
_PARAMETERS = frozenset({"EC PARAMETERS", "DH PARAMETERS"})  # some tools write them alongside

# What is found in the place of what was asked for, and how to mend it.
_REMEDIES = {
    CERTIFICATE: "a certificate",
    CRL: "a certificate revocation list; CRLs are configured on their own",
    "TRUSTED CERTIFICATE": "OpenSSL's own certificate format; convert it with `openssl x509`",
    "CERTIFICATE REQUEST": "a certificate request; have it signed first",
    "NEW CERTIFICATE REQUEST": "a certificate request; have it signed first",
    "PKCS7": "a PKCS #7 bundle; convert it with `openssl pkcs7 -print_certs`",
    "PUBLIC KEY": "a public key",
    "OPENSSH PRIVATE KEY": "an OpenSSH key; convert it with `ssh-keygen -p -m PKCS8 -f FILE`",
    "DSA PRIVATE KEY": "a DSA key, which TLS 1.3 does not know; make an EC key",
    **dict.fromkeys(PRIVATE_KEYS, "a private key; keep keys in files of their own"),
}

# A callable is asked only when the key turns out to be encrypted (it may prompt).
Passphrase = bytes | Callable[[], bytes] | None

_Parsed = TypeVar("_Parsed")


def parse_certificates(
    data: bytes, where: str, *, beside: frozenset[str] = frozenset()
) -> tuple[x509.Certificate, ...]:
    """Return the certificates of PEM or DER data, in order.

    Args:
        data: the whole content.
        where: the file's name, for errors.
        beside: labels of other PEM blocks that may stand between the certificates.

    Raises:
        CertgateError: there is none, one is damaged, or there is something else in the data.
    """
    if not is_pem(data):
        return (_certificate(x509.load_der_x509_certificate, data, where),)
    found = tuple(
        _certificate(x509.load_pem_x509_certificate, block.text, f"{where}: line {block.line}")
        for block in _blocks(data, where, CERTIFICATE, beside | _PARAMETERS)
    )
    if not found:
        is_key = any(block.label in PRIVATE_KEYS for block in scan(data, where))
        what = "holds a private key and no certificate" if is_key else "holds no certificate"
        raise CertgateError(f"{where}: {what}")
    return found


def parse_crls(
    data: bytes, where: str, *, beside: frozenset[str] = frozenset()
) -> tuple[x509.CertificateRevocationList, ...]:
    """Return the CRLs of PEM or DER data, in order; the arguments are those of certificates.

    ``load_pem_x509_crl`` reads only the first CRL of a file; the revoked of the others would pass.

    Raises:
        CertgateError: there is none, one is damaged, or there is something else in the data.
    """
    if not is_pem(data):
        return (_crl(x509.load_der_x509_crl, data, where),)
    found = tuple(
        _crl(x509.load_pem_x509_crl, block.text, f"{where}: line {block.line}")
        for block in _blocks(data, where, CRL, beside)
    )
    if not found:
        raise CertgateError(f"{where}: holds no certificate revocation list")
    return found


def parse_trust(
    data: bytes, where: str
) -> tuple[tuple[x509.Certificate, ...], tuple[x509.CertificateRevocationList, ...]]:
    """Return certificates and CRLs of a file that may hold both, as OpenSSL's CA files may.

    Raises:
        CertgateError: there is neither, one is damaged, or there is something else in the data.
    """
    labels = {block.label for block in scan(data, where)} if is_pem(data) else {CERTIFICATE}
    both = frozenset({CERTIFICATE, CRL})
    crls = parse_crls(data, where, beside=both) if CRL in labels else ()
    if crls and CERTIFICATE not in labels:
        return (), crls
    return parse_certificates(data, where, beside=both), crls


def der_items(data: bytes, where: str) -> Iterator[bytes]:
    """Cut DER certificates that lie one after the other; PEM comes back in one piece.

    Raises:
        CertgateError: the data ends inside an item, or is none of both.
    """
    if is_pem(data):
        yield data
        return
    while data:
        end = _item_length(data)
        if not end or end > len(data):
            raise CertgateError(f"{where}: is not a row of whole DER certificates")
        yield data[:end]
        data = data[end:]


def parse_private_key(data: bytes, where: str, passphrase: Passphrase) -> ServerKey:
    """Return the one private key of PEM or DER data; certificates may stand beside it.

    Args:
        data: the whole content.
        where: the file's name, for errors.
        passphrase: for an encrypted key; not looked at, and not called, for a plain one.

    Raises:
        CertgateError: no key, several keys, an unusable kind, or a wrong or missing passphrase.
    """
    if not is_pem(data):
        return _key(load_der_private_key, data, where, passphrase)
    blocks = list(scan(data, where))
    keys = [block for block in blocks if block.label in PRIVATE_KEYS]
    if len(keys) > 1:
        raise CertgateError(f"{where}: holds {len(keys)} private keys; leave only the one meant")
    if not keys:
        raise _wrong_kind(where, blocks, "private key")
    return _key(load_pem_private_key, keys[0].text, where, passphrase)


def _item_length(data: bytes) -> int:
    """Return the length of a SEQUENCE with its header (X.690, section 8.1.3), 0 if it is none."""
    short_form, most_bytes = 0x80, 4
    if len(data) < 2 or data[0] != 0x30:  # noqa: PLR2004 - tag and first length byte
        return 0
    if data[1] < short_form:
        return 2 + data[1]
    count = data[1] - short_form
    if not 0 < count <= most_bytes:
        return 0
    return 2 + count + int.from_bytes(data[2 : 2 + count], "big")


def _blocks(data: bytes, where: str, label: str, beside: frozenset[str]) -> list[PemBlock]:
    blocks = list(scan(data, where))
    strangers = [block for block in blocks if block.label not in {label, *beside}]
    if strangers:
        raise _wrong_kind(where, strangers, "certificate" if label == CERTIFICATE else "CRL")
    return [block for block in blocks if block.label == label]


def _wrong_kind(where: str, blocks: list[PemBlock], wanted: str) -> CertgateError:
    if not blocks:
        return CertgateError(f"{where}: holds no {wanted}")
    found = _REMEDIES.get(blocks[0].label, f"a block of the kind {blocks[0].label!r}")
    return CertgateError(f"{where}: line {blocks[0].line}: expected a {wanted}, found {found}")


def _certificate(
    load: Callable[[bytes], x509.Certificate], data: bytes, where: str
) -> x509.Certificate:
    certificate = _parsed(load, data, where, "certificate")
    try:
        certificate.public_key()  # parsed late, and needed at the latest by the first handshake
    except (ValueError, UnsupportedAlgorithm) as error:
        raise CertgateError(f"{where}: the certificate's public key is unusable: {error}") from None
    return certificate


def _crl(
    load: Callable[[bytes], x509.CertificateRevocationList], data: bytes, where: str
) -> x509.CertificateRevocationList:
    return _parsed(load, data, where, "CRL")


def _parsed(load: Callable[[bytes], _Parsed], data: bytes, where: str, what: str) -> _Parsed:
    try:
        return load(data)
    except ValueError:
        raise CertgateError(
            f"{where}: not a readable {what} in PEM or DER; copy the file again"
            " (a .p12 must be unpacked first: `openssl pkcs12`)"
        ) from None


def _key(
    load: Callable[..., PrivateKeyTypes], data: bytes, where: str, passphrase: Passphrase
) -> ServerKey:
    try:
        key = load(data, password=None)
    except TypeError:  # this is how cryptography says "encrypted"
        key = _decrypted(load, data, where, passphrase)
    except (ValueError, UnsupportedAlgorithm):
        raise CertgateError(f"{where}: not a readable private key; copy the file again") from None
    if not isinstance(key, ServerKey):
        raise CertgateError(f"{where}: this kind of key does not work in TLS; make an EC key")
    if isinstance(key, ec.EllipticCurvePrivateKey) and not isinstance(key.curve, _CURVES):
        raise CertgateError(
            f"{where}: no client takes a key on the curve {key.curve.name}; make a P-256 key"
        )
    return key


def _decrypted(
    load: Callable[..., PrivateKeyTypes], data: bytes, where: str, passphrase: Passphrase
) -> PrivateKeyTypes:
    if passphrase is None:
        raise CertgateError(
            f"{where}: the private key is encrypted; give its passphrase (in a configuration:"
            " private_key_passphrase_file), or decrypt the key with `openssl pkey`"
        )
    try:
        return load(data, password=passphrase() if callable(passphrase) else passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertgateError(
            f"{where}: wrong passphrase for this private key (or its encryption is not supported)"
        ) from None
