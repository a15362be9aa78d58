"""A configuration compiled into one immutable value: what a request is served under.

Everything that can fail, fails here: files are read, keys are matched with certificates, lists are
checked. A reload builds a new snapshot and swaps one reference; nothing ever changes a live one.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from proxy.access.decision import Access
from proxy.errors import CertgateError, ConfigError, Problem
from proxy.forward.retry import Retries
from proxy.identity.revocation import build_revocation_view, known_issuer_names
from proxy.routing.table import Route, RouteTable
from proxy.tls.build import build_context
from proxy.tls.files import load_certificates, load_crls, load_server_certificate
from proxy.tls.upstream import build_upstream_context

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cryptography.x509 import Certificate, CertificateRevocationList

    from proxy.config import model
    from proxy.config.addresses import Server
    from proxy.config.model import TLS, ClientAuth, Config
    from proxy.forward.identity_headers import Family
    from proxy.identity.revocation import RevocationView
    from proxy.tls.context import ClientCertContext
    from proxy.tls.files import ServerCertificate

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RouteTarget:
    """Where a route leads.

    Attributes:
        access: whom it lets in.
        upstream: a key of ``Snapshot.upstreams``.
    """

    access: Access
    upstream: str


@dataclass(frozen=True, slots=True)
class Limits:
    """As configured. A plain value: reading a field of a pydantic model costs ten times as much."""

    head: int
    fields: int
    body: int
    connections: int


@dataclass(frozen=True, slots=True)
class Timeouts:
    """As configured, in seconds."""

    handshake: float
    head: float
    body: float
    send: float
    keepalive: float
    connect: float
    response: float
    tunnel: float
    shutdown: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server of an upstream, and how it is spoken to.

    Attributes:
        server: where it is.
        tls: None for a server without TLS. A reload makes a new context, so that no connection
            outlives the trust under which it was made.
        server_name: whom the server's certificate has to name.
    """

    server: Server
    tls: ssl.SSLContext | None = None
    server_name: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """What one server does in its upstream; the attributes are those of the configuration."""

    endpoint: Endpoint
    weight: int
    backup: bool
    max_conns: int


@dataclass(frozen=True, slots=True)
class Upstream:
    """An app; all but the members is as configured."""

    members: tuple[Member, ...]
    balance: str
    retries: Retries
    max_fails: int
    fail_timeout: float


@dataclass(frozen=True, slots=True)
class Trust:
    """The certificates by which clients are judged, as they were read."""

    anchors: tuple[Certificate, ...]
    intermediates: tuple[Certificate, ...]

    @property
    def issuers(self) -> tuple[Certificate, ...]:
        """All of them: whose revocation lists are believed."""
        return self.anchors + self.intermediates


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
        upstreams: the apps, by name.
        limits, timeouts, client_auth, identity_headers: as configured.
    """

    config: Config
    tls: ClientCertContext
    trust: Trust
    anchors: frozenset[Certificate]
    revocation: RevocationView
    known_issuers: frozenset[bytes]
    routes: RouteTable[RouteTarget]
    limits: Limits
    timeouts: Timeouts
    client_auth: ClientAuth
    identity_headers: tuple[Family, ...]
    upstreams: dict[str, Upstream]


def build_snapshot(config: Config, previous: Snapshot | None = None) -> Snapshot:
    """Compile a configuration.

    Args:
        config: valid in itself.
        previous: the snapshot that is to be replaced; its revocation lists stay in force unless
            the new ones are newer, so that no older copy of a file lets a revoked client in.

    Raises:
        ConfigError: with every problem of the files that the configuration names.
    """
    faults = _Faults()
    trust = _load_trust(config.client_auth, faults)
    crls = _load_all(config.client_auth.crl, "client_auth.crl", load_crls, faults)
    certificates = _load_server_certificates(config.tls, faults)
    upstreams = {
        name: _build_upstream(name, upstream, faults) for name, upstream in config.upstreams.items()
    }
    faults.raise_if_any()
    tls = faults.collect("client_auth.ca", lambda: _build_tls(config, certificates, trust))
    faults.raise_if_any()
    assert tls is not None  # noqa: S101 -- for the type checker: no fault means a value
    return Snapshot(
        config=config,
        tls=tls,
        trust=trust,
        anchors=frozenset(trust.anchors),
        revocation=_build_revocation(config.client_auth, trust, crls, previous),
        known_issuers=_known_issuers(trust, crls),
        routes=_build_routes(config),
        limits=Limits(**config.limits.model_dump()),
        timeouts=Timeouts(**config.timeouts.model_dump()),
        client_auth=config.client_auth,
        identity_headers=config.identity_headers,
        upstreams=upstreams,
    )


def with_fresh_crls(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with the revocation lists as the files hold them now.

    Raises:
        ConfigError: a file is missing, empty or half-written; the lists in force stay.
    """
    faults = _Faults()
    crls = _load_all(snapshot.client_auth.crl, "client_auth.crl", load_crls, faults)
    faults.raise_if_any()
    view = _build_revocation(snapshot.client_auth, snapshot.trust, crls, snapshot)
    return replace(snapshot, revocation=view)


class _Faults:
    """Problems found on the way, so that all are told at once."""

    def __init__(self) -> None:
        self._problems: list[Problem] = []

    def collect(self, key: str, load: Callable[[], _T]) -> _T | None:
        """Return what was loaded, or note why it could not be."""
        try:
            return load()
        except CertgateError as error:
            self._problems.append(Problem("", key, str(error)))
            return None

    def raise_if_any(self) -> None:
        if self._problems:
            raise ConfigError(self._problems)


def _load_all(
    paths: tuple[Path, ...],
    key: str,
    load: Callable[[Path], tuple[_T, ...]],
    faults: _Faults,
) -> tuple[_T, ...]:
    loaded: list[_T] = []
    for path in paths:
        loaded += faults.collect(key, lambda path=path: load(path)) or ()  # type: ignore[misc]
    return tuple(loaded)


def _load_trust(client_auth: ClientAuth, faults: _Faults) -> Trust:
    return Trust(
        _load_all(client_auth.ca, "client_auth.ca", load_certificates, faults),
        _load_all(
            client_auth.intermediates, "client_auth.intermediates", load_certificates, faults
        ),
    )


def _load_server_certificates(
    tls: TLS, faults: _Faults
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


def _build_upstream(name: str, upstream: model.Upstream, faults: _Faults) -> Upstream:
    tls = upstream.tls
    context = None
    if any(one.url.is_tls for one in upstream.servers):
        context = faults.collect(
            f"upstreams.{name}.tls",
            lambda: build_upstream_context(
                tls.ca,
                verify=tls.verify,
                certificate=tls.certificate,
                private_key=tls.private_key,
                passphrase_file=tls.private_key_passphrase_file,
            ),
        )
    return Upstream(
        tuple(
            Member(
                Endpoint(one.url, context, tls.server_name or one.url.host)
                if one.url.is_tls
                else Endpoint(one.url),
                one.weight,
                one.backup,
                one.max_conns,
            )
            for one in upstream.servers
        ),
        upstream.balance,
        Retries(upstream.retries.tries, upstream.retries.timeout),
        upstream.health.max_fails,
        upstream.health.fail_timeout,
    )


def _build_revocation(
    client_auth: ClientAuth,
    trust: Trust,
    crls: tuple[CertificateRevocationList, ...],
    previous: Snapshot | None,
) -> RevocationView:
    if not client_auth.crl:
        return build_revocation_view(None, trust.issuers)
    kept = previous.revocation.crls if previous is not None else ()
    return build_revocation_view(
        (*kept, *crls), trust.issuers, client_auth.crl_check, client_auth.crl_stale
    )


def _known_issuers(trust: Trust, crls: tuple[CertificateRevocationList, ...]) -> frozenset[bytes]:
    """Return the names of CAs that are known but not anchors.

    A chain that ends below an anchor's *name* without reaching it was made by another CA of that
    name: that is a foreign certificate, not an incomplete chain.
    """
    anchors = {anchor.subject.public_bytes() for anchor in trust.anchors}
    return known_issuer_names(trust.intermediates, crls) - anchors


def _build_routes(config: Config) -> RouteTable[RouteTarget]:
    return RouteTable(
        Route(
            host=route.host,
            path=route.path,
            access=route.access,
            payload=RouteTarget(Access(route.access), route.upstream),
        )
        for route in config.routes
    )
