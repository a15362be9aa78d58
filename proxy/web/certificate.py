"""The certificate that was refused, as the page shows it to its holder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from proxy.web.untrusted import printable

if TYPE_CHECKING:
    from proxy.identity.facts import CertificateFacts

# RFC 5280 section 4.1.2.2 allows 20 octets. Python refuses to print integers of more than 4300
# digits, and a certificate can hold one.
_MAX_SERIAL_BITS: Final = 512
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CertificateCard:
    """What is told about a certificate; all of it is bounded and printable, not escaped for HTML.

    Attributes:
        name: the subject for people, e.g. ``CN=Jürgen, O=Acme``.
        issued_by: the issuer for people.
        subject: RFC 2253 text of the subject.
        issuer: RFC 2253 text of the issuer.
        serial: decimal text, as ``certgate ca list`` shows it.
        not_before: the first moment of validity, UTC.
        not_after: the last moment of validity, UTC.
        fingerprint_sha256: lower-case hex.
    """

    name: str
    issued_by: str
    subject: str
    issuer: str
    serial: str
    not_before: datetime
    not_after: datetime
    fingerprint_sha256: str

    def as_problem(self) -> dict[str, str]:
        """Return the ``certificate`` member of the problem document; times are RFC 3339."""
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "serial": self.serial,
            "not_before": _rfc3339(self.not_before),
            "not_after": _rfc3339(self.not_after),
            "fingerprint_sha256": self.fingerprint_sha256,
        }


def make_card(facts: CertificateFacts) -> CertificateCard:
    """Return what the page tells about a certificate."""
    return CertificateCard(
        name=printable(facts.readable_subject) or "(no name)",
        issued_by=printable(facts.readable_issuer) or "(no name)",
        subject=printable(facts.subject),
        issuer=printable(facts.issuer),
        serial=_serial(facts.serial_number),
        not_before=_utc(facts.not_before),
        not_after=_utc(facts.not_after),
        fingerprint_sha256=facts.fingerprint_sha256,
    )


def _serial(number: int) -> str:
    if number.bit_length() > _MAX_SERIAL_BITS:
        return f"({number.bit_length()} bits)"
    return str(number)


def _utc(moment: int) -> datetime:
    # fromtimestamp stops at the platform's time_t; a certificate may say the year 1 or 9999.
    return _EPOCH + timedelta(seconds=moment)


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat().removesuffix("+00:00") + "Z"
