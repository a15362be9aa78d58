"""What somebody asks to be certified: by flags (``LeafRequest``) or by a CSR (RFC 2986)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtensionOID

from proxy.ca.keys import KeyType, PublicKey, check_strength
from proxy.ca.names import alternative_name_text, host_name, subject_text
from proxy.ca.profiles import ALTERNATIVE_NAMES, SUBJECT_FIELDS, Profile
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta
    from pathlib import Path

    from proxy.ca.names import SubjectFields


@dataclass(frozen=True, slots=True)
class LeafRequest:
    """A certificate whose key is made here.

    Attributes:
        profile: client or server.
        subject: the fields of the subject.
        alternative_names: what goes into subjectAltName; a server without any gets its common
            name, because clients look nowhere else (RFC 9525 section 2).
        lifetime: None for the profile's default.
        key_type: P-256 is understood by every system of the last ten years, and phones can make
            and use it fast.
    """

    profile: Profile
    subject: SubjectFields
    alternative_names: tuple[x509.GeneralName, ...] = ()
    lifetime: timedelta | None = None
    key_type: KeyType = KeyType.P256

    def names(self) -> tuple[x509.GeneralName, ...]:
        """Return the alternative names that the certificate gets.

        Raises:
            CertgateError: a server without a name that a client could look for.
        """
        if self.profile is Profile.SERVER and not self.alternative_names:
            return (host_name(self.subject.common_name),)
        return self.alternative_names


@dataclass(frozen=True, slots=True)
class Asked:
    """What a CSR asks for, as far as a client certificate may have it.

    Attributes:
        dropped: what it asks for and does not get, in words for the operator.
    """

    subject: x509.Name
    public_key: PublicKey
    alternative_names: tuple[x509.GeneralName, ...]
    dropped: tuple[str, ...]


_DAMAGE = (
    ValueError,
    TypeError,
    UserWarning,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def parse_request(data: bytes, path: Path) -> Asked:
    """Read a CSR in PEM or DER, check its proof of possession and its key.

    Raises:
        CertgateError: not a CSR, signed by another key, too weak a key.
    """
    csr = _load(data, path)
    # What is read from the request is parsed only now, so every line below can meet damage; text
    # of a forbidden length is told by a warning, which counts as damage too.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            return _read(csr, path)
    except _DAMAGE as error:
        reason = " ".join(str(error).split())
        raise CertgateError(f"{path}: the request is damaged or unsupported: {reason}") from error


def _read(csr: x509.CertificateSigningRequest, path: Path) -> Asked:
    public_key = check_strength(csr.public_key(), str(path))
    if not csr.is_signature_valid:
        raise CertgateError(
            f"{path}: the request is not signed by its own key (no proof of possession): "
            "it was altered, or made by someone who does not hold the key"
        )
    names, dropped_names = _alternative_names(csr)
    subject, dropped_fields = _subject(csr.subject)
    dropped = (*dropped_fields, *dropped_names, *_dropped_extensions(csr))
    return Asked(subject, public_key, names, dropped)


def _load(data: bytes, path: Path) -> x509.CertificateSigningRequest:
    try:
        if b"-----BEGIN" in data:
            return x509.load_pem_x509_csr(data)
        return x509.load_der_x509_csr(data)
    except (ValueError, x509.InvalidVersion) as error:
        raise CertgateError(f"{path}: {_what_it_is(data)}") from error


_MISTAKEN = (
    (b"PRIVATE KEY-----", "this is a private key; keep it, and give its request (.csr)"),
    (b"BEGIN CERTIFICATE-----", "this is a certificate already, not a request for one"),
)


def _what_it_is(data: bytes) -> str:
    for mark, explanation in _MISTAKEN:
        if mark in data:
            return explanation
    return "not a certificate signing request in PEM or DER, or a damaged one"


def _subject(name: x509.Name) -> tuple[x509.Name, list[str]]:
    kept: list[x509.RelativeDistinguishedName] = []
    dropped: list[str] = []
    for rdn in name.rdns:
        if all(attribute.oid in SUBJECT_FIELDS for attribute in rdn):
            kept.append(rdn)
        else:
            dropped.append(f"subject field {subject_text(x509.Name([rdn]))}")
    return x509.Name(kept), dropped


def _alternative_names(
    csr: x509.CertificateSigningRequest,
) -> tuple[tuple[x509.GeneralName, ...], list[str]]:
    try:
        extension = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return (), []
    allowed = tuple(name for name in extension.value if _is_allowed(name))
    refused = [name for name in extension.value if not _is_allowed(name)]
    return allowed, [f"alternative name {alternative_name_text(name)}" for name in refused]


def _is_allowed(name: x509.GeneralName) -> bool:
    return isinstance(name, ALTERNATIVE_NAMES) and str(name.value).isprintable()


def _dropped_extensions(csr: x509.CertificateSigningRequest) -> Iterable[str]:
    for extension in csr.extensions:
        if extension.oid != ExtensionOID.SUBJECT_ALTERNATIVE_NAME:
            yield f"extension {_describe(extension)}"


def _describe(extension: x509.Extension[x509.ExtensionType]) -> str:
    match extension.value:
        case x509.BasicConstraints(ca=True):
            return "basicConstraints (asks to be a CA)"
        case x509.ExtendedKeyUsage() as usages:
            return f"extendedKeyUsage ({', '.join(map(_name_of, usages))})"
        case _:
            return _name_of(extension.oid)


def _name_of(oid: x509.ObjectIdentifier) -> str:
    # The only public way to an OID's name is its representation.
    name = repr(oid).partition("name=")[2].removesuffix(")>")
    return oid.dotted_string if name in {"", "Unknown OID"} else name
