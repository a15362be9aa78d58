"""Distinguished names and alternative names: made from text, checked, shown.

What stands in a name becomes an identity: the access rules, the app's headers and the access log
all read it. So a name holds printable text only, has exactly one common name, and can never be
taken for the CA itself.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.x509.oid import NameOID

from proxy.errors import CertgateError
from proxy.identity.der import UnreadableCertificateError
from proxy.identity.dn import rfc2253

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_COMMON_NAME = 64  # ub-common-name, RFC 5280 appendix A
_DNS_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.IGNORECASE)
_COUNTRY = re.compile(r"[A-Za-z]{2}")  # a PrintableString of two, RFC 5280 appendix A
_MOST_DNS_NAME = 253
_EMAIL = re.compile(r"[!-?A-~]+@[a-z0-9.-]+", re.IGNORECASE)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:[!-~]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SubjectFields:
    """The fields of a subject as an operator gives them; empty ones are left out."""

    common_name: str
    organization: str = ""
    organizational_unit: str = ""
    country: str = ""

    def to_name(self) -> x509.Name:
        """Return the distinguished name, most general field first.

        Raises:
            CertgateError: a blank common name, or text that must not stand in a certificate.
        """
        fields = (
            (NameOID.COUNTRY_NAME, self.country),
            (NameOID.ORGANIZATION_NAME, self.organization),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, self.organizational_unit),
            (NameOID.COMMON_NAME, self.common_name),
        )
        if not self.common_name.strip():
            raise CertgateError(_BLANK_COMMON_NAME)
        for _, value in fields:
            _check_text(value)
        if self.country and not _COUNTRY.fullmatch(self.country):
            raise CertgateError(f"the country {self.country!r} is not two letters, like DE")
        try:
            return x509.Name([x509.NameAttribute(oid, value) for oid, value in fields if value])
        except ValueError as error:
            raise CertgateError(f"the subject cannot be used: {error}") from error


_BLANK_COMMON_NAME = (
    "the common name is blank: a certificate without one identifies nobody, and one whose fields "
    "are all blank can be mistaken for the CA itself (OpenSSL then reports it as self-signed)"
)


def check_subject(subject: x509.Name, authorities: Iterable[x509.Name]) -> str:
    """Return the common name of a subject that may be certified.

    Args:
        subject: the wanted subject.
        authorities: the subjects of the CA and of those above it.

    Raises:
        CertgateError: no common name or more than one, unprintable text, or a CA's own name.
    """
    common_names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    if not any(_text(attribute).strip() for attribute in common_names):
        raise CertgateError(_BLANK_COMMON_NAME)
    if len(common_names) > 1:
        raise CertgateError("the subject has more than one common name: which one counts is open")
    for attribute in subject:
        _check_text(_text(attribute))
    if _folded(subject) in [_folded(name) for name in authorities]:
        raise CertgateError(
            f"the subject {subject_text(subject)} is the CA's own name: such a certificate would "
            "be taken for a self-signed one and refused; choose another common name"
        )
    return _text(common_names[0])


def common_name_of(name: x509.Name) -> str:
    """Return the (first) common name, or nothing."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return _text(found[0]) if found else ""


def subject_text(name: x509.Name) -> str:
    """Return RFC 2253 text, byte for byte what nginx and our headers show: ``CN=alice,O=Acme``.

    Raises:
        CertgateError: the name has text that cannot be read in one way only.
    """
    try:
        return rfc2253(name)
    except UnreadableCertificateError as error:
        raise CertgateError(f"the subject cannot be read: {error}") from error


def _text(attribute: x509.NameAttribute[str | bytes]) -> str:
    value = attribute.value
    return value if isinstance(value, str) else value.hex()


def _check_text(value: str) -> None:
    """Refuse what could end a header or log line, or make two names look alike."""
    if not value.isprintable():
        raise CertgateError(f"the subject field {value!r} has characters that cannot be printed")
    if value != value.strip():
        raise CertgateError(f"the subject field {value!r} begins or ends with a space")


def _folded(name: x509.Name) -> list[list[tuple[str, str]]]:
    """Return a name as OpenSSL compares it: letter case and runs of spaces do not count."""
    return [
        sorted((a.oid.dotted_string, " ".join(_text(a).lower().split())) for a in rdn)
        for rdn in name.rdns
    ]


def parse_alternative_name(text: str) -> x509.GeneralName:
    """Read one ``dns:``, ``email:``, ``uri:`` or ``ip:`` name.

    Raises:
        CertgateError: another kind, or a value that is not of its kind.
    """
    kind, _, value = text.partition(":")
    value = value.strip()
    build = _BUILDERS.get(kind.strip().lower())
    if build is None:
        raise CertgateError(
            f"the alternative name {text!r} needs a kind: dns:, email:, uri: or ip:"
        )
    return build(value)


def is_dns_name(text: str) -> bool:
    """Tell whether the text can be a dNSName; the first label may be ``*``."""
    labels = text.removeprefix("*.").split(".")
    return len(text) <= _MOST_DNS_NAME and all(_DNS_LABEL.fullmatch(label) for label in labels)


def host_name(text: str) -> x509.GeneralName:
    """Return a server's name as the alternative name of the right kind: address or DNS name."""
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return _dns(text)


def _dns(value: str) -> x509.GeneralName:
    try:
        ascii_name = value if value.isascii() else value.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise CertgateError(f"{value!r} is not a DNS name") from error
    if not is_dns_name(ascii_name):
        raise CertgateError(f"{value!r} is not a DNS name")
    return x509.DNSName(ascii_name)


def _email(value: str) -> x509.GeneralName:
    if not _EMAIL.fullmatch(value):
        raise CertgateError(f"{value!r} is not an e-mail address")
    return x509.RFC822Name(value)


def _uri(value: str) -> x509.GeneralName:
    if not _URI.fullmatch(value):
        raise CertgateError(f"{value!r} is not a URI")
    return x509.UniformResourceIdentifier(value)


def _ip(value: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(value))
    except ValueError as error:
        raise CertgateError(f"{value!r} is not an IP address") from error


_BUILDERS = {"dns": _dns, "email": _email, "uri": _uri, "ip": _ip}
_KINDS: tuple[tuple[type[x509.GeneralName], str], ...] = (
    (x509.DNSName, "dns"),
    (x509.RFC822Name, "email"),
    (x509.UniformResourceIdentifier, "uri"),
    (x509.IPAddress, "ip"),
)


def alternative_name_text(name: x509.GeneralName) -> str:
    """Return an alternative name the way it is written on the command line."""
    for kind, prefix in _KINDS:
        if isinstance(name, kind):
            return f"{prefix}:{name.value}"
    return f"other:{type(name).__name__}"


def alternative_names_of(certificate: x509.Certificate) -> tuple[x509.GeneralName, ...]:
    """Return what stands in the subjectAltName extension."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    return tuple(extension.value)
