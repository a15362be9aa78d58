"""Certificates, private keys and CRLs from files; what cannot be used says so and says why.

Nothing here falls back: a file that is empty, cut short, of the wrong kind or encrypted under
another passphrase is an error that names the file and the remedy. A CA or CRL file without one
usable entry never counts as loaded (an empty trust store that was taken for "no check wanted" is
how gates have been left open).
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import PublicKeyAlgorithmOID

from proxy.errors import CertgateError
from proxy.tls.decode import PRIVATE_KEYS, parse_certificates, parse_crls, parse_private_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.x509 import Certificate, CertificateRevocationList

    from proxy.tls.decode import ServerKey


class WrongFileError(CertgateError):
    """A file that cannot be used, and what it was given as.

    Attributes:
        given_as: ``certificate``, ``private_key``, ``private_key_passphrase_file`` or ``ca``, as
            the keys of the configuration are called.
    """

    def __init__(self, given_as: str, message: str) -> None:
        super().__init__(message)
        self.given_as = given_as


@contextmanager
def given_as(what: str) -> Iterator[None]:
    """Tell with an error what the file was given as.

    Raises:
        WrongFileError: in the place of a ``CertgateError``.
    """
    try:
        yield
    except CertgateError as error:
        raise WrongFileError(what, str(error)) from None


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What the gate shows to its clients.

    Attributes:
        certificate: the end-entity certificate.
        chain: what is sent behind it, in order; usually the intermediates.
        private_key: the key of ``certificate``.
    """

    certificate: Certificate
    chain: tuple[Certificate, ...]
    private_key: ServerKey


def load_certificates(path: Path) -> tuple[Certificate, ...]:
    """Return every certificate of a PEM file, in order, or the one of a DER file.

    Raises:
        CertgateError: the file cannot be read, holds no certificate, or holds anything else.
    """
    return parse_certificates(read_file(path), str(path))


def load_crls(path: Path) -> tuple[CertificateRevocationList, ...]:
    """Return every CRL of a PEM file, in order, or the one of a DER file.

    Raises:
        CertgateError: the file cannot be read, holds no CRL, or holds anything else.
    """
    return parse_crls(read_file(path), str(path))


def load_private_key(path: Path, passphrase: bytes | None) -> ServerKey:
    """Return the one private key of a file: PKCS #8, traditional PEM, or DER.

    Args:
        path: the file; certificates beside the key are passed over.
        passphrase: for an encrypted key; not looked at for a plain one.

    Raises:
        CertgateError: no key, several keys, an unusable kind, or a wrong or missing passphrase.
    """
    return parse_private_key(read_file(path), str(path), passphrase)


def load_passphrase(path: Path) -> bytes:
    """Return a passphrase file's content up to its first line end.

    Raises:
        CertgateError: the file cannot be read or its first line is empty.
    """
    passphrase = read_file(path).split(b"\n", 1)[0].removesuffix(b"\r")
    if not passphrase:
        raise CertgateError(f"{path}: the first line is empty; it must be the passphrase")
    return passphrase


def load_server_certificate(
    certificate: Path, private_key: Path, passphrase_file: Path | None = None
) -> ServerCertificate:
    """Return a server's certificate, its chain and its key after checking that they fit.

    Both may be in one file.

    Raises:
        WrongFileError: one of the files is unusable, the key is another certificate's, or the
            chain is not in order.
    """
    with given_as("private_key_passphrase_file"):
        passphrase = None if passphrase_file is None else load_passphrase(passphrase_file)
    with given_as("certificate"):
        data = read_file(certificate)
        certificates = parse_certificates(data, str(certificate), beside=PRIVATE_KEYS)
    with given_as("private_key"):
        key = load_private_key(private_key, passphrase)
    return pair(certificates, key, str(certificate), str(private_key))


def pair(
    certificates: tuple[Certificate, ...], key: ServerKey, where: str, key_where: str
) -> ServerCertificate:
    """Return certificate, chain and key as one value after checking that they fit.

    Args:
        certificates: the server's own first (RFC 8446, section 4.4.2), then its issuers.
        key: the private key.
        where: the file of the certificates, for errors.
        key_where: the file of the key, for errors.

    Raises:
        WrongFileError: the key is not the first certificate's or does not work in TLS, or the
            chain is not in order.
    """
    leaf, *chain = certificates
    with given_as("certificate"):
        _refuse_pss(leaf, where)
        _refuse_later_leaf(certificates, key, where)
    with given_as("private_key"):
        _refuse_foreign_key(leaf, key, where, key_where)
    with given_as("certificate"):
        _refuse_disorder(certificates, where)
    return ServerCertificate(leaf, tuple(chain), key)


def _refuse_pss(leaf: Certificate, where: str) -> None:
    if leaf.public_key_algorithm_oid == PublicKeyAlgorithmOID.RSASSA_PSS:
        raise CertgateError(
            f"{where}: a key for RSA-PSS alone does not work here; make an EC key, or a plain"
            " RSA one"
        )


def _refuse_later_leaf(certificates: tuple[Certificate, ...], key: ServerKey, where: str) -> None:
    wanted = _encoded(key.public_key())
    leaf, *chain = (_encoded(one.public_key()) for one in certificates)
    if leaf != wanted and wanted in chain:
        raise CertgateError(f"{where}: the server's own certificate must come first")


def _refuse_foreign_key(leaf: Certificate, key: ServerKey, where: str, key_where: str) -> None:
    if _encoded(leaf.public_key()) != _encoded(key.public_key()):
        raise CertgateError(
            f"{key_where}: this private key does not belong to the certificate in {where};"
            " give the key with which that certificate was requested"
        )


def _refuse_disorder(certificates: tuple[Certificate, ...], where: str) -> None:
    issuers = {certificates[0].issuer}
    for position, certificate in enumerate(certificates[1:], start=2):
        if certificate.subject not in issuers:
            raise CertgateError(
                f"{where}: certificate {position} ({certificate.subject.rfc4514_string()}) issued"
                " none of those before it; the order is: the server's, its issuer, and so on up"
            )
        issuers.add(certificate.issuer)


def read_file(path: Path) -> bytes:
    """Return a file's content.

    Raises:
        CertgateError: it is missing, unreadable or empty.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise CertgateError(f"{path}: no such file; check the path or create it") from None
    except PermissionError:
        raise CertgateError(
            f"{path}: permission denied; make it readable for the user of this process"
            f" (uid {os.geteuid()})"
        ) from None
    except IsADirectoryError:
        raise CertgateError(f"{path}: is a directory; name a file") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a file name"  # a NUL in it
        raise CertgateError(f"{path}: cannot be read: {reason.lower()}") from None
    if not data.strip():
        raise CertgateError(f"{path}: the file is empty; copy it again")
    return data


def _encoded(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
