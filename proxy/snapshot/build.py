"""A configuration compiled into one immutable value: what a request is served under.

Everything that can fail, fails here: files are read, keys are matched with certificates, lists are
checked. A reload builds a new snapshot and swaps one reference; nothing ever changes a live one.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from proxy.forward.trusted_proxies import TrustedProxies
from proxy.snapshot.bounds import (
    Limits,
    Timeouts,
    VisitorLimits,
    build_limits,
    build_visitor_limits,
)
from proxy.snapshot.faults import Faults, load_all
from proxy.snapshot.routes import RouteTarget, build_routes
from proxy.snapshot.trust import (
    Trust,
    build_revocation,
    known_issuers,
    load_trust,
    refuse_unfit,
)
from proxy.snapshot.upstreams import Upstream, build_upstream
from proxy.tls.build import build_context
from proxy.tls.files import load_crls, load_server_certificate

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from proxy.config.model import TLS, ClientAuth, Config
    from proxy.forward.identity_headers import Family
    from proxy.identity.revocation import RevocationView
    from proxy.routing.table import RouteTable
    from proxy.tls.context import ClientCertContext
    from proxy.tls.files import ServerCertificate


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What is in force.

    Attributes:
        config: what it was made from.
        tls: new connections handshake with it. A context is never changed and never swapped
            inside a handshake; a reload makes a new one.
        trust: anchors and intermediates.
        anchors: the anchors again, for look-ups.
        revocation: the lists in force; the only part that is replaced without a reload.
        known_issuers: names of CAs that the configuration knows, to tell an incomplete chain.
        routes: from host and path to a ``RouteTarget``.
        no_route: what counts where there is none.
        upstreams: the apps, by name.
        trusted_proxies: peers that speak for other clients.
        limits, timeouts, client_auth, identity_headers: as configured.
        visitors: how often each visitor may come; None where that is not limited.
    """

    config: Config
    tls: ClientCertContext
    trust: Trust
    anchors: frozenset[Certificate]
    revocation: RevocationView
    known_issuers: frozenset[bytes]
    routes: RouteTable[RouteTarget]
    no_route: RouteTarget
    limits: Limits
    visitors: VisitorLimits | None
    timeouts: Timeouts
    client_auth: ClientAuth
    identity_headers: tuple[Family, ...]
    upstreams: dict[str, Upstream]
    trusted_proxies: TrustedProxies


def build_snapshot(config: Config, previous: Snapshot | None = None) -> Snapshot:
    """Compile a configuration.

    Args:
        config: valid in itself.
        previous: the snapshot that is to be replaced; its revocation lists stay in force unless
            the new ones are newer, so that no older copy of a file lets a revoked client in.

    Raises:
        ConfigError: with every problem of the files that the configuration names.
    """
    faults = Faults()
    trust = load_trust(config.client_auth, faults)
    crls = load_all(config.client_auth.crl, "client_auth.crl", load_crls, faults)
    certificates = _load_server_certificates(config.tls, faults)
    upstreams = {
        name: build_upstream(name, upstream, faults) for name, upstream in config.upstreams.items()
    }
    routes, no_route = build_routes(config, faults)
    faults.raise_if_any()
    refuse_unfit(trust, faults)
    faults.raise_if_any()
    tls = faults.collect("tls", lambda: _build_tls(config, certificates, trust))
    faults.raise_if_any()
    assert tls is not None  # noqa: S101 -- for the type checker: no fault means a value
    return Snapshot(
        config=config,
        tls=tls,
        trust=trust,
        anchors=frozenset(trust.anchors),
        revocation=build_revocation(config.client_auth, trust, crls, previous),
        known_issuers=known_issuers(trust, crls),
        routes=routes,
        no_route=no_route,
        limits=build_limits(config.limits),
        visitors=build_visitor_limits(config),
        timeouts=Timeouts(**config.timeouts.model_dump()),
        client_auth=config.client_auth,
        identity_headers=config.identity_headers,
        upstreams=upstreams,
        trusted_proxies=TrustedProxies(config.trusted_proxies),
    )


def with_fresh_crls(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with the revocation lists as the files hold them now.

    Raises:
        ConfigError: a file is missing, empty or half-written; the lists in force stay.
    """
    faults = Faults()
    crls = load_all(snapshot.client_auth.crl, "client_auth.crl", load_crls, faults)
    faults.raise_if_any()
    view = build_revocation(snapshot.client_auth, snapshot.trust, crls, snapshot)
    return replace(snapshot, revocation=view)


def _load_server_certificates(
    tls: TLS, faults: Faults
) -> tuple[ServerCertificate | None, dict[str, ServerCertificate]]:
    by_name: dict[str, ServerCertificate] = {}
    default = faults.collect(
        "tls",
        lambda: load_server_certificate(
            tls.certificate, tls.private_key, tls.private_key_passphrase_file
        ),
    )
    for index, entry in enumerate(tls.server_names):
        found = faults.collect(
            f"tls.server_names[{index}]",
            lambda entry=entry: load_server_certificate(  # type: ignore[misc]
                entry.certificate, entry.private_key, entry.private_key_passphrase_file
            ),
        )
        if found is not None:
            by_name[entry.name] = found
    return default, by_name


def _build_tls(
    config: Config,
    certificates: tuple[ServerCertificate | None, dict[str, ServerCertificate]],
    trust: Trust,
) -> ClientCertContext:
    default, by_name = certificates
    assert default is not None  # noqa: S101 -- for the type checker: faults were raised before
    alert = config.client_auth.reject_with == "alert"
    return build_context(
        default=default,
        by_name=by_name,
        anchors=trust.anchors,
        intermediates=trust.intermediates,
        verify_depth=config.client_auth.verify_depth,
        min_version=config.tls.min_version,
        verify_mode=ssl.CERT_REQUIRED if alert else ssl.CERT_OPTIONAL,
    )
