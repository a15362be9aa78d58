"""Apple configuration profiles: CA and identity in one file for iPhone, iPad and Mac.

The identity inside is a ``.p12`` in the legacy encoding (these systems refuse the modern one) and
its password is not in the file: the device asks for it. Whoever finds the profile in a mailbox
has nothing. Payload types and keys: Apple, Device Management, "Certificates" profile payloads.
"""

from __future__ import annotations

import plistlib
import uuid
from typing import TYPE_CHECKING, Any

from proxy.ca.folder import der_of
from proxy.ca.issuance import fingerprint
from proxy.ca.names import common_name_of
from proxy.ca.p12 import Encoding, build_p12
from proxy.errors import CertgateError

if TYPE_CHECKING:
    from cryptography import x509

    from proxy.ca.keys import PrivateKey

_NAMESPACE = uuid.UUID("5f1c1f0e-5a0b-4e43-9b0c-6f0a3a6d9f57")
_IDENTITY = "com.apple.security.pkcs12"
_ROOT = "com.apple.security.root"
_INTERMEDIATE = "com.apple.security.pkcs1"


def build_mobileconfig(
    key: PrivateKey,
    certificate: x509.Certificate,
    chain: tuple[x509.Certificate, ...],
    password: str,
) -> bytes:
    """Return a profile that was read again and found complete.

    The same certificate always gives the same identifiers, so that installing a profile again
    replaces the first.

    Raises:
        CertgateError: as ``build_p12``.
    """
    bundle = build_p12(key, certificate, chain, password, Encoding.LEGACY)
    name = common_name_of(certificate.subject)
    payloads = [_authority_payload(authority) for authority in chain]
    payloads.append(_payload(_IDENTITY, certificate, name, bundle))
    profile = {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": f"certgate.{fingerprint(certificate)[:16]}",
        "PayloadUUID": _identifier("profile", certificate),
        "PayloadDisplayName": f"Certificate of {name}",
        "PayloadDescription": "A certificate authority, and your own certificate issued by it.",
        "PayloadContent": payloads,
    }
    data = plistlib.dumps(profile)
    if plistlib.loads(data) != profile:
        raise CertgateError("the profile could not be read again after it was made")
    return data


def _authority_payload(authority: x509.Certificate) -> dict[str, Any]:
    kind = _ROOT if authority.issuer == authority.subject else _INTERMEDIATE
    return _payload(kind, authority, common_name_of(authority.subject), der_of(authority))


def _payload(kind: str, certificate: x509.Certificate, name: str, content: bytes) -> dict[str, Any]:
    suffix = "p12" if kind == _IDENTITY else "cer"
    return {
        "PayloadType": kind,
        "PayloadVersion": 1,
        "PayloadIdentifier": f"certgate.{fingerprint(certificate)[:16]}.{suffix}",
        "PayloadUUID": _identifier(kind, certificate),
        "PayloadDisplayName": name,
        "PayloadCertificateFileName": f"{fingerprint(certificate)[:16]}.{suffix}",
        "PayloadContent": content,
    }


def _identifier(kind: str, certificate: x509.Certificate) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{kind} {fingerprint(certificate)}")).upper()
