"""All revocation lists of one moment as one immutable value that answers per request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from proxy.identity.crl import IssuerKey, RevocationList, read_crl
from proxy.identity.peer import VerifyError
from proxy.identity.tbs import TbsCertificate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cryptography.x509 import Certificate, CertificateRevocationList

CrlCheck = Literal["leaf", "chain", "off"]
CrlStale = Literal["refuse", "warn"]
Chain = tuple["Certificate", ...]

_UNABLE_TO_GET_CRL: Final = (3, "unable to get certificate CRL")
_CRL_NOT_YET_VALID: Final = (11, "CRL is not yet valid")
_CRL_HAS_EXPIRED: Final = (12, "CRL has expired")
_CERT_REVOKED: Final = (23, "certificate revoked")


@dataclass(frozen=True, slots=True, eq=False)
class UnusableCrl:
    """A list that counts as missing.

    Attributes:
        crl: the list.
        reason: why, as the end of a sentence: ``its signature …``.
    """

    crl: CertificateRevocationList
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class RevocationView:
    """The lists in force. Immutable: a newer list makes a new view.

    Attributes:
        check: which certificates of a chain must have a list.
        stale: what a list past its nextUpdate does.
        lists: the lists in force, by issuer; several only where their scopes differ.
        unusable: lists that were given and do not count; to be reported loudly.
    """

    check: CrlCheck
    stale: CrlStale
    lists: Mapping[IssuerKey, tuple[RevocationList, ...]]
    unusable: tuple[UnusableCrl, ...] = ()

    @property
    def crls(self) -> tuple[CertificateRevocationList, ...]:
        """The lists in force; the next build takes them too, so that no older one replaces them."""
        return tuple(item.crl for lists in self.lists.values() for item in lists)

    def has_list_of(self, issuer: Certificate) -> bool:
        """Say whether a usable list of this issuer is in force.

        Raises:
            UnreadableCertificateError: the issuer's name has no unambiguous text.
        """
        return IssuerKey.of(issuer) in self.lists

    def errors(self, chain: Chain, now: float) -> tuple[VerifyError, ...]:
        """Return what revocation has against a chain, in OpenSSL's numbers 3, 11, 12 and 23.

        Args:
            chain: leaf first, as the handshake validated it.
            now: unix time.

        Raises:
            ValueError: a certificate cannot be read beyond doubt: refuse.
        """
        return tuple(
            VerifyError(number, depth, text)
            for depth in self._depths(chain)
            for number, text in self._errors_at(chain, depth, now)
        )

    def moments(self, chain: Chain) -> tuple[float, ...]:
        """Return every unix time at which ``errors`` of this chain changes by time alone.

        Raises:
            ValueError: a certificate cannot be read beyond doubt.
        """
        return tuple(
            moment
            for depth in self._depths(chain)
            for item in self._lists_for(chain, depth)
            for moment in self._limits(item)
        )

    def changes_at(self, chain: Chain, now: float) -> float:
        """Return the next of these moments, infinity when there is none.

        Raises:
            ValueError: a certificate cannot be read beyond doubt.
        """
        return min((item for item in self.moments(chain) if item > now), default=float("inf"))

    def _depths(self, chain: Chain) -> range:
        match self.check:
            case "off":
                return range(0)
            case "leaf":
                return range(1)
            case "chain":
                # All but the anchor, which vouches for itself; a leaf that is its own anchor
                # is checked all the same.
                return range(max(1, len(chain) - 1))

    def _errors_at(self, chain: Chain, depth: int, now: float) -> Iterator[tuple[int, str]]:
        lists = self._lists_for(chain, depth)
        if not lists:
            yield _UNABLE_TO_GET_CRL
        serial = chain[depth].serial_number
        for item in lists:
            if now < item.this_update:
                yield _CRL_NOT_YET_VALID
            if now >= item.next_update and self.stale == "refuse":
                yield _CRL_HAS_EXPIRED
            if serial in item.serials:
                yield _CERT_REVOKED

    def _lists_for(self, chain: Chain, depth: int) -> tuple[RevocationList, ...]:
        certificate = chain[depth]
        issuer = TbsCertificate.read(chain[min(depth + 1, len(chain) - 1)])
        # At the chain's end only a self-issued certificate has its issuer's key in itself.
        if depth + 1 == len(chain) and issuer.subject != issuer.issuer:
            return ()
        lists = self.lists.get(IssuerKey.of_tbs(issuer), ())
        return tuple(item for item in lists if item.scope.covers(certificate))

    def _limits(self, item: RevocationList) -> tuple[float, ...]:
        if self.stale == "warn":
            return (item.this_update,)
        return item.this_update, item.next_update


NO_REVOCATION_CHECK: Final = RevocationView("off", "refuse", {})
"""Nothing is looked up: no list is configured, or ``crl_check: off``."""


def build_revocation_view(
    crls: Sequence[CertificateRevocationList] | None,
    issuers: Sequence[Certificate],
    check: CrlCheck = "leaf",
    stale: CrlStale = "refuse",
) -> RevocationView:
    """Check all lists and keep the newest usable one of each issuer and scope.

    Checking 100,000 entries takes about half a second: call it outside the event loop.

    Args:
        crls: the lists; None when none is configured. An *empty* sequence means that lists are
            configured and none could be read: then every issuer lacks one, and all are refused.
        issuers: trust anchors and intermediates, the only ones whose lists are believed.
        check: see ``RevocationView``.
        stale: see ``RevocationView``.
    """
    if crls is None or check == "off":
        return NO_REVOCATION_CHECK
    usable: list[RevocationList] = []
    unusable: list[UnusableCrl] = []
    for crl in crls:
        try:
            usable.append(read_crl(crl, issuers))
        except Exception as error:  # noqa: BLE001 - whatever is odd about a list, it is not believed
            unusable.append(UnusableCrl(crl, str(error)))
    return RevocationView(check, stale, _newest(usable), tuple(unusable))


def known_issuer_names(
    certificates: Sequence[Certificate], crls: Sequence[CertificateRevocationList]
) -> frozenset[bytes]:
    """Return the DER names of CAs that the configuration knows, for ``judge``.

    Args:
        certificates: the configured intermediates.
        crls: the configured lists: who has a list here is known here.

    Raises:
        UnreadableCertificateError: a certificate is not DER.
    """
    subjects = {TbsCertificate.read(item).subject for item in certificates}
    return frozenset(subjects | {crl.issuer.public_bytes() for crl in crls})


def _newest(lists: list[RevocationList]) -> dict[IssuerKey, tuple[RevocationList, ...]]:
    newest: dict[IssuerKey, dict[object, RevocationList]] = {}
    for item in sorted(lists, key=lambda item: item.age):
        newest.setdefault(item.issuer, {})[item.scope] = item
    return {issuer: tuple(scopes.values()) for issuer, scopes in newest.items()}
