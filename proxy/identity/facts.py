"""What a certificate says, read once per connection from its own bytes."""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from proxy.identity import dn
from proxy.identity.alternative_names import (
    AlternativeName,
    NameKind,
    parse_alternative_names,
)
from proxy.identity.der import UnreadableCertificateError
from proxy.identity.tbs import TbsCertificate

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_SUBJECT_ALT_NAME: Final = bytes.fromhex("0603551d11")
_MAX_SERIAL_BITS: Final = 512
"""RFC 5280 §4.1.2.2 allows 20 octets, some CAs write more. Python refuses to print integers of
4,300 digits, and OpenSSL lets a certificate have one."""

_DAY: Final = 86_400
_MONTHS: Final = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_PEM_OCTETS: Final = 48
"""They make the 64 columns of a line."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """One certificate in the words of headers, logs, rules and pages. No verdict in it.

    ``subject``, ``issuer``, ``serial*``, ``fingerprint_*`` and the times are safe to write
    anywhere; ``subject_attributes`` and ``alternative_names`` are the holder's own text, control
    characters included: they are for comparing, and need ``dn.visible`` or escaping to be shown.

    Attributes:
        der: the certificate as it came.
        subject: nginx's ``$ssl_client_s_dn``; empty for an empty subject.
        issuer: nginx's ``$ssl_client_i_dn``.
        serial_number: may be negative or 0 in a certificate that breaks RFC 5280.
        fingerprint_sha1: lower-case hexadecimal, as nginx's ``$ssl_client_fingerprint``.
        fingerprint_sha256: lower-case hexadecimal.
        not_before: first second of validity, unix time.
        not_after: last second of validity, unix time.
    """

    der: bytes
    subject: str
    issuer: str
    serial_number: int
    fingerprint_sha1: str
    fingerprint_sha256: str
    not_before: int
    not_after: int
    subject_attributes: tuple[dn.NameAttribute, ...]
    issuer_attributes: tuple[dn.NameAttribute, ...]
    alternative_names: tuple[AlternativeName, ...]

    @classmethod
    def read(cls, certificate: Certificate) -> CertificateFacts:
        """Read every fact.

        Raises:
            ValueError: something that decides an identity has no unambiguous reading (mostly as
                ``UnreadableCertificateError``); refuse the certificate as ``certificate_invalid``.
        """
        tbs = TbsCertificate.read(certificate)
        if tbs.serial_number.bit_length() > _MAX_SERIAL_BITS:
            raise UnreadableCertificateError("the serial number is longer than 64 octets")
        subject = dn.parse_name(tbs.subject)
        issuer = dn.parse_name(tbs.issuer)
        return cls(
            der=tbs.der,
            subject=dn.join_rfc2253(subject),
            issuer=dn.join_rfc2253(issuer),
            serial_number=tbs.serial_number,
            fingerprint_sha1=hashlib.sha1(tbs.der, usedforsecurity=False).hexdigest(),
            fingerprint_sha256=hashlib.sha256(tbs.der).hexdigest(),
            not_before=_unix(certificate.not_valid_before_utc),
            not_after=_unix(certificate.not_valid_after_utc),
            subject_attributes=subject,
            issuer_attributes=issuer,
            alternative_names=_alternative_names(tbs),
        )

    @property
    def serial(self) -> str:
        """The serial number as decimal text."""
        return str(self.serial_number)

    @property
    def serial_hex(self) -> str:
        """``$ssl_client_serial`` of nginx (``i2a_ASN1_INTEGER``): upper case, whole octets."""
        digits = f"{abs(self.serial_number):X}"
        sign = "-" if self.serial_number < 0 else ""
        return sign + digits.rjust(len(digits) + len(digits) % 2, "0")

    @property
    def cn(self) -> str:
        """The common name; empty when there is none, or several: then none of them is *the* one."""
        return _single(self.subject_attributes)

    @property
    def issuer_cn(self) -> str:
        """The issuer's common name, under the same rule."""
        return _single(self.issuer_attributes)

    def subject_values(self, kind: str) -> tuple[str, ...]:
        """Return the texts of all subject attributes of one type, e.g. ``OU``."""
        return _values(self.subject_attributes, kind)

    def names(self, kind: NameKind) -> tuple[str, ...]:
        """Return the subject alternative names of one kind."""
        return tuple(name.value for name in self.alternative_names if name.kind is kind)

    @property
    def readable_subject(self) -> str:
        """The subject for people (see ``dn.readable``); still to be escaped for HTML."""
        return dn.readable(self.subject_attributes)

    @property
    def readable_issuer(self) -> str:
        """The issuer for people; still to be escaped for HTML."""
        return dn.readable(self.issuer_attributes)

    @property
    def not_before_text(self) -> str:
        """``$ssl_client_v_start`` of nginx: ``Nov 22 08:01:12 2026 GMT``."""
        return _asn1_time_text(self.not_before)

    @property
    def not_after_text(self) -> str:
        """``$ssl_client_v_end`` of nginx."""
        return _asn1_time_text(self.not_after)

    def remaining_days(self, now: float) -> int:
        """Return nginx's ``$ssl_client_v_remain``: whole days left, 0 when it has expired."""
        return max(0, self.not_after - int(now)) // _DAY

    def remaining_days_change(self, now: float) -> float:
        """Return the unix time at which ``remaining_days`` becomes another number."""
        days = self.remaining_days(now)
        return self.not_after - days * _DAY + 1 if days else float("inf")

    @property
    def pem(self) -> str:
        """The PEM form: 64 columns, LF at each line's end, as OpenSSL writes it."""
        lines = (
            b2a_base64(self.der[at : at + _PEM_OCTETS])
            for at in range(0, len(self.der), _PEM_OCTETS)
        )
        body = b"".join(lines).decode()
        return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"

    @property
    def escaped_pem(self) -> str:
        """``$ssl_client_escaped_cert`` of nginx: the PEM form, percent-encoded.

        PEM has only these five characters outside RFC 3986's unreserved ones; replacing them is
        ten times faster than ``urllib.parse.quote``.
        """
        text = self.pem.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
        return text.replace(" ", "%20").replace("\n", "%0A")


def _alternative_names(tbs: TbsCertificate) -> tuple[AlternativeName, ...]:
    extension = tbs.extension(_SUBJECT_ALT_NAME)
    return () if extension is None else parse_alternative_names(extension)


def _values(attributes: tuple[dn.NameAttribute, ...], kind: str) -> tuple[str, ...]:
    return tuple(item.value for item in attributes if item.type == kind and item.value is not None)


def _single(attributes: tuple[dn.NameAttribute, ...]) -> str:
    values = _values(attributes, "CN")
    return values[0] if len(values) == 1 else ""


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())


def _asn1_time_text(moment: int) -> str:
    # ASN1_TIME_print, whatever the locale: day padded with a space, year not padded.
    time = datetime.fromtimestamp(moment, UTC)
    clock = f"{time.hour:02d}:{time.minute:02d}:{time.second:02d}"
    return f"{_MONTHS[time.month - 1]} {time.day:2d} {clock} {time.year} GMT"
