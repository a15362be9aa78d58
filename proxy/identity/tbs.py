"""The fields of a certificate that are compared or printed as they were encoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.serialization import Encoding

from proxy.identity import der
from proxy.identity.der import Element, UnreadableCertificateError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_INTEGER: Final = 0x02
_OCTET_STRING: Final = 0x04
_VERSION: Final = 0xA0
_EXTENSIONS: Final = 0xA3
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
        extension_fields: the optional elements after the key, unread.
    """

    der: bytes
    serial_number: int
    issuer: bytes
    subject: bytes
    public_key_info: bytes
    extension_fields: tuple[Element, ...]

    @classmethod
    def read(cls, certificate: Certificate) -> TbsCertificate:
        """Read the fields of a certificate.

        Raises:
            UnreadableCertificateError: it is not DER.
        """
        data = certificate.public_bytes(Encoding.DER)
        outer = der.expect(der.read_element(data, 0, len(data)), der.SEQUENCE)
        tbs = der.expect(der.read_element(data, *outer), der.SEQUENCE)
        fields = der.read_children(data, *tbs)
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
            extension_fields=tuple(fields[_MANDATORY_FIELDS:]),
        )

    def extension(self, oid: bytes) -> bytes | None:
        """Return the value of the extension with this OID (content octets), None without it.

        Raises:
            UnreadableCertificateError: not DER, or two of them: RFC 5280 §4.2 allows one, and
                which of two would another reader take?
        """
        found = [value for name, value in self._extensions() if name == oid]
        if len(found) > 1:
            raise UnreadableCertificateError("an extension stands twice in the certificate")
        return found[0] if found else None

    def _extensions(self) -> list[tuple[bytes, bytes]]:
        found = []
        for _, start, end in (f for f in self.extension_fields if f[0] == _EXTENSIONS):
            sequence = der.expect(der.read_element(self.der, start, end), der.SEQUENCE)
            for item in der.read_children(self.der, *sequence):
                parts = der.read_children(self.der, *der.expect(item, der.SEQUENCE))
                if not parts:
                    raise UnreadableCertificateError("an empty extension")
                oid = der.expect(parts[0], der.OBJECT_IDENTIFIER)
                value = der.expect(parts[-1], _OCTET_STRING)
                found.append((self.der[slice(*oid)], self.der[slice(*value)]))
        return found
