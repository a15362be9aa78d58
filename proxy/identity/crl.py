"""One certificate revocation list: can it be used, and what does it revoke? (RFC 5280 §5, §6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import CRLEntryExtensionOID, ExtensionOID

from proxy.identity import dn
from proxy.identity.tbs import TbsCertificate

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_UNDERSTOOD: Final = frozenset(
    {
        ExtensionOID.CRL_NUMBER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.ISSUING_DISTRIBUTION_POINT,
    }
)
"""May be critical. RFC 5280 §5.2: a critical extension that is not processed forbids use."""

_UNDERSTOOD_IN_ENTRIES: Final = frozenset(
    {CRLEntryExtensionOID.CRL_REASON, CRLEntryExtensionOID.INVALIDITY_DATE}
)


class UnusableCrlError(ValueError):
    """A revocation list that must not be believed; its text says why, without a full stop."""


class IssuerKey(NamedTuple):
    """Who signs certificates and revocation lists: a name *and* a key.

    A CA of the same name with another key is another CA, and its list says nothing about ours
    (OpenSSL reports such a list as error 3 only; ignoring that admits the revoked).

    Attributes:
        subject: the DER form of the CA's Name.
        public_key_info: the DER form of its SubjectPublicKeyInfo.
    """

    subject: bytes
    public_key_info: bytes

    @classmethod
    def of(cls, certificate: x509.Certificate) -> IssuerKey:
        """Return the key under which lists of this CA are kept.

        Raises:
            UnreadableCertificateError: the certificate is not DER.
        """
        return cls.of_tbs(TbsCertificate.read(certificate))

    @classmethod
    def of_tbs(cls, tbs: TbsCertificate) -> IssuerKey:
        """Return the same from a certificate that was read already."""
        return cls(tbs.subject, tbs.public_key_info)


@dataclass(frozen=True, slots=True)
class CrlScope:
    """Which certificates of its issuer a list covers (issuingDistributionPoint, RFC 5280 §5.2.5).

    Attributes:
        only_user_certificates: end entities only.
        only_ca_certificates: CAs only.
        distribution_points: only certificates that name one of these; empty for no such limit.
    """

    only_user_certificates: bool = False
    only_ca_certificates: bool = False
    distribution_points: frozenset[x509.GeneralName] = frozenset()

    def covers(self, certificate: x509.Certificate) -> bool:
        """Say whether the list speaks about this certificate (RFC 5280 §6.3.3 b 2).

        Raises:
            ValueError: the certificate's extensions cannot be read.
        """
        if self == _EVERYTHING:
            return True
        is_ca = _is_ca(certificate)
        if self.only_user_certificates and is_ca:
            return False
        if self.only_ca_certificates and not is_ca:
            return False
        points = self.distribution_points
        return not points or not points.isdisjoint(_distribution_points(certificate))


_EVERYTHING: Final = CrlScope()


@dataclass(frozen=True, slots=True, eq=False)
class CrlContents:
    """What a list says. Whether its issuer says so is not known before ``signed_by``.

    Attributes:
        crl: the list itself, so that it can be carried over to the next view.
        issuer_name: in RFC 2253 form, in which the encoding of the text makes no difference.
        scope: which certificates it covers.
        number: its CRL number; -1 for a list without one (old ``openssl ca`` setups).
        this_update: unix time.
        next_update: unix time.
        serials: the revoked serial numbers. 100,000 of 20 octets take 9 MB, a look-up 0.1 µs
            (``get_revoked_certificate_by_serial_number`` walks the list: 15 ms).
    """

    crl: x509.CertificateRevocationList
    issuer_name: str
    scope: CrlScope
    number: int
    this_update: float
    next_update: float
    serials: frozenset[int]

    @property
    def age(self) -> tuple[int, float, int]:
        """Sorts lists of one issuer and scope; the greatest is the one in force."""
        return self.number, self.this_update, len(self.serials)

    def namesakes(self, issuers: Iterable[x509.Certificate]) -> list[x509.Certificate]:
        """Return those among the certificates that bear the name of the list's issuer."""
        return [item for item in issuers if subject_name(item) == self.issuer_name]

    def signed_by(self, namesakes: Iterable[x509.Certificate]) -> RevocationList:
        """Check the signature; 100,000 entries take 45 ms, whatever comes of it.

        Args:
            namesakes: certificates that bear the name of its issuer, and are trusted.

        Raises:
            UnusableCrlError: none of them has signed it, or none that has may do so.
            ValueError: a certificate's extensions cannot be read.
        """
        return RevocationList(
            crl=self.crl,
            issuer_name=self.issuer_name,
            scope=self.scope,
            number=self.number,
            this_update=self.this_update,
            next_update=self.next_update,
            serials=self.serials,
            issuers=frozenset(map(IssuerKey.of, _signers(self.crl, namesakes))),
        )


@dataclass(frozen=True, slots=True, eq=False)
class RevocationList(CrlContents):
    """A list whose signature, form and extensions were found good.

    Attributes:
        issuers: who signed it: one CA, which may have several certificates that differ in the
            encoding of its name.
    """

    issuers: frozenset[IssuerKey]


def read_crl(crl: x509.CertificateRevocationList) -> CrlContents:
    """Check everything about a list that depends on neither the time nor its issuer's certificate.

    Raises:
        UnusableCrlError: it must count as missing.
        ValueError: some part of it cannot be parsed.
    """
    extensions = {extension.oid: extension for extension in crl.extensions}
    if ExtensionOID.DELTA_CRL_INDICATOR in extensions:  # critical (§5.2.4): say what it is, first
        raise UnusableCrlError("it is a delta CRL: give the complete one")
    _refuse_unprocessed(crl.extensions, _UNDERSTOOD)
    if crl.next_update_utc is None:
        raise UnusableCrlError("it has no nextUpdate (RFC 5280 §5.1.2.5 demands one)")
    return CrlContents(
        crl=crl,
        issuer_name=dn.rfc2253(crl.issuer),
        scope=_scope(crl),
        number=_number(crl),
        this_update=_unix(crl.last_update_utc),
        next_update=_unix(crl.next_update_utc),
        serials=frozenset(_revoked_serials(crl)),
    )


def subject_name(certificate: x509.Certificate) -> str | None:
    """Return a certificate's subject as ``CrlContents.issuer_name``, None if it is unreadable.

    One odd certificate among the issuers must not make the others' lists unusable.
    """
    try:
        return dn.rfc2253(certificate.subject)
    except ValueError:
        return None


def _signers(
    crl: x509.CertificateRevocationList, namesakes: Iterable[x509.Certificate]
) -> list[x509.Certificate]:
    signers = [item for item in namesakes if _is_signed_by(crl, item)]
    if not signers:
        raise UnusableCrlError("its signature was not made with the configured issuer's key")
    permitted = [item for item in signers if _may_sign_crls(item)]
    if not permitted:
        raise UnusableCrlError("its issuer's keyUsage does not include cRLSign")
    return permitted


def _is_signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(issuer.public_key())  # type: ignore[arg-type]  # TypeError
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False


def _may_sign_crls(issuer: x509.Certificate) -> bool:
    try:
        return issuer.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _refuse_unprocessed(
    extensions: x509.Extensions, understood: frozenset[x509.ObjectIdentifier]
) -> None:
    for extension in extensions:
        if extension.critical and extension.oid not in understood:
            oid = extension.oid.dotted_string
            raise UnusableCrlError(f"it has the critical extension {oid}, which is not supported")


def _scope(crl: x509.CertificateRevocationList) -> CrlScope:
    try:
        point = crl.extensions.get_extension_for_class(x509.IssuingDistributionPoint).value
    except x509.ExtensionNotFound:
        return _EVERYTHING
    if point.indirect_crl:
        raise UnusableCrlError("it is an indirect CRL")
    if point.only_some_reasons or point.only_contains_attribute_certs or point.relative_name:
        raise UnusableCrlError("it covers only a part of what its issuer revokes")
    return CrlScope(
        only_user_certificates=point.only_contains_user_certs,
        only_ca_certificates=point.only_contains_ca_certs,
        distribution_points=frozenset(point.full_name or ()),
    )


def _number(crl: x509.CertificateRevocationList) -> int:
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return -1


def _revoked_serials(crl: x509.CertificateRevocationList) -> Iterable[int]:
    for entry in crl:
        extensions = entry.extensions
        if len(extensions):
            _refuse_unprocessed(extensions, _UNDERSTOOD_IN_ENTRIES)
            if _is_released(extensions):
                continue
        yield entry.serial_number


def _is_released(extensions: x509.Extensions) -> bool:
    # removeFromCRL belongs into delta CRLs; where it stands in a complete one it means what it
    # says, to OpenSSL as well. A second entry for the same serial still revokes.
    try:
        reason = extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return False
    return reason is x509.ReasonFlags.remove_from_crl


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _distribution_points(certificate: x509.Certificate) -> frozenset[x509.GeneralName]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return frozenset()
    # A point with `reasons` or another `cRLIssuer` promises less than a complete list.
    return frozenset(
        name
        for point in points
        if not point.reasons and not point.crl_issuer
        for name in point.full_name or ()
    )


def _unix(moment: datetime) -> float:
    return moment.timestamp()
