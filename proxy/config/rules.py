"""What single keys and whole lists have to obey beyond their types.

A rule that looks at a list reports every entry that breaks it, each with its own place, so that
all problems of a file come out in one pass.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from proxy.config.addresses import Address, parse_host
from proxy.config.listen_addresses import SocketPath
from proxy.config.units import quoted
from proxy.errors import CertgateError
from proxy.observe.access_format import parse_access_format

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from pydantic import ValidationInfo

    from proxy.config.listen_addresses import ListenAddress
    from proxy.config.model import (
        ClientAuth,
        Listener,
        RequestLimit,
        Route,
        ServerName,
        Upstream,
        UpstreamServer,
    )

T = TypeVar("T")
R = TypeVar("R", bound="RequestLimit")
Place = tuple[str | int, ...]
Finding = tuple[Place, str]

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")

# A route is compared with the decoded and resolved path of a request (proxy/routing/path.py). What
# cannot stand there, or what apps read in different ways, has no place in a route.
_NOT_IN_ROUTE_PATH: Final = {
    "%": "write the path decoded",
    "?": "a route looks at the path, not at the query",
    "#": "a fragment never reaches a server",
    "*": "a path is the start of what it takes; leave the * out",
    ";": "apps differ in what a ; means",
    "\\": "apps differ in what a \\ means",
}


def rejection(*findings: Finding) -> ValidationError:
    """Return the exception that reports each finding at its place below the present value."""
    return ValidationError.from_exception_data(
        "configuration",
        [
            InitErrorDetails(
                type=PydanticCustomError("rule", "{message}", {"message": message}),
                loc=place,
                input=None,
            )
            for place, message in findings
        ],
    )


def raise_any(findings: Iterable[Finding]) -> None:
    """Report all that was found; nothing, where nothing was.

    Raises:
        ValidationError: with every finding.
    """
    found = list(findings)
    if found:
        raise rejection(*found)


def _repetitions(
    entries: Iterable[T], identity_of: Callable[[T], Hashable], message: str, *place: str
) -> Iterator[Finding]:
    seen: set[Hashable] = set()
    for index, entry in enumerate(entries):
        identity = identity_of(entry)
        if identity in seen:
            yield (index, *place), message
        seen.add(identity)


def check_listeners(listeners: tuple[Listener, ...]) -> tuple[Listener, ...]:
    """Refuse to listen twice on one address, and to redirect everybody to nowhere."""
    raise_any(
        _repetitions(
            listeners,
            lambda entry: id(entry) if _is_chosen_by_system(entry.address) else entry.address,
            "this address is given twice",
            "address",
        )
    )
    if all(listener.redirect_to_port for listener in listeners):
        raise ValueError("all redirect; at least one has to speak TLS")
    return listeners


def _is_chosen_by_system(address: ListenAddress) -> bool:
    """Port 0 is another one each time."""
    return isinstance(address, Address) and not address.port


def check_trusted_proxies(trusted: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Refuse listeners that would close every connection."""
    raise_any(_repetitions(trusted, str, "is named twice"))
    for listener in info.data.get("listen", ()):
        if not listener.proxy_protocol:
            continue
        if isinstance(listener.address, SocketPath) and "unix:" not in trusted:
            raise ValueError(
                f"has to name unix: because {listener.address} has proxy_protocol: true"
            )
        if not trusted:
            raise ValueError(
                "has to name the proxies that connect to a listener with proxy_protocol: true"
            )
    return trusted


def check_server_names(names: tuple[ServerName, ...]) -> tuple[ServerName, ...]:
    """Refuse two certificates for one name."""
    raise_any(_repetitions(names, lambda entry: entry.name, "this name is given twice", "name"))
    return names


def check_request_limits(limits: tuple[R, ...]) -> tuple[R, ...]:
    """Refuse the same rate for the same visitors twice: the lower burst alone would count."""
    raise_any(
        _repetitions(
            limits,
            lambda entry: (entry.per, entry.rate),
            "this rate is given above; keep one of the two",
            "rate",
        )
    )
    return limits


def check_identity_headers(families: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a family that is named twice."""
    raise_any(_repetitions(families, str, "is named twice"))
    return families


def check_host_pattern(text: str) -> str:
    """Return a host name or ``*.example.com`` in lower case."""
    wildcard = "*." if text.startswith("*.") else ""
    name = text.removeprefix(wildcard)
    if "*" in name:
        raise ValueError(
            f"{quoted(text)}: a * stands only for the whole first label: *.example.com"
        )
    if name.startswith("[") or (name.count(":") == 1):
        raise ValueError(f"{quoted(text)}: write the host alone, without port and brackets")
    return wildcard + parse_host(name)


def check_server_name(text: str) -> str:
    """Return the name of a server's certificate in lower case; empty stands for the URL's host."""
    return parse_host(text) if text else text


def check_servers(servers: tuple[UpstreamServer, ...]) -> tuple[UpstreamServer, ...]:
    """Refuse backups of nothing."""
    if all(server.backup for server in servers):
        raise ValueError("all are backups; at least one has to be in use")
    return servers


def check_balance(balance: str, info: ValidationInfo) -> str:
    """Refuse what cannot be had together; as in nginx, the hash has no place for backups."""
    if balance == "ip_hash" and any(server.backup for server in info.data.get("servers", ())):
        raise ValueError("ip_hash cannot be had with a backup server; remove one of the two")
    return balance


def refuse_hash(value: object) -> object:
    """Say of hash:$variable that it will be taken one day."""
    if isinstance(value, str) and value.startswith("hash:"):
        raise ValueError("hash is not in this version; write ip_hash or another one")
    return value


def check_upstream_name(text: str) -> str:
    """Refuse a name that could not stand in a log line or a metric's label as it is."""
    if not _NAME.fullmatch(text):
        raise ValueError(f"{quoted(text)}: a name is made of letters, digits, _, - and .")
    return text


def check_route_host(text: str) -> str:
    """As ``check_host_pattern``; empty stands for every host."""
    return check_host_pattern(text) if text else text


def check_route_path(text: str) -> str:
    """Refuse a path that no request can have, or that does not mean one thing only."""
    if not text.startswith("/"):
        raise ValueError(f"{quoted(text)} does not begin with /")
    for character, advice in _NOT_IN_ROUTE_PATH.items():
        if character in text:
            raise ValueError(f"{quoted(text)} contains {character}: {advice}")
    segments = text.split("/")[1:]
    if "" in segments[:-1] or not {".", ".."}.isdisjoint(segments):
        raise ValueError(f"{quoted(text)}: write it without empty segments, . and ..")
    if not text.isprintable():
        raise ValueError(f"{quoted(text)} contains a control character")
    return text


def check_index(names: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is not the plain name of a file that may be served."""
    for name in names:
        if not name or name.startswith(".") or not {"/", "\\", "\0"}.isdisjoint(name):
            raise ValueError(
                f"{quoted(name)}: write the name of a file that stands in each folder, without "
                "slashes and not with a dot first"
            )
    return names


def settle_routes(
    routes: tuple[Route, ...], upstreams: dict[str, Upstream], client_auth: ClientAuth | None
) -> tuple[Route, ...]:
    """Return the routes with their upstreams filled in.

    Raises:
        ValidationError: for every route that repeats another, names no upstream of these, or
            lets strangers in where the handshake already refuses them.
        PydanticCustomError: ``no_app``, when a route needs an app and there is none.
    """
    if not upstreams and any(_leads_to_app(route) for route in routes):
        raise PydanticCustomError(
            "no_app", "there is no app; write upstream: http://host:port, or upstreams"
        )
    raise_any(
        [
            *_repetitions(routes, _spot, "a route for this host and path is given above", "path"),
            *_case_conflicts(routes),
            *_upstream_faults(routes, upstreams),
            *_handshake_conflicts(routes, client_auth),
        ]
    )
    only = next(iter(upstreams), "")
    return tuple(
        route.model_copy(update={"upstream": only})
        if _leads_to_app(route) and not route.upstream
        else route
        for route in routes
    )


def _leads_to_app(route: Route) -> bool:
    return route.static is None


def _spot(route: Route) -> tuple[str, str]:
    return route.host, route.path.rstrip("/")


def _case_conflicts(routes: Iterable[Route]) -> Iterator[Finding]:
    """An app that ignores case cannot tell such paths apart, so neither of them would be safe."""
    first: dict[tuple[str, str], Route] = {}
    for index, route in enumerate(routes):
        host, path = _spot(route)
        other = first.setdefault((host, path.lower()), route)
        if _spot(other) == _spot(route):
            continue
        beginning = f"differs from {quoted(other.path)} in letter case only"
        if other.access != route.access:
            yield (index, "path"), f"{beginning}, but not in access"
        elif other.limits.of_visitors != route.limits.of_visitors:
            yield (index, "path"), f"{beginning}, but not in limits"


def _upstream_faults(routes: Iterable[Route], upstreams: dict[str, Upstream]) -> Iterator[Finding]:
    for index, route in enumerate(routes):
        if not _leads_to_app(route):
            if route.upstream:
                yield (index, "upstream"), "a route leads to an app or to a folder; keep one"
        elif route.upstream and route.upstream not in upstreams:
            known = ", ".join(upstreams)
            yield (index, "upstream"), f"{quoted(route.upstream)} is not among upstreams: {known}"
        elif not route.upstream and len(upstreams) > 1:
            yield (index,), "has no upstream, and there are several; name one"


def _handshake_conflicts(
    routes: Iterable[Route], client_auth: ClientAuth | None
) -> Iterator[Finding]:
    if client_auth is None or client_auth.reject_with == "page":
        return
    for index, route in enumerate(routes):
        if route.access != "verified":
            message = f"{route.access} access needs client_auth.reject_with: page"
            yield (index, "access"), message


def parse_workers(value: object) -> object:
    """Refuse any number of processes but one."""
    if value == 1 or value == "1":  # noqa: PLR1714 - a list has no hash
        return 1
    raise ValueError("more than one worker, and auto, are not in this version; write 1")


def check_log_format(value: str) -> str:
    """Accept ``combined``, ``json``, or a template whose variables all exist.

    Raises:
        ValueError: with a message for the operator.
    """
    try:
        parse_access_format(value)
    except CertgateError as error:
        raise ValueError(str(error).removeprefix("access log format: ")) from None
    return value


def refuse_access_rules(value: object) -> object:
    """Say of allow and deny rules that they will be taken one day."""
    if isinstance(value, dict):
        raise ValueError(  # noqa: TRY004 - pydantic reports ValueErrors
            "allow, deny and methods are not in this version; write verified, optional or public"
        )
    return value
