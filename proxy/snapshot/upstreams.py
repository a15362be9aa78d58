"""The apps: which servers, and how they are spoken to."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from tempfile import TemporaryFile, gettempdir
from typing import TYPE_CHECKING

from proxy.config.rules import HASH
from proxy.config.units import parse_statuses
from proxy.errors import CertgateError
from proxy.forward.retry import Retries
from proxy.observe.request_variables import request_variable
from proxy.routing.hash_ring import HashRing
from proxy.tls.upstream import build_upstream_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from proxy.config import model
    from proxy.config.addresses import Server
    from proxy.observe.access_record import AccessRecord
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


@dataclass(frozen=True, slots=True, eq=False)
class HashKey:
    """What ``hash:$variable`` needs.

    Attributes:
        value_of: returns the variable's value for a request.
        ring: the members, by their places.
    """

    value_of: Callable[[AccessRecord], bytes]
    ring: HashRing


@dataclass(frozen=True, slots=True)
class Check:
    """How servers are probed; two that are equal show the same thing.

    Attributes:
        path: of the request.
        host: the Host field; empty for the server's own address.
        interval: seconds between the beginnings of two probes.
        timeout: seconds for one of them, from the connection to the last byte.
        fails: so many failures in a row take a server out.
        passes: so many successes in a row bring it back.
        statuses: the status codes of success.
    """

    path: str
    host: str
    interval: float
    timeout: float
    fails: int
    passes: int
    statuses: frozenset[int]


@dataclass(frozen=True, slots=True)
class Buffering:
    """How the content of requests is stored.

    Attributes:
        memory: most bytes of one request in memory.
        folder: where the rest is.
    """

    memory: int
    folder: str


@dataclass(frozen=True, slots=True)
class Upstream:
    """An app; as configured, except for what is compiled.

    Attributes:
        hash_key: None unless ``balance`` is a hash.
        check: None without active health checks.
        buffering: None where requests stream.
    """

    members: tuple[Member, ...]
    balance: str
    hash_key: HashKey | None
    retries: Retries
    max_fails: int
    fail_timeout: float
    check: Check | None
    buffering: Buffering | None


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
    members = tuple(_member(one, context, tls.server_name) for one in upstream.servers)
    return Upstream(
        members,
        upstream.balance,
        _hash_key(upstream.balance, members),
        Retries(
            upstream.retries.tries,
            upstream.retries.timeout,
            frozenset(upstream.retries.conditions),
        ),
        upstream.health.max_fails,
        upstream.health.fail_timeout,
        _check(upstream.health),
        _buffering(name, upstream.buffering, faults),
    )


def _member(
    server: model.UpstreamServer, context: ssl.SSLContext | None, server_name: str
) -> Member:
    url = server.url
    endpoint = Endpoint(url, context, server_name or url.host) if url.is_tls else Endpoint(url)
    return Member(endpoint, server.weight, server.backup, server.max_conns)


def _hash_key(balance: str, members: tuple[Member, ...]) -> HashKey | None:
    if not balance.startswith(HASH):
        return None
    # Here and not in the group: 200 servers have 32,000 points, and requests would wait for them.
    ring = HashRing([(one.endpoint.server.address, one.weight) for one in members])
    return HashKey(request_variable(balance.removeprefix(HASH)), ring)


def _check(health: model.Health) -> Check | None:
    if not health.path:
        return None
    return Check(
        path=health.path,
        host=health.host,
        interval=health.interval,
        timeout=health.timeout,
        fails=health.fails,
        passes=health.passes,
        statuses=frozenset(chain.from_iterable(map(parse_statuses, health.status))),
    )


def _buffering(name: str, buffering: model.Buffering, faults: Faults) -> Buffering | None:
    if not buffering.requests:
        return None
    folder = str(buffering.folder or gettempdir())
    faults.collect(f"upstreams.{name}.buffering.folder", lambda: _try_folder(folder))
    return Buffering(buffering.memory, folder)


def _try_folder(folder: str) -> None:
    try:
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CertgateError(f"{folder}: no file can be made there: {error.strerror}") from None
