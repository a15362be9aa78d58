"""The fields of a certificate that are compared or printed as they were encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from proxy.identity import der
from proxy.identity.der import Element, UnreadableCertificateError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cryptography.x509 import Certificate

_INTEGER: Final = 0x02
_OCTET_STRING: Final = 0x04
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
_CERTIFICATE_PARTS: Final = 3
_MANDATORY_FIELDS: Final = 6
"""serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo."""


@dataclass(frozen=True, slots=True)
class TbsCertificate:
    """Parts of a TBSCertificate (RFC 5280 §4.1), byte for byte.

    Attributes:
        der: the whole certificate.
        serial_number: may be 0 or negative in a certificate that breaks RFC 5280.
        issuer: the DER form of the issuer's Name.
        subject: the DER form of the subject's Name.
        public_key_info: the DER form of the SubjectPublicKeyInfo.
        optional_fields: the optional elements after the key, unread.
    """

    der: bytes
    serial_number: int
    issuer: bytes
    subject: bytes
    public_key_info: bytes
    optional_fields: tuple[Element, ...]

    @classmethod
    def read(cls, certificate: Certificate) -> TbsCertificate:
        """Read the fields of a certificate.

        Raises:
            UnreadableCertificateError: it is not DER.
        """
        data = certificate.public_bytes(Encoding.DER)
        outer = der.read_only(data, 0, len(data), der.SEQUENCE)
        parts = der.read_children(data, *outer)
        if len(parts) != _CERTIFICATE_PARTS:
            raise UnreadableCertificateError("a certificate is contents, algorithm and signature")
        fields = der.read_children(data, *der.expect(parts[0], der.SEQUENCE))
        if fields and fields[0][0] == _VERSION:
            del fields[0]
        if len(fields) < _MANDATORY_FIELDS:
            raise UnreadableCertificateError("the certificate lacks fields")
        # A field's own header starts where the field before it ended.
        ends = [field[2] for field in fields]
        return cls(
            der=data,
            serial_number=int.from_bytes(
                data[slice(*der.expect(fields[0], _INTEGER))], signed=True
            ),
            issuer=data[ends[1] : ends[2]],
            subject=data[ends[3] : ends[4]],
            public_key_info=data[ends[4] : ends[5]],
            optional_fields=tuple(fields[_MANDATORY_FIELDS:]),
        )

    def extension(self, oid: bytes) -> bytes | None:
        """Return the value of the extension with this OID (in DER form), None without it.

        Raises:
            UnreadableCertificateError: not DER, or two of them: RFC 5280 §4.2 allows one, and
                which of two would another reader take?
        """
        # Most certificates are done here, without a walk through their extensions.
        if oid not in self.der:
            return None
        # An Extension begins with its OID: only the one that is looked for has to be opened.
        found = [item for item in self._extensions() if self.der.startswith(oid, item[1])]
        if len(found) > 1:
            raise UnreadableCertificateError("an extension stands twice in the certificate")
        return self._value(found[0]) if found else None

    def _extensions(self) -> Iterator[Element]:
        for tag, start, end in self.optional_fields:
            if tag == _EXTENSIONS:
                sequence = der.read_only(self.der, start, end, der.SEQUENCE)
                yield from der.read_children(self.der, *sequence)

    def _value(self, extension: Element) -> bytes:
        parts = der.read_children(self.der, *der.expect(extension, der.SEQUENCE))
        return self.der[slice(*der.expect(parts[-1], _OCTET_STRING))]
