"""The apps: which servers, and how they are spoken to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.forward.retry import Retries
from proxy.tls.upstream import build_upstream_context

if TYPE_CHECKING:
    import ssl

    from proxy.config import model
    from proxy.config.addresses import Server
    from proxy.snapshot.faults import Faults


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


def build_upstream(name: str, upstream: model.Upstream, faults: Faults) -> Upstream:
    """Return an app; what its certificates lack is a fault."""
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
