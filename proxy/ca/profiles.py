"""What a certificate may be used for; the profile decides, never the request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Profile(StrEnum):
    """What a certificate in the store is for."""

    CLIENT = "client"
    SERVER = "server"
    AUTHORITY = "authority"  # an intermediate CA, in the store of the root that signed it


@dataclass(frozen=True, slots=True)
class ProfileRules:
    """The fixed part of a profile.

    Attributes:
        purpose: the one extended key usage.
        default_lifetime: when the operator names none.
        longest_lifetime: what is refused above; None for the CA's own end.
    """

    purpose: x509.ObjectIdentifier
    default_lifetime: timedelta
    longest_lifetime: timedelta | None


RULES = {
    Profile.CLIENT: ProfileRules(
        purpose=ExtendedKeyUsageOID.CLIENT_AUTH,
        default_lifetime=timedelta(days=365),
        longest_lifetime=None,
    ),
    # Apple's systems refuse server certificates that are valid for more than 825 days, those of
    # private CAs too (support.apple.com/103769).
    Profile.SERVER: ProfileRules(
        purpose=ExtendedKeyUsageOID.SERVER_AUTH,
        default_lifetime=timedelta(days=397),
        longest_lifetime=timedelta(days=825),
    ),
}

SHORTEST_LIFETIME = timedelta(hours=1)

# Fields that a request may carry into a client certificate: who somebody is, no more.
SUBJECT_FIELDS = frozenset(
    {
        NameOID.COUNTRY_NAME,
        NameOID.STATE_OR_PROVINCE_NAME,
        NameOID.LOCALITY_NAME,
        NameOID.ORGANIZATION_NAME,
        NameOID.ORGANIZATIONAL_UNIT_NAME,
        NameOID.COMMON_NAME,
        NameOID.EMAIL_ADDRESS,
        NameOID.USER_ID,
        NameOID.DOMAIN_COMPONENT,
        NameOID.GIVEN_NAME,
        NameOID.SURNAME,
        NameOID.TITLE,
        NameOID.SERIAL_NUMBER,
    }
)

ALTERNATIVE_NAMES: tuple[type[x509.GeneralName], ...] = (
    x509.DNSName,
    x509.RFC822Name,
    x509.UniformResourceIdentifier,
    x509.IPAddress,
)


def key_usage() -> x509.KeyUsage:
    """Return digitalSignature alone, for RSA as well.

    TLS 1.3 and every (EC)DHE suite of TLS 1.2 sign with the key; keyEncipherment would only serve
    the RSA key exchange, which no peer of ours should offer.
    """
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def authority_key_usage() -> x509.KeyUsage:
    """Return what a CA's key does: sign certificates and CRLs."""
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
