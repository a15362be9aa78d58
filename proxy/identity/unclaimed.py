"""Revocation lists of CAs that are not configured: intermediates that only the clients send.

OpenSSL and nginx check such a list with the issuer's certificate of the validated chain. So does
this, once the first client of that CA is there.
"""

from __future__ import annotations

from functools import lru_cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from cryptography.x509 import AuthorityKeyIdentifier, ExtensionNotFound

from proxy.identity.crl import CrlScope, RevocationList, subject_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cryptography.x509 import Certificate, CertificateRevocationList

    from proxy.identity.crl import CrlContents

_MAX_KEPT: Final = 4
"""Lists of one name, key identifier and scope. Which of them are genuine is not known yet, so the
newest alone will not do: one with a wrong signature would put the good one out of force."""

_MAX_ISSUERS: Final = 64
"""CA certificates whose claims are remembered. Whoever may issue CAs below a trust anchor could
bring any number of them under one name."""


class UnclaimedLists:
    """Lists that are good as far as can be told without their issuer's certificate. Immutable.

    What an issuer may claim depends on its certificate alone, so the answer is remembered: checking
    the signature over 100,000 entries takes 45 ms. It is remembered by certificate and not by key:
    of two certificates of one key, one may lack cRLSign.

    Attributes:
        crls: the lists that were kept, for the next build.
    """

    __slots__ = ("_by_name", "_claimed_by", "crls")

    def __init__(self, lists: Iterable[CrlContents] = ()) -> None:
        kept = _newest_of_each(lists)
        self.crls: tuple[CertificateRevocationList, ...] = tuple(item.crl for item in kept)
        self._by_name: dict[str | None, list[CrlContents]] = {}
        for item in kept:
            self._by_name.setdefault(item.issuer_name, []).append(item)
        self._claimed_by = lru_cache(maxsize=_MAX_ISSUERS)(partial(_claimed_by, self._by_name))

    def of(self, issuer: Certificate) -> tuple[RevocationList, ...]:
        """Return the newest list of each scope that this CA has signed.

        Args:
            issuer: from a chain that was found valid. What is checked here is that its key has
                signed the list, and that its keyUsage lets it do so.
        """
        if self._by_name and subject_name(issuer) in self._by_name:
            return self._claimed_by(issuer)
        return ()


def _newest_of_each(lists: Iterable[CrlContents]) -> list[CrlContents]:
    """Return the newest few of each group, the oldest first.

    Without a limit the lists of a CA whose clients stay away would pile up, reload after reload. A
    limit by age is safe: what is older than a list that was dropped is dropped as well. So nobody
    can push the newest list out and then bring an older one of its group back.
    """
    groups: dict[object, list[CrlContents]] = {}
    for item in sorted(lists, key=attrgetter("age")):
        groups.setdefault((item.issuer_name, _key_identifier(item), item.scope), []).append(item)
    kept = (item for group in groups.values() for item in group[-_MAX_KEPT:])
    return sorted(kept, key=attrgetter("age"))


def _key_identifier(item: CrlContents) -> AuthorityKeyIdentifier | None:
    # Tells CAs of one name apart, so that one that signs often does not crowd the other out.
    try:
        return item.crl.extensions.get_extension_for_class(AuthorityKeyIdentifier).value
    except ExtensionNotFound:
        return None


def _claimed_by(
    by_name: Mapping[str | None, list[CrlContents]], issuer: Certificate
) -> tuple[RevocationList, ...]:
    claimed: dict[CrlScope, RevocationList] = {}
    for item in reversed(by_name[subject_name(issuer)]):
        if item.scope not in claimed:
            try:
                claimed[item.scope] = item.signed_by([issuer])
            except Exception:  # noqa: BLE001, S112 - whatever is odd about it, it is not believed
                continue
    return tuple(claimed.values())
