"""All revocation lists of one moment as one immutable value that answers per request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from cryptography.hazmat.primitives import hashes

from proxy.identity.crl import CrlContents, IssuerKey, RevocationList, read_crl
from proxy.identity.peer import VerifyError
from proxy.identity.tbs import TbsCertificate
from proxy.identity.unclaimed import UnclaimedLists

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

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


class RevocationAnswer(NamedTuple):
    """What the lists say about one chain.

    Attributes:
        errors: OpenSSL's 3, 11, 12 and 23, with the depth of the certificate.
        moments: every unix time at which ``errors`` changes by time alone, past and future.
    """

    errors: tuple[VerifyError, ...]
    moments: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RevocationView:
    """The lists in force. Immutable: a newer list makes a new view.

    Attributes:
        check: which certificates of a chain must have a list.
        stale: what a list past its nextUpdate does.
        lists: the lists in force, by issuer; several only where their scopes differ.
        unusable: lists that were given and do not count; to be reported loudly.
        unclaimed: lists whose issuer is not configured: they count for the clients that send it.
        kept: those of ``lists`` that the files do not hold any more; to be reported loudly.
    """

    check: CrlCheck
    stale: CrlStale
    lists: Mapping[IssuerKey, tuple[RevocationList, ...]]
    unusable: tuple[UnusableCrl, ...] = ()
    unclaimed: UnclaimedLists = field(default_factory=UnclaimedLists)
    kept: tuple[CertificateRevocationList, ...] = ()

    def beside(self, held: Collection[CertificateRevocationList]) -> RevocationView:
        """Return the same view, which knows that the files hold these lists now."""
        return replace(self, kept=tuple(crl for crl in self._of_issuers if crl not in held))

    @property
    def crls(self) -> tuple[CertificateRevocationList, ...]:
        """All lists that count; the next build takes them too: no older one shall replace them."""
        return (*self._of_issuers, *self.unclaimed.crls)

    @property
    def _of_issuers(self) -> Collection[CertificateRevocationList]:
        return {id(item.crl): item.crl for lists in self.lists.values() for item in lists}.values()

    def has_list_of(self, issuer: Certificate) -> bool:
        """Say whether a usable list of this issuer is in force.

        Raises:
            UnreadableCertificateError: the certificate is not DER.
        """
        return IssuerKey.of(issuer) in self.lists

    def covers_clients_of(self, issuer: Certificate) -> bool:
        """Say whether one of these lists is about end entities, not about CAs alone.

        Raises:
            UnreadableCertificateError: the certificate is not DER.
        """
        lists = self.lists.get(IssuerKey.of(issuer), ())
        return any(not item.scope.only_ca_certificates for item in lists)

    def answer(self, chain: Chain, now: float, *, validated: bool = False) -> RevocationAnswer:
        """Say what revocation has against a chain, and when that changes.

        Args:
            chain: leaf first, as the handshake built it.
            now: unix time.
            validated: the handshake found no fault with the chain. Only then is its issuer asked
                whether an unclaimed list is its own: a stranger's CA has no say, and makes no work.

        Raises:
            ValueError: a certificate cannot be read beyond doubt: refuse.
        """
        errors: list[VerifyError] = []
        moments: list[float] = []
        for depth in self._depths(chain):
            lists = self._lists_for(chain, depth, validated=validated)
            serial = chain[depth].serial_number
            errors += (VerifyError(n, depth, text) for n, text in self._found(lists, serial, now))
            moments += (moment for item in lists for moment in self._limits(item))
        return RevocationAnswer(tuple(errors), tuple(moments))

    def errors(
        self, chain: Chain, now: float, *, validated: bool = False
    ) -> tuple[VerifyError, ...]:
        """Return what revocation has against a chain, in OpenSSL's numbers 3, 11, 12 and 23.

        Raises:
            ValueError: as ``answer``.
        """
        return self.answer(chain, now, validated=validated).errors

    def changes_at(self, chain: Chain, now: float, *, validated: bool = False) -> float:
        """Return the next unix time at which ``errors`` may change by time alone, or infinity.

        Raises:
            ValueError: as ``answer``.
        """
        moments = self.answer(chain, now, validated=validated).moments
        return min((moment for moment in moments if moment > now), default=float("inf"))

    def _depths(self, chain: Chain) -> range:
        # All but the anchor, which vouches for itself; a leaf that is its own anchor is checked
        # all the same.
        ends = {"off": 0, "leaf": 1, "chain": max(1, len(chain) - 1)}
        return range(ends[self.check])

    def _found(
        self, lists: tuple[RevocationList, ...], serial: int, now: float
    ) -> Iterator[tuple[int, str]]:
        if not lists:
            yield _UNABLE_TO_GET_CRL
        # Each of them speaks for the certificate completely: one that is current will do (a CA
        # that begins to write a scope into its lists leaves the last one without to expire), but
        # any of them can revoke.
        faults = {self._fault(item, now) for item in lists}
        if None not in faults:
            yield from sorted(fault for fault in faults if fault)
        if any(serial in item.serials for item in lists):
            yield _CERT_REVOKED

    def _fault(self, item: RevocationList, now: float) -> tuple[int, str] | None:
        if now < item.this_update:
            return _CRL_NOT_YET_VALID
        if now >= item.next_update and self.stale == "refuse":
            return _CRL_HAS_EXPIRED
        return None

    def _lists_for(
        self, chain: Chain, depth: int, *, validated: bool
    ) -> tuple[RevocationList, ...]:
        certificate = chain[depth]
        if depth + 1 == len(chain):
            lists = self._own_lists(certificate)
        else:
            lists = self._issuers_lists(chain[depth + 1], validated=validated)
        return tuple(item for item in lists if item.scope.covers(certificate))

    def _own_lists(self, last: Certificate) -> tuple[RevocationList, ...]:
        # The last one of a chain has no issuer there unless it is self-issued. A list of its own
        # numbers other certificates: it says nothing about this one.
        tbs = TbsCertificate.read(last)
        return self.lists.get(IssuerKey.of_tbs(tbs), ()) if tbs.subject == tbs.issuer else ()

    def _issuers_lists(self, issuer: Certificate, *, validated: bool) -> tuple[RevocationList, ...]:
        lists = self.lists.get(IssuerKey.of(issuer), ())
        return self.unclaimed.of(issuer) if validated and not lists else lists

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
        issuers: trust anchors and intermediates. A list of another CA is kept as unclaimed: it
            counts for clients that send this CA's certificate in a chain that is valid.
        check: see ``RevocationView``.
        stale: see ``RevocationView``.
    """
    if crls is None or check == "off":
        return NO_REVOCATION_CHECK
    usable: list[RevocationList] = []
    unclaimed: list[CrlContents] = []
    unusable: list[UnusableCrl] = []
    # A reload brings the lists in force together with the files that they came from.
    for crl in {crl.fingerprint(hashes.SHA256()): crl for crl in crls}.values():
        try:
            contents = read_crl(crl)
            if namesakes := contents.namesakes(issuers):
                usable.append(contents.signed_by(namesakes))
            else:
                unclaimed.append(contents)
        except Exception as error:  # noqa: BLE001 - whatever is odd about a list, it is not believed
            unusable.append(UnusableCrl(crl, str(error)))
    return RevocationView(check, stale, _newest(usable), tuple(unusable), UnclaimedLists(unclaimed))


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
        for issuer in item.issuers:
            newest.setdefault(issuer, {})[item.scope] = item
    return {issuer: tuple(scopes.values()) for issuer, scopes in newest.items()}
