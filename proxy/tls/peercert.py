"""A certificate as the dictionary that ``ssl.SSLObject.getpeercert`` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable

# OpenSSL's long names, which the standard library uses; other types appear as dotted numbers.
_LONG_NAMES = {
    NameOID.COMMON_NAME: "commonName",
    NameOID.COUNTRY_NAME: "countryName",
    NameOID.DN_QUALIFIER: "dnQualifier",
    NameOID.DOMAIN_COMPONENT: "domainComponent",
    NameOID.EMAIL_ADDRESS: "emailAddress",
    NameOID.GENERATION_QUALIFIER: "generationQualifier",
    NameOID.GIVEN_NAME: "givenName",
    NameOID.LOCALITY_NAME: "localityName",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "organizationalUnitName",
    NameOID.ORGANIZATION_NAME: "organizationName",
    NameOID.POSTAL_CODE: "postalCode",
    NameOID.PSEUDONYM: "pseudonym",
    NameOID.SERIAL_NUMBER: "serialNumber",
    NameOID.STATE_OR_PROVINCE_NAME: "stateOrProvinceName",
    NameOID.STREET_ADDRESS: "streetAddress",
    NameOID.SURNAME: "surname",
    NameOID.TITLE: "title",
    NameOID.USER_ID: "userId",
    NameOID.X500_UNIQUE_IDENTIFIER: "x500UniqueIdentifier",
}

_GENERAL_NAMES: dict[type[x509.GeneralName], tuple[str, Callable[[Any], Any]]] = {
    x509.DNSName: ("DNS", lambda name: name.value),
    x509.RFC822Name: ("email", lambda name: name.value),
    x509.UniformResourceIdentifier: ("URI", lambda name: name.value),
    x509.IPAddress: ("IP Address", lambda name: str(name.value)),
    x509.RegisteredID: ("Registered ID", lambda name: name.value.dotted_string),
    x509.DirectoryName: ("DirName", lambda name: _name(name.value)),
}

_Pairs = tuple[tuple[str, Any], ...]


def certificate_dict(certificate: x509.Certificate) -> dict[str, Any]:
    """Return subject, issuer, validity and names in the form documented for ``getpeercert``.

    Keys whose value would be empty are left out, except the fields that each certificate has.
    """
    serial = f"{certificate.serial_number:X}"
    told: dict[str, Any] = {
        "subject": _name(certificate.subject),
        "issuer": _name(certificate.issuer),
        "version": certificate.version.value + 1,
        "serialNumber": serial if len(serial) % 2 == 0 else f"0{serial}",
        "notBefore": _time(certificate.not_valid_before_utc),
        "notAfter": _time(certificate.not_valid_after_utc),
    }
    optional = {
        "subjectAltName": _alternative_names(certificate),
        "OCSP": _access(certificate, AuthorityInformationAccessOID.OCSP),
        "caIssuers": _access(certificate, AuthorityInformationAccessOID.CA_ISSUERS),
        "crlDistributionPoints": _distribution_points(certificate),
    }
    return told | {key: value for key, value in optional.items() if value}


def _name(name: x509.Name) -> tuple[_Pairs, ...]:
    return tuple(
        tuple((_LONG_NAMES.get(one.oid, one.oid.dotted_string), one.value) for one in rdn)
        for rdn in name.rdns
    )


def _time(moment: dt.datetime) -> str:
    """Return the form that ``ssl.cert_time_to_seconds`` reads; English whatever the locale."""
    months = "JanFebMarAprMayJunJulAugSepOctNovDec"
    month = months[3 * moment.month - 3 : 3 * moment.month]
    return f"{month} {moment.day:2d} {moment:%H:%M:%S} {moment.year} GMT"


def _alternative_names(certificate: x509.Certificate) -> _Pairs:
    found = _extension(certificate, x509.SubjectAlternativeName)
    return tuple(map(_general_name, found or ()))


def _general_name(name: x509.GeneralName) -> tuple[str, Any]:
    label, value = _GENERAL_NAMES.get(type(name), ("othername", lambda _: "<unsupported>"))
    return label, value(name)


def _access(certificate: x509.Certificate, method: x509.ObjectIdentifier) -> tuple[str, ...]:
    found = _extension(certificate, x509.AuthorityInformationAccess)
    return tuple(
        access.access_location.value
        for access in found or ()
        if access.access_method == method
        and isinstance(access.access_location, x509.UniformResourceIdentifier)
    )


def _distribution_points(certificate: x509.Certificate) -> tuple[str, ...]:
    found = _extension(certificate, x509.CRLDistributionPoints)
    return tuple(
        name.value
        for point in found or ()
        for name in point.full_name or ()
        if isinstance(name, x509.UniformResourceIdentifier)
    )


def _extension(certificate: x509.Certificate, kind: type[Any]) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
