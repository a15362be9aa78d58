"""A CA on the disk: one folder, four files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from proxy.ca.files import is_there, read_file
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Folder:
    """The names of the files inside a CA's folder.

    Attributes:
        path: the folder, ``certs/ca`` unless the operator says otherwise.
    """

    path: Path

    @property
    def key(self) -> Path:
        """The CA's private key: PKCS#8, encrypted, mode 0600."""
        return self.path / "ca.key"

    @property
    def certificate(self) -> Path:
        """The CA's certificate, followed by those above it."""
        return self.path / "ca.crt"

    @property
    def crl(self) -> Path:
        """The current CRL."""
        return self.path / "crl.pem"

    @property
    def store(self) -> Path:
        """The store."""
        return self.path / "ca.db"

    @property
    def issued(self) -> Path:
        """Where ``issue`` puts keys and certificates unless told otherwise."""
        return self.path / "issued"

    def existing(self) -> list[Path]:
        """Return those of the CA's own files that are there."""
        files = (self.key, self.certificate, self.crl, self.store)
        return [path for path in files if is_there(path)]

    def load_chain(self) -> tuple[x509.Certificate, ...]:
        """Return the CA's certificate and those above it.

        Raises:
            CertgateError: there is no CA in this folder, or its certificate is unreadable.
        """
        try:
            return load_certificates(self.certificate)
        except CertgateError as error:
            if not isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                raise
            raise CertgateError(
                f"{self.path}: there is no CA here; make one with: certgate ca init, "
                "or say where it is with --dir"
            ) from error


def load_certificates(path: Path) -> tuple[x509.Certificate, ...]:
    """Read every certificate of a PEM file, or the one of a DER file.

    Raises:
        CertgateError: there is none, or one is damaged.
    """
    data = read_file(path)
    try:
        if b"-----BEGIN" in data:
            return tuple(x509.load_pem_x509_certificates(data))
        return (x509.load_der_x509_certificate(data),)
    except (ValueError, x509.InvalidVersion) as error:
        raise CertgateError(f"{path}: not a certificate in PEM or DER") from error


def pem_of(*certificates: x509.Certificate) -> bytes:
    """Return certificates one after the other in PEM."""
    return b"".join(
        certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates
    )


def der_of(certificate: x509.Certificate) -> bytes:
    """Return a certificate in DER."""
    return certificate.public_bytes(serialization.Encoding.DER)
