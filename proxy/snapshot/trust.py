"""The certificates and revocation lists by which clients are judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.identity.revocation import build_revocation_view, known_issuer_names
from proxy.snapshot.faults import Faults, load_all
from proxy.tls.files import load_certificates
from proxy.tls.settings import refuse_dead_ends, refuse_self_issued

if TYPE_CHECKING:
    from cryptography.x509 import Certificate, CertificateRevocationList

    from proxy.config.model import ClientAuth
    from proxy.identity.revocation import RevocationView
    from proxy.snapshot.build import Snapshot


@dataclass(frozen=True, slots=True)
class Trust:
    """The certificates by which clients are judged, as they were read."""

    anchors: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]

    @property
    def issuers(self) -> tuple[Certificate, ...]:
        """All of them: whose revocation lists are believed."""
        return self.anchors + self.intermediates


def load_trust(client_auth: ClientAuth, faults: Faults) -> Trust:
    """Read the certificates of the CAs."""
    return Trust(
        load_all(client_auth.ca, "client_auth.ca", load_certificates, faults),
        load_all(client_auth.intermediates, "client_auth.intermediates", load_certificates, faults),
    )


def refuse_unfit(trust: Trust, faults: Faults) -> None:
    """Note what can be read and yet vouches for nobody, or for too many, where it stands."""
    faults.collect("client_auth.ca", lambda: refuse_dead_ends(trust.anchors))
    faults.collect("client_auth.intermediates", lambda: refuse_self_issued(trust.intermediates))


def build_revocation(
    client_auth: ClientAuth,
    trust: Trust,
    crls: tuple[CertificateRevocationList, ...],
    previous: Snapshot | None,
) -> RevocationView:
    """Return the lists in force.

    Args:
        client_auth: as configured.
        trust: whose lists are believed.
        crls: as the files hold them now.
        previous: its lists stay, unless there are newer ones.
    """
    if not client_auth.crl:
        return build_revocation_view(None, trust.issuers)
    kept = previous.revocation.crls if previous is not None else ()
    view = build_revocation_view(
        (*kept, *crls), trust.issuers, client_auth.crl_check, client_auth.crl_stale
    )
    return view.beside(crls)


def known_issuers(trust: Trust, crls: tuple[CertificateRevocationList, ...]) -> frozenset[bytes]:
    """Return the names of CAs that are known but not anchors.

    A chain that ends below an anchor's *name* without reaching it was made by another CA of that
    name: that is a foreign certificate, not an incomplete chain.
    """
    anchors = {anchor.subject.public_bytes() for anchor in trust.anchors}
    return known_issuer_names(trust.intermediates, crls) - anchors
